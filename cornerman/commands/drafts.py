"""``cornerman drafts``: human drafts of 17lands files as episodes, players measured against them, a student of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cornerman.format import count, dollars, number, percent
from cornerman.options import ConfigFile, Db, GameName, Json
from cornerman.terminal import emit, say, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from cornerman.drafting import ScoreResult
    from cornerman.night.show import Terminal
    from episodes.games.draft.agreement import Agreement

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
    whole = f"{number(found.top)} of them whole and a top drafter's"
    say(f"{file}: {count(found.rows, 'pick')}, {count(found.drafts, 'draft')}, {whole}")
    for reason, left_out in found.left_out.items():
        say(f"left out {number(left_out)}: {reason}")
    if found.odd_pools:
        say(f"in {number(found.odd_pools)} the pool columns do not count what was taken before; what was taken counts")
    say(f"training {number(found.train)}, held out {number(found.held_out)}")
    return say(f"{count(found.episodes, 'episode')} of {found.game} by {found.player}, {number(found.new)} of them new")


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
    if not found.drafts:
        raise typer.Exit(1)


def _print(found: "ScoreResult") -> None:
    from cornerman.losing import lines

    say(f"{found.player} on {found.game}: {count(found.drafts, 'draft')}")
    rows = [("all picks", found.all)]
    rows += [(f"{phase} in the pack", one) for phase, one in found.phases.items()]
    rows += [(KINDS[kind], one) for kind, one in found.kinds.items()]
    table(("picks of", "number", "agreement", "from", "to", "by chance"), [_row(name, one) for name, one in rows])
    for line in lines(((found.player, found.answers),)):
        say(line)
    say(dollars(found.cost_usd))
    if found.voided:
        say(f"voided by faults: {count(found.voided, 'draft')}, the first: {found.faults[0].message}")


KINDS = {
    "familiar": "only known cards in the pack",
    "offered": "a held-out card was left",
    "taken": "a held-out card was taken",
}


def _row(name: str, one: "Agreement") -> tuple[str, ...]:
    figures = (percent(value, 1) for value in (one.share, one.low, one.high, one.chance))
    return (name, number(one.picks), *figures)


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
    say(f"student {found.student} in {found.path}")
    return say(
        f"learned {count(found.learned.rows, 'pick')} of {count(found.learned.episodes, 'draft')}; names the human's "
        f"card as its first choice in {percent(found.after.agreement)} of those kept apart "
        f"(before training {percent(found.before.agreement)})"
    )
