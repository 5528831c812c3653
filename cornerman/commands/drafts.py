"""``cornerman drafts``: human drafts of 17lands files as episodes, players measured against them, a student of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cornerman.options import ConfigFile, Db, GameName, Json
from cornerman.terminal import emit, say, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from cornerman.night.show import Terminal

DraftPath = Annotated[Path, typer.Argument(metavar="FILE", help="A 17lands draft file, draft_data_public….csv[.gz].")]
_MB = 1_000_000


def import_(
    file: DraftPath,
    *,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many drafts.")] = None,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Keep the drafts of a file that may be learned from, as episodes of the human who made them.

    Top drafters' drafts of the training hours, without the held-out cards. The same command goes on where it stopped.

    Example: cornerman drafts import draft_data_public.DSK.PremierDraft.csv.gz --limit 1000
    """
    from cornerman.drafting import import_drafts, training_game
    from cornerman.night.show import Terminal
    from cornerman.workplace import settings
    from episodes.store.store import Store

    chosen = settings(db, config)
    with Terminal() as shown:
        game = training_game(file, _reading(shown))
        with Store.open(chosen.db) as store:
            found = import_drafts(store, game, limit, lambda done, total: shown.progress(done, total, "drafts"))
    if as_json:
        return emit(found)
    say(f"{file}: {found['rows']} picks, {found['drafts']} drafts, {found['top']} of them whole and a top drafter's")
    for reason, count in found["left_out"].items():
        say(f"left out {count}: {reason}")
    if found["odd_pools"]:
        say(f"in {found['odd_pools']} the pool columns do not count what was taken before; what was taken counts")
    say(f"training {found['train']}, held out {found['held_out']}")
    return say(f"{found['episodes']} episodes of {found['game']} by {found['player']}, {found['new']} of them new")


def _reading(shown: "Terminal") -> "Callable[[int, int], None]":
    return lambda done, total: shown.progress(done // _MB, total // _MB, "reading the file, in MB")


def score(
    player: Annotated[str, typer.Argument(help="E.g. drafter:FILE, openai:NAME@base, student:ID, bot:random.")],
    *,
    game: GameName = None,
    drafts: Annotated[int, typer.Option(min=1, help="At most so many held-out drafts.")] = 100,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Measure how often a player takes what top drafters took, on drafts and cards that training never saw.

    Example: cornerman drafts score bot:random --game draft:draft_data_public.DSK.PremierDraft.csv.gz
    """
    from cornerman.drafting import read_file, score_player
    from cornerman.night.show import Terminal
    from cornerman.workplace import settings, workplace

    with Terminal() as shown:
        read_file(settings(db, config, game).game, _reading(shown))
    with workplace(db, config, game) as place, Terminal() as shown:
        who = place.players.open(player, place.game)
        found = place.run(
            lambda: score_player(place, who, drafts, lambda done, total: shown.progress(done, total, "drafts"))
        )
    if as_json:
        emit(found)
    else:
        _print(found)
    if not found["drafts"]:
        raise typer.Exit(1)


def _print(found: dict[str, Any]) -> None:
    say(f"{found['player']} on {found['game']}: {found['drafts']} drafts")
    rows = [("all picks", found)]
    rows += [(f"{phase} in the pack", one) for phase, one in found["phases"].items()]
    rows += zip(
        ("only known cards in the pack", "a held-out card was left", "a held-out card was taken"),
        found["kinds"].values(),
        strict=True,
    )
    columns = ("picks of", "number", "agreement", "from", "to", "by chance")
    table(columns, [[name, one["picks"], *map(_percent, _figures(one))] for name, one in rows])
    say(
        f"illegal {found['illegal']}, unreadable {found['unreadable']}, refused {found['refused']}, "
        f"timeouts {found['timeouts']}, US$ {found['cost_usd']:.4f}"
    )
    if found["voided"]:
        say(f"voided by faults: {found['voided']} drafts, the first by {found['faults'][0]}")


def _figures(one: dict[str, Any]) -> tuple[float | None, ...]:
    return one["share"], one["low"], one["high"], one["chance"]


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def distill(
    file: DraftPath,
    *,
    base: Annotated[
        str | None, typer.Option(help="A Hugging Face name or a folder. Default: the configuration's.")
    ] = None,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Train a student on the drafts of a file that were imported; `drafts score student:ID` then measures it.

    Example: cornerman drafts distill draft_data_public.DSK.PremierDraft.csv.gz --base HuggingFaceTB/SmolLM2-135M
    """
    from cornerman.drafting import distil_drafts
    from cornerman.night.show import Terminal
    from cornerman.workplace import workplace

    with workplace(db, config, f"draft:{file}") as place, Terminal() as shown:
        found = distil_drafts(
            place,
            file,
            base or place.config.student.base,
            lambda done, total: shown.progress(done, total, "steps of training"),
        )
    if as_json:
        return emit(found)
    say(f"student {found['student']} in {found['path']}")
    return say(
        f"learned {found['rows']} picks of {found['episodes']} drafts; names the human's card as its first choice in "
        f"{found['after']['agreement']:.0%} of those kept apart (before training {found['before']['agreement']:.0%})"
    )
