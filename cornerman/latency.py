"""Score over latency: the same two players, their thinking time multiplied, from none at all to four times as long.

A player that wins while the game waits wins by thought; one that wins only when time is charged wins by speed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cornerman.losing import UNASKED, Answers, answers
from cornerman.report.queries import inputs_of
from cornerman.result import IF_ANY, Result
from cornerman.workplace import Workplace
from episodes.clock import Clock
from episodes.game import Game
from episodes.pairs import PairResult, Setting, play_pairs
from episodes.player import Player
from models.errors import BadInput
from optimize.seeds import Seeds
from optimize.sides import Both, lost_by_side, side_totals
from optimize.stats.eprocess import interval
from optimize.stats.pairs import Counts

FACTORS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)

Reason = Literal["thought", "speed", "both", "undecided"]


@dataclass(frozen=True, slots=True)
class Point:
    """A's mean pair score at one multiple of the latency, with its 95 % interval (``None`` without a whole pair).

    ``moves_a`` and ``moves_b`` are decisions an episode; ``late`` is the share of all inputs that never came to be
    played: superseded by a newer decision, or late because the game was over.
    """

    factor: float
    clock: str
    pairs: int
    voided: int
    score: float | None
    low: float
    high: float
    moves_a: float
    moves_b: float
    late: float


@dataclass(frozen=True, slots=True)
class LatencyCurve(Result):
    """What ``cornerman latency --json`` prints. ``answers`` says what each player is held to, and which decisions it
    lost at all factors together; ``picture`` is the file that it was drawn to, if it was."""

    a: str
    b: str
    game: str
    points: tuple[Point, ...]
    answers: Both[Answers] = field(default_factory=lambda: Both(UNASKED, UNASKED))
    picture: Path | None = field(default=None, metadata=IF_ANY)

    @property
    def wins_by(self) -> Both[Reason]:
        return wins_by(self.points)


def checked(game: Game, clock: Clock) -> Clock:
    """``clock``, if thinking costs something on it in ``game``; raises ``BadInput`` otherwise."""
    if clock.kind == "paused":
        raise BadInput("on the paused clock latency costs nothing: give --clock measured or simulated:MS")
    if game.tick_rate is None and clock.control is None:
        raise BadInput(
            f"{game.name} waits for its players, so latency costs nothing: add a time control, as in {clock}/60+2"
        )
    return clock


async def curve(
    place: Workplace,
    players: tuple[Player, Player],
    *,
    clock: Clock,
    factors: Sequence[float],
    pairs: int,
    seed: int,
    on_pair: Callable[[float, int], None],
) -> LatencyCurve:
    """Play ``pairs`` pairs at every factor, on the same seeds.

    Pairs that are in the store are not played again. ``on_pair`` gets the factor and the pairs done at it.
    """
    points, played = [], list[PairResult]()
    for factor in factors:
        charged, predates = clock.times(factor), place.store.lacks_identities
        setting = Setting(place.game, charged, "latency", place.store, scope="latency", predates=predates)
        seeds = Seeds(f"latency {seed}", "latency").take(0, pairs)
        done: list[PairResult] = []

        def on_result(pair: PairResult, done: list[PairResult] = done, factor: float = factor) -> None:
            done.append(pair)
            on_pair(factor, len(done))

        results = await play_pairs(setting, *players, seeds, on_result)
        points.append(_point(place, factor, str(setting.clock), results))
        played += results
    lost = lost_by_side(place.store, played)
    answered = Both(*(answers(one, place.game, its) for one, its in zip(players, lost, strict=True)))
    return LatencyCurve(players[0].name, players[1].name, place.game.name, tuple(points), answered)


def _point(place: Workplace, factor: float, clock: str, results: Sequence[PairResult]) -> Point:
    whole = [pair for pair in results if pair.k is not None]
    counts = Counts.of([pair.k for pair in whole if pair.k is not None])
    low, high = interval(counts)
    a, b = side_totals(place.store, whole)
    episodes = sum(len(pair.episodes) for pair in whole) / (2 if place.game.seats == 1 else 1) or 1
    return Point(
        factor=factor,
        clock=clock,
        pairs=counts.total,
        voided=len(results) - len(whole),
        score=counts.mean if counts.total else None,
        low=low,
        high=high,
        moves_a=a.turns / episodes,
        moves_b=b.turns / episodes,
        late=_late(place, [episode for pair in whole for episode in pair.episodes]),
    )


def _late(place: Workplace, episodes: Sequence[str]) -> float:
    given, lost = inputs_of(place.store, episodes)
    return lost / given if given else 0.0


def wins_by(points: Sequence[Point]) -> Both[Reason]:
    """For ``a`` and ``b``: whether the player is better while the game waits (thought), when time is charged (speed).

    Charged means at any factor from 1 up. ``undecided`` where neither interval lies above one half.
    """
    waiting = [point for point in points if point.factor == 0]
    charged = [point for point in points if point.factor >= 1]

    def reason(better: Callable[[Point], bool]) -> Reason:
        thought, speed = any(map(better, waiting)), any(map(better, charged))
        return "both" if thought and speed else "thought" if thought else "speed" if speed else "undecided"

    return Both(reason(lambda point: point.low > 0.5), reason(lambda point: point.high < 0.5))
