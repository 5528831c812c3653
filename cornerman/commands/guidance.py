"""``cornerman guidance``: single rules, their evidence, and a person's hand on them."""

from typing import TYPE_CHECKING, Annotated

import typer

from cornerman.format import estimated
from cornerman.options import ConfigFile, Db, GameName, Json
from cornerman.terminal import emit, note, say, table

if TYPE_CHECKING:
    from cornerman.guiding import GuidanceChanged, GuidanceShown

ItemId = Annotated[str, typer.Argument(help="The item's id or the start of it.")]
ModelName = Annotated[
    str | None, typer.Option("--model", help="Whose working prompt. Default: the player of the configuration.")
]


def list_(
    *,
    status: Annotated[str | None, typer.Option(help="proposed, trial, active or retired.")] = None,
    game: GameName = None,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """List the guidance items, the newest first.

    Example: cornerman guidance list --status active
    """
    from cornerman.guiding import GuidanceList
    from cornerman.workplace import workplace
    from models.errors import BadInput
    from prompts.library import STATUSES

    if status is not None and status not in STATUSES:
        raise BadInput(f"unknown status {status!r}: use {', '.join(STATUSES)}")
    with workplace(db, config, game, write=False) as place:
        found = GuidanceList.of(place.players.library.guidance(place.game.name, status))
    if as_json:
        return emit(found)
    return table(
        ("id", "status", "effect", "rule"),
        [(row.id, _status(row), _effect(row), row.text) for row in found.guidance],
    )


def show(
    item: ItemId, *, game: GameName = None, config: ConfigFile = None, db: Db = None, as_json: Json = False
) -> None:
    """Show an item with the turns that are its evidence.

    Example: cornerman guidance show 9f3c
    """
    from cornerman.guiding import show as work
    from cornerman.workplace import workplace

    with workplace(db, config, game, write=False) as place:
        found = work(place, item)
    if as_json:
        return emit(found)
    rule = found.rule
    say(rule.text)
    if rule.remark and rule.remark != rule.text:
        say(rule.remark)
    say(f"{_status(rule)}, by {rule.origin}, {rule.created}; effect {_effect(rule) or 'not measured on its own'}")
    if not found.evidence:
        return say("it cites no turns")
    return table(("episode", "turn", "note"), [(one.episode_id, one.turn_n, one.note) for one in found.evidence])


def retire(
    item: ItemId,
    *,
    model: ModelName = None,
    game: GameName = None,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Retire an item: it leaves the working prompt, and nobody's candidate has it again until it is restored.

    The certified prompt stays as it passed the gate; the next night tries the working one.

    Example: cornerman guidance retire 9f3c
    """
    from cornerman.guiding import retire as work
    from cornerman.workplace import workplace

    with workplace(db, config, game) as place:
        found = work(place, item, model or place.config.player.model)
    _changed(found, as_json, f"`cornerman guidance restore {found.id}` lets the rule be proposed again")


def restore(
    item: ItemId,
    *,
    model: ModelName = None,
    game: GameName = None,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Undo retire: the item may be proposed again. The working prompt stays as it is.

    Example: cornerman guidance restore 9f3c
    """
    from cornerman.guiding import restore as work
    from cornerman.workplace import workplace

    with workplace(db, config, game) as place:
        found = work(place, item, model or place.config.player.model)
    _changed(found, as_json, f"rule {found.id} may be proposed again")


def pin(
    item: ItemId,
    *,
    model: ModelName = None,
    game: GameName = None,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Pin an item: it stays in the working prompt and in every candidate made of it, until it is unpinned.

    Example: cornerman guidance pin 9f3c
    """
    from cornerman.guiding import pin as work
    from cornerman.workplace import workplace

    with workplace(db, config, game) as place:
        found = work(place, item, model or place.config.player.model)
    _changed(found, as_json, f"rule {found.id} stays until `cornerman guidance unpin {found.id}`")


def unpin(
    item: ItemId,
    *,
    model: ModelName = None,
    game: GameName = None,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Undo pin, or the pin of an edited item: it may be changed and dropped again.

    Example: cornerman guidance unpin 9f3c
    """
    from cornerman.guiding import unpin as work
    from cornerman.workplace import workplace

    with workplace(db, config, game) as place:
        found = work(place, item, model or place.config.player.model)
    _changed(found, as_json, f"rule {found.id} may be changed and dropped again")


def edit(
    item: ItemId,
    text: Annotated[str, typer.Argument(help='The new rule: "When the opponent is far, use fireball."')],
    *,
    model: ModelName = None,
    game: GameName = None,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Put a new wording in an item's place in the working prompt; the old one is retired, the new one is pinned.

    Example: cornerman guidance edit 9f3c "When the opponent is far, use fireball."
    """
    from cornerman.guiding import edit as work
    from cornerman.workplace import workplace

    with workplace(db, config, game) as place:
        found, is_rule = work(place, item, text, model or place.config.player.model)
    if not is_rule:
        note("this is not a rule of the form 'When ..., use ....'; it is kept as a remark for large models")
    _changed(found, as_json, f"rule {found.id} stays until `cornerman guidance unpin {found.id}`")


def _changed(found: "GuidanceChanged", as_json: bool, holds: str) -> None:
    """``holds`` says what holds from now on, and how to undo that."""
    if as_json:
        return emit(found)
    if found.changed:
        undo = "`cornerman prompts rollback working` brings that one back"
        say(f"the working prompt is now {found.prompt_id} (before: {found.before}); {undo}")
    else:
        say(f"the working prompt {found.prompt_id} stays as it is")
    return say(holds)


def _status(row: "GuidanceShown") -> str:
    return f"{row.status}, pinned" if row.pinned else row.status


def _effect(row: "GuidanceShown") -> str:
    if row.effect is None or row.effect_low is None or row.effect_high is None:
        return ""
    return estimated(row.effect, row.effect_low, row.effect_high, 3)
