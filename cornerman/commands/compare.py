"""``cornerman compare``: is A better than B? Stops by itself and measures the gain on fresh pairs."""

from typing import TYPE_CHECKING, Annotated

import typer

from cornerman.format import NONE, count, dollars, e_value, milliseconds, number, percent, points, threshold
from cornerman.options import AtOnce, ClockName, ConfigFile, Db, Free, GameName, Json, Ray, Seed
from cornerman.terminal import emit, say

if TYPE_CHECKING:
    from cornerman.comparing import CompareResult
    from cornerman.workplace import Workplace
    from episodes.clock import Clock
    from episodes.player import Player
    from optimize.compare import CompareReport, CompareRule

PlayerName = Annotated[str, typer.Argument(help="E.g. rookie@certified, rookie@base, student:ID, bot:turtle.")]


def compare(
    a: PlayerName,
    b: PlayerName,
    *,
    game: GameName = None,
    alpha: Annotated[
        float | None, typer.Option(help="The chance of each false verdict. Default: the configuration's, or 0.05.")
    ] = None,
    max_pairs: Annotated[int, typer.Option(min=1, help="Pairs after which it stops undecided.")] = 400,
    confirm_pairs: Annotated[int, typer.Option(min=0, help="Fresh pairs that measure the gain.")] = 100,
    against: Annotated[
        list[str] | None,
        typer.Option("--against", metavar="NAME", help="Compare by how both do against this player; may be repeated."),
    ] = None,
    clock: ClockName = "paused",
    seed: Seed = None,
    free: Free = False,
    ray: Ray = None,
    at_once: AtOnce = None,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Compare two players over pairs of games: one seed, sides swapped.

    It stops when the evidence suffices, then plays fresh pairs, because the estimate at the moment of stopping is
    inflated. Two prompts of one model: MODEL@ONE MODEL@OTHER. The same command goes on where it stopped.

    With --against the two do not meet: in a pair each plays the same opponent on one seed and in one seat.

    Example: cornerman compare rookie@certified rookie@base --max-pairs 200
    """
    from cornerman.workplace import workplace
    from episodes.clock import Clock
    from optimize.compare import CompareRule

    with workplace(db, config, game, seed=seed, ray=ray, at_once=at_once, free=free) as place:
        level = place.config.night.alpha if alpha is None else alpha
        rule = CompareRule(alpha=level, max_pairs=max_pairs, confirm_pairs=confirm_pairs)
        sides = place.players.open(a, place.game), place.players.open(b, place.game)
        opponents = tuple(place.players.open(name, place.game) for name in against or ())
        found = _run(place, sides, opponents, rule, Clock.parse(clock))
    if as_json:
        emit(found)
    else:
        _print(a, b, found)


def _run(
    place: "Workplace",
    sides: "tuple[Player, Player]",
    opponents: "tuple[Player, ...]",
    rule: "CompareRule",
    clock: "Clock",
) -> "CompareResult":
    from cornerman.comparing import compare_players
    from cornerman.terminal import live

    with live("the first pairs …") as on_line:
        return place.run(
            lambda: compare_players(
                place,
                sides,
                rule=rule,
                clock=clock,
                seed=place.config.night.seed,
                on_line=on_line,
                opponents=opponents,
            )
        )


def _print(a: str, b: str, found: "CompareResult") -> None:
    from cornerman.losing import lines

    report, apart = found.report, found.against is not None
    through = f", by how both do against {', '.join(found.against)}" if found.against else ""
    equal = " (50 Elo ruled out either way)" if report.equal else ""
    say(f"{a} is {report.verdict} against {b}{through}{equal}")
    scale = "A's score less B's (-1, -1/2, 0, 1/2, 1)" if apart else "A's points (0, 1/4, 1/2, 3/4, 1)"
    say(f"pairs by {scale}: {' '.join(map(str, report.counts))}; {count(report.pairs, 'pair')}")
    say(_evidence(report))
    if report.gain is not None and report.gain_low is not None and report.gain_high is not None:
        gain = points(report.gain, report.gain_low, report.gain_high, apart=apart)
        say(f"{'lead over B' if apart else 'gain'} {gain} from {count(report.confirmation_pairs, 'fresh pair')}")
    for name, both in (found.scores or {}).items():
        say(f"against {name}: A {percent(both.a, 1) or NONE}, B {percent(both.b, 1) or NONE} of the points")
    sides = found.sides
    say(f"a decision takes: A {milliseconds(sides.latency_ms.a)}, B {milliseconds(sides.latency_ms.b)}")
    say(f"tokens: A {number(sides.tokens.a)}, B {number(sides.tokens.b)}")
    say(f"cost: A {dollars(sides.cost_usd.a)}, B {dollars(sides.cost_usd.b)}")
    for line in lines((("A", found.answers.a), ("B", found.answers.b))):
        say(line)
    if found.reused:
        of_before = "1 of the games is" if found.reused == 1 else f"{number(found.reused)} of the games are"
        say(
            f"{of_before} of before it was kept which model answers behind a name: they count "
            "as played by the models of now; to play anew, give another --seed or another --db"
        )
    if report.voided:
        say(f"{count(report.voided, 'pair')} voided by faults of a provider or of the game, and replaced")


def _evidence(report: "CompareReport") -> str:
    """The evidence for the verdict; without a verdict that of A being better, and how much there should be."""
    from optimize.stats.eprocess import log_e

    needed = threshold(report.alpha)
    if report.verdict == "undecided":
        better, worse = (e_value(log_e(counts)) for counts in (report.counts, report.counts.mirror))
        return f"e-value {better} that A is better, {worse} that it is worse; {needed} would decide"
    counts = report.counts if report.verdict == "better" else report.counts.mirror
    return f"e-value {e_value(log_e(counts))}, decided at {needed}"
