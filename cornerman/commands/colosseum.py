"""``cornerman colosseum``: a tournament among many models and prompts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cornerman.format import count, dollars, duration, number
from cornerman.options import ConfigFile, Db, Free, GameName, Json, Seed
from cornerman.terminal import emit, note, say

if TYPE_CHECKING:
    from cornerman.colosseum.hold import ColosseumResult

PAGE = "colosseum.html"


def colosseum(
    players: Annotated[Path, typer.Argument(metavar="PLAYERS.TOML", help="Who takes part, and how it is played.")],
    *,
    game: GameName = None,
    clock: Annotated[
        str | None,
        typer.Option(metavar="CLOCK", help="paused, measured, simulated:MS[,SD], ... Default: the file's, or paused."),
    ] = None,
    system: Annotated[
        str | None, typer.Option(help="round-robin or swiss. Default: the file's, or round-robin.")
    ] = None,
    pairs: Annotated[
        int | None, typer.Option(min=1, help="Seeds a meeting, each in all seatings. Default: the file's, or 4.")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="Swiss rounds. Default: the file's, or enough to find the best.")
    ] = None,
    rating: Annotated[
        str | None,
        typer.Option(help="openskill: its ratings as well, to check ours (pip install 'cornerman[ratings]')."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="PAGE.html", help="The page. Default: colosseum.html beside the store."),
    ] = None,
    seed: Seed = None,
    free: Free = False,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Let many players meet, rate them, and write a page with the table and a game of every pairing.

    Two players meet in pairs: one seed, sides swapped. Games of more seats are played in all rotations. The same
    command goes on where it stopped; with more players or pairs it plays only what is new.

    Example: cornerman colosseum players.toml --pairs 4
    """
    from cornerman.colosseum.hold import hold
    from cornerman.colosseum.roster import Plan, load_roster, system_named
    from cornerman.colosseum.show import show_standings
    from cornerman.workplace import workplace
    from models.errors import BadInput

    if rating not in (None, "openskill"):
        raise BadInput(f"unknown rating {rating!r}: openskill, or leave it out")
    roster = load_roster(players)
    wanted = Plan(game, clock, pairs, rounds, system_named(system) if system else None, seed).over(roster.plan)
    with workplace(db, config, wanted.game, free=free) as place:
        page = out or place.store.path.parent / PAGE
        found = place.run(lambda: hold(place, roster.entries, wanted, page=page, openskill=rating is not None))
    if as_json:
        emit(found)
    else:
        if found.standings.games:
            show_standings(found.standings)
            say("")
        _print(found)
    if found.stopped or not found.standings.games:
        raise typer.Exit(1)


def _print(found: "ColosseumResult") -> None:
    from cornerman.losing import lines

    say(
        f"{count(found.standings.games, 'game')} of {found.game} on the {found.clock} clock, "
        f"{count(found.turns, 'decision')}, {dollars(found.cost_usd)}, {duration(found.seconds)}"
    )
    for line in lines(list(found.answers.items())):
        say(line)
    if found.voided:
        first = found.faults[0].message
        say(f"voided by faults: {number(found.voided)}, the first: {first}; the same command plays them again")
    if found.absent:
        say(f"without a game that counts: {', '.join(found.absent)}")
    if found.page:
        say(f"page: {found.page}")
    if found.stopped:
        note(f"stopped: {found.stopped}; the same command goes on where it stopped")
