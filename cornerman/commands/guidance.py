"""``cornerman guidance``: single rules, their evidence, and a person's hand on them."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cornerman.options import ConfigFile, Db, GameName, Json
from cornerman.terminal import emit, note, say, table

if TYPE_CHECKING:
    from cornerman.workplace import Workplace
    from prompts.library import GuidanceRow
    from prompts.prompt import Prompt

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
    from cornerman.workplace import workplace
    from models.errors import BadInput
    from prompts.library import STATUSES

    if status is not None and status not in STATUSES:
        raise BadInput(f"unknown status {status!r}: use {', '.join(STATUSES)}")
    with workplace(db, config, game, write=False) as place:
        found = place.players.library.guidance(place.game.name, status)
    if as_json:
        return emit({"guidance": [_plain(row) for row in found]})
    return table(
        ("id", "status", "effect", "rule"),
        [(row.id, row.status, _effect(row), row.text) for row in found],
    )


def show(
    item: ItemId, *, game: GameName = None, config: ConfigFile = None, db: Db = None, as_json: Json = False
) -> None:
    """Show an item with the turns that are its evidence.

    Example: cornerman guidance show 9f3c
    """
    from cornerman.workplace import workplace

    with workplace(db, config, game, write=False) as place:
        library = place.players.library
        row = library.item(item, place.game)
        cited = [{"episode_id": c.episode_id, "turn_n": c.turn_n, "note": c.note} for c in library.citations(row.id)]
    if as_json:
        return emit({**_plain(row), "evidence": cited})
    say(row.text)
    if row.item.remark and row.item.remark != row.text:
        say(row.item.remark)
    say(f"{row.status}, by {row.item.origin}, {row.created}; effect {_effect(row) or 'not measured on its own'}")
    return table(("episode", "turn", "note"), [(c["episode_id"], c["turn_n"], c["note"]) for c in cited])


def retire(
    item: ItemId,
    *,
    model: ModelName = None,
    game: GameName = None,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Retire an item: it leaves the working prompt and is not proposed again.

    The certified prompt stays as it passed the gate; the next night tries the working one.

    Example: cornerman guidance retire 9f3c
    """
    from cornerman.workplace import workplace
    from prompts.prompt import Prompt

    with workplace(db, config, game) as place:
        library = place.players.library
        row = library.item(item, place.game)
        library.set_status([row.id], "retired")
        old = _working(place, model)
        kept = tuple(each for each in old.items if each.id != row.id)
        new = Prompt(old.base, kept)
        _replace(place, model, old, new, f"retired {row.id}")
    _changed(row.id, new, old, as_json)


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
    """Put a new wording in an item's place in the working prompt; the old one is retired.

    Example: cornerman guidance edit 9f3c "When the opponent is far, use fireball."
    """
    from cornerman.workplace import workplace
    from prompts.prompt import GuidanceItem, compose
    from prompts.sentence import read_rule

    with workplace(db, config, game) as place:
        library = place.players.library
        row = library.item(item, place.game)
        rule = read_rule(place.game, text)
        made = GuidanceItem(rule, "" if rule else text)
        if rule is None:
            note("this is not a rule of the form 'When ..., use ....'; it is kept as a remark for large models")
        old = _working(place, model)
        items = [made if each.id == row.id else each for each in old.items]
        if made not in items:
            items.append(made)
        new = compose(place.game, old.base, items)
        _replace(place, model, old, new, f"edited {row.id}")
        library.set_status([row.id], "retired")
    _changed(made.id, new, old, as_json)


def _working(place: "Workplace", model: str | None) -> "Prompt":
    who = model or place.config.player.model
    library = place.players.library
    named = library.aliases.get("working", place.game.name, who) is not None
    return library.resolve("working" if named else "base", place.game, who)


def _replace(place: "Workplace", model: str | None, old: "Prompt", new: "Prompt", why: str) -> None:
    if new.id == old.id:
        return
    library = place.players.library
    library.save(old, place.game)
    library.save(new, place.game, origin="person", parent_id=old.id, note=why)
    library.set("working", place.game, model or place.config.player.model, new, note=why)


def _changed(item_id: str, new: "Prompt", old: "Prompt", as_json: bool) -> None:
    result = {"id": item_id, "prompt_id": new.id, "before": old.id, "changed": new.id != old.id}
    if as_json:
        emit(result)
    elif new.id == old.id:
        say(f"item {item_id}: the working prompt {new.id} did not hold it and stays")
    else:
        say(f"the working prompt is now {new.id} (before: {old.id}); `cornerman prompts rollback working` undoes it")


def _effect(row: "GuidanceRow") -> str:
    if row.effect is None:
        return ""
    return f"{row.effect:+.3f} [{row.effect_low:+.3f}, {row.effect_high:+.3f}]"


def _plain(row: "GuidanceRow") -> dict[str, Any]:
    return {
        "id": row.id,
        "game": row.game,
        "text": row.text,
        "remark": row.item.remark,
        "origin": row.item.origin,
        "status": row.status,
        "effect": row.effect,
        "effect_low": row.effect_low,
        "effect_high": row.effect_high,
        "created": row.created,
    }
