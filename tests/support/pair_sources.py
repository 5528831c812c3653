"""Pair sources for tests: results by rule, and a sink that keeps episodes in memory."""

from collections.abc import Callable, Sequence

from episodes.fault import FaultPlace, GuestFault
from episodes.pairs import PairResult
from episodes.record import EpisodeRecord


class Ruled:
    """Every pair's result is ``rule(a, b, n)`` with n counting the pairs of (a, b) from 0; ``None`` voids it."""

    def __init__(self, rule: Callable[[str, str, int], int | None]) -> None:
        self.rule = rule
        self.calls: list[tuple[str, str, str, list[int]]] = []
        self.met: dict[tuple[str, str], int] = {}

    async def play(self, a: str, b: str, seeds: Sequence[int], purpose: str) -> list[PairResult]:
        self.calls.append((a, b, purpose, list(seeds)))
        results = []
        for seed in seeds:
            n = self.met.get((a, b), 0)
            self.met[a, b] = n + 1
            results.append(PairResult(seed, f"{a} {b} {seed}", ("", ""), self.rule(a, b, n), "fault"))
        return results

    def seeds(self, purpose: str) -> set[int]:
        return {seed for _, _, called, seeds in self.calls if called == purpose for seed in seeds}


class Memory:
    """An episode sink in a dictionary."""

    def __init__(self) -> None:
        self.records: dict[str, EpisodeRecord] = {}

    def scores(self, episode_id: str) -> tuple[float, ...] | None:
        record = self.records.get(episode_id)
        return tuple(seat.score for seat in record.seats) if record else None

    def save(self, record: EpisodeRecord) -> None:
        assert record.id not in self.records
        self.records[record.id] = record

    def save_faults(self, place: FaultPlace, faults: Sequence[GuestFault]) -> None:
        raise AssertionError(f"nobody here is a guest: {faults}")


def cycle(*results: int) -> Callable[[str, str, int], int]:
    """The same results over and over, whoever plays."""
    return lambda a, b, n: results[n % len(results)]
