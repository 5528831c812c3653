"""What each side of a comparison took: time, tokens, money, and turns lost to bad answers, from the stored episodes."""

import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Generic, TypeVar

from episodes.pairs import PairResult
from episodes.store.lost import Lost, lost_in
from episodes.store.store import Store
from optimize.comparison_store import SeatTotals, latencies, seat_totals
from optimize.through import Named

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Side:
    """One side's totals over all its episodes. ``latency_ms`` is the median of a decision, 0 where there was none."""

    latency_ms: float
    turns: int
    tokens_in: int
    tokens_out: int
    cost_usd: float
    illegal: int
    unreadable: int
    refused: int
    timeouts: int
    faulted: int

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out


_SUMMED = ("turns", "tokens_in", "tokens_out", "cost_usd", "illegal", "unreadable", "refused", "timeouts", "faults")


def side_totals(
    store: Store, pairs: Iterable[PairResult], *, apart: tuple[Named, Named] | None = None
) -> tuple[Side, Side]:
    """The sides A and B over the pairs that count; A has seat 0 in a pair's first episode and the other
    seat, if there is one, in its second.

    ``apart`` are A and B where they did not meet: then A is in the first episode and B in the second, and what their
    opponents took is nobody's.
    """
    times: tuple[list[float], list[float]] = ([], [])
    totals = [dict.fromkeys(_SUMMED, 0.0), dict.fromkeys(_SUMMED, 0.0)]
    for side, episode, found in _seats(store, pairs, apart):
        for name in _SUMMED:
            totals[side][name] += getattr(found, name)
        times[side].extend(latencies(store, episode, found.seat))
    a, b = (_side(own, total) for own, total in zip(times, totals, strict=True))
    return a, b


def lost_by_side(
    store: Store, pairs: Iterable[PairResult], *, apart: tuple[Named, Named] | None = None
) -> tuple[Lost, Lost]:
    """The decisions of the sides A and B that came to nothing, over the same episodes as ``side_totals``."""
    seats = [(side, episode, found.seat) for side, episode, found in _seats(store, pairs, apart)]
    found = lost_in(store, {episode for _, episode, _ in seats})
    a, b = (
        sum((found.get((episode, seat), Lost()) for side, episode, seat in seats if side == wanted), Lost())
        for wanted in (0, 1)
    )
    return a, b


def _seats(
    store: Store, pairs: Iterable[PairResult], apart: tuple[Named, Named] | None
) -> Iterator[tuple[int, str, SeatTotals]]:
    """Every seat of the pairs that count, with its side (0 for A, 1 for B) and its episode."""
    for pair in pairs:
        if pair.k is None:
            continue
        for swapped, episode in enumerate(pair.episodes):
            for found in seat_totals(store, episode):
                side = found.seat ^ swapped if apart is None else swapped
                if apart is None or (found.player, found.prompt_id) == (apart[side].name, apart[side].prompt_id):
                    yield side, episode, found


def _side(latencies: list[float], totals: dict[str, float]) -> Side:
    whole = {column: int(value) for column, value in totals.items() if column != "cost_usd"}
    whole["faulted"] = whole.pop("faults")
    median = statistics.median(latencies) if latencies else 0.0
    return Side(latency_ms=median, cost_usd=totals["cost_usd"], **whole)


@dataclass(frozen=True, slots=True)
class Both(Generic[T]):
    """One figure of each side."""

    a: T
    b: T


@dataclass(frozen=True, slots=True)
class Sides:
    """Every figure of the two sides beside each other, in the units of ``Side``."""

    latency_ms: Both[float]
    turns: Both[int]
    tokens_in: Both[int]
    tokens_out: Both[int]
    cost_usd: Both[float]
    illegal: Both[int]
    unreadable: Both[int]
    refused: Both[int]
    timeouts: Both[int]
    faulted: Both[int]
    tokens: Both[int]

    @classmethod
    def of(cls, a: Side, b: Side) -> "Sides":
        return cls(**{field.name: Both(getattr(a, field.name), getattr(b, field.name)) for field in fields(cls)})
