"""``cornerman latency``: does a player win by thought or by speed?"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cornerman.format import count, number, percent, percent_with_interval, plain
from cornerman.options import ConfigFile, Db, Free, GameName, Json, Seed
from cornerman.terminal import emit, say
from models.errors import BadInput

if TYPE_CHECKING:
    from cornerman.latency import LatencyCurve, Point
    from cornerman.workplace import Workplace
    from episodes.clock import Clock
    from episodes.player import Player

PlayerName = Annotated[str, typer.Argument(help="E.g. rookie@certified, student:ID, vllm:URL#NAME@base, bot:turtle.")]
STRIP = 41
"""Characters of a terminal's row of the curve, from 0 to all of the points."""


def latency(
    a: PlayerName,
    b: PlayerName,
    *,
    factors: Annotated[str, typer.Option(help="Multiples of the latency, separated by commas.")] = "0,0.25,0.5,1,2,4",
    pairs: Annotated[int, typer.Option(min=1, help="Pairs at each of them.")] = 20,
    clock: Annotated[
        str, typer.Option("--clock", metavar="CLOCK", help="What is multiplied: measured, simulated:MS[,SD].")
    ] = "measured",
    out: Annotated[Path | None, typer.Option(metavar="FILE.svg", help="Also draw the curve there.")] = None,
    game: GameName = None,
    seed: Seed = None,
    free: Free = False,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Play two players with their latency multiplied by 0 (the game waits), 0.25 and so on up to 4.

    The curve of A's score says whether a player wins by thought or by speed. All factors play the same seeds; the same
    command goes on where it stopped.

    Example: cornerman latency rookie@base bot:turtle --clock simulated:200 --pairs 10
    """
    from cornerman.latency import checked
    from cornerman.report.curve import draw_curve
    from cornerman.workplace import workplace
    from episodes.clock import Clock
    from models.files import write_whole

    wanted = _factors(factors)
    if out is not None and not out.parent.is_dir():
        raise BadInput(f"{out} cannot be written: there is no folder {out.parent}")
    with workplace(db, config, game, seed=seed, free=free) as place:
        charged = checked(place.game, Clock.parse(clock))
        sides = place.players.open(a, place.game), place.players.open(b, place.game)
        found = _run(place, sides, charged, wanted, pairs)
    if out is not None:
        write_whole(out, draw_curve(found))
        found = replace(found, picture=out)
    if as_json:
        emit(found)
    else:
        _print(found)


def _factors(text: str) -> list[float]:
    try:
        factors = sorted({float(part) for part in text.split(",")})
    except ValueError:
        factors = []
    if not factors or not all(0 <= factor <= 1000 for factor in factors):
        raise BadInput(f"--factors {text!r} are no multiples of a latency: write e.g. 0,0.5,1,2")
    return factors


def _run(
    place: "Workplace", sides: "tuple[Player, Player]", clock: "Clock", factors: list[float], pairs: int
) -> "LatencyCurve":
    from cornerman.latency import curve
    from cornerman.terminal import live

    with live("the first pairs …") as on_line:
        return place.run(
            lambda: curve(
                place,
                sides,
                clock=clock,
                factors=factors,
                pairs=pairs,
                seed=place.config.night.seed,
                on_pair=lambda factor, done: (
                    on_line(f"latency times {plain(factor)}: {done} of {count(pairs, 'pair')}")
                    if done % 10 in (0, pairs % 10)
                    else None
                ),
            )
        )


def _print(found: "LatencyCurve") -> None:
    from cornerman.losing import lines

    say(f"points of {found.a} against {found.b} in {found.game}; 95% intervals")
    say(f"{'latency':>8}  0%{'half':^{STRIP - 6}}100%  score")
    for point in found.points:
        if point.score is None:
            say(f"{plain(point.factor):>7}x  every pair was voided by a fault")
            continue
        say(
            f"{plain(point.factor):>7}x  {_strip(point, point.score)}  "
            f"{percent_with_interval(point.score, point.low, point.high, 0)}; "
            f"moves a game {number(point.moves_a)} to {number(point.moves_b)}, {percent(point.late)} of inputs lost"
        )
    wins = found.wins_by
    for name, reason in ((found.a, wins.a), (found.b, wins.b)):
        say(f"{name}: {SAYS[reason]}")
    for line in lines(((found.a, found.answers.a), (found.b, found.answers.b))):
        say(line)
    if found.picture:
        say(f"drawn in {found.picture}")


SAYS = {
    "thought": "better while the game waits and not when thinking costs time: it wins by thought",
    "speed": "better only when thinking costs time: it wins by speed",
    "both": "better while the game waits and when thinking costs time",
    "undecided": "not shown to be better, with or without time",
}


def _strip(point: "Point", score: float) -> str:
    def at(share: float) -> int:
        return round((STRIP - 1) * share)

    low, high, middle = at(point.low), at(point.high), at(score)
    row = ["·" if n == at(0.5) else " " for n in range(STRIP)]
    row[low : high + 1] = "─" * (high + 1 - low)
    row[middle] = "●"
    return "".join(row)
