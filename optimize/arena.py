"""Where pairs come from: the contract, the real source, and a series of pairs that replaces voided ones.

Nothing above this file knows whether pairs were played or simulated; nothing here knows what they will decide.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from episodes.clock import Clock
from episodes.game import Game
from episodes.pairs import EpisodeSink, PairResult, Runner, Setting, play_pairs
from episodes.player import Player
from episodes.record import Purpose
from models.errors import GameFault, Unavailable
from optimize.seeds import Seeds
from optimize.stats.pairs import Counts

P = TypeVar("P")
P_contra = TypeVar("P_contra", contravariant=True)

MAX_FAULTS = 20
"""Voided pairs in a row after which a series gives up: by then it is an outage and not an accident."""


class PairSource(Protocol[P_contra]):
    """Plays pairs between any two players it understands."""

    async def play(self, a: P_contra, b: P_contra, seeds: Sequence[int], purpose: Purpose) -> list[PairResult]:
        """One result for each of the distinct ``seeds``, in their order; the same call gives the same results.

        A provider's fault, or a game that breaks, voids its pair (``k`` is ``None``); an exhausted budget raises
        ``BudgetExhausted``. May be called from several tasks at once.
        """


@dataclass(frozen=True, slots=True)
class Arena:
    """The real source: plays through ``episodes``, keeps every episode in ``sink``, never plays one twice.

    ``predates`` is as in ``episodes.pairs.Setting``. Where latency counts (the measured clock) or ``concurrency`` is
    limited, calls wait for each other. ``runner`` plays elsewhere than in this process.
    """

    game: Game
    clock: Clock
    sink: EpisodeSink
    scope: str = ""
    night_id: str | None = None
    concurrency: int = 0
    on_pair: Callable[[PairResult], None] = lambda pair: None
    runner: Runner | None = None
    predates: Callable[[str], bool] | None = None
    _turnstile: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False, compare=False)

    async def play(self, a: Player, b: Player, seeds: Sequence[int], purpose: Purpose) -> list[PairResult]:
        async with self.turn():
            return await play_pairs(self.setting(purpose), a, b, seeds, self.on_pair)

    def setting(self, purpose: Purpose) -> Setting:
        """What all its pairs for ``purpose`` share."""
        return Setting(
            self.game,
            self.clock,
            purpose,
            self.sink,
            self.scope,
            self.night_id,
            self.concurrency,
            self.runner,
            self.predates,
        )

    def turn(self) -> AbstractAsyncContextManager[None]:
        """To be held while pairs are played, so that calls wait for each other where they must."""
        return self._turnstile if self.concurrency or self.clock.kind == "measured" else nullcontext()


@dataclass(frozen=True, slots=True)
class Sample:
    """Pairs of A against B in the order of their seeds, voided ones included; adds up."""

    results: tuple[PairResult, ...] = ()

    def __add__(self, other: "Sample") -> "Sample":
        return Sample(self.results + other.results)

    @property
    def outcomes(self) -> list[int]:
        """k of every pair that counts."""
        return [result.k for result in self.results if result.k is not None]

    @property
    def counts(self) -> Counts:
        return Counts.of(self.outcomes)

    @property
    def voided(self) -> int:
        return sum(result.k is None for result in self.results)


NOTHING = Sample()


@dataclass(slots=True)
class Series(Generic[P]):
    """A against B on one stream of seeds. A voided pair is counted and replaced by the next seed of the stream.

    ``pairs`` is the number of pairs that count.
    """

    source: PairSource[P]
    a: P
    b: P
    seeds: Seeds
    purpose: Purpose
    pairs: int = 0
    _results: list[PairResult] = field(default_factory=list)

    @property
    def sample(self) -> Sample:
        return Sample(tuple(self._results))

    async def play(self, pairs: int) -> None:
        """Add ``pairs`` pairs that count.

        Raises ``Unavailable`` after ``MAX_FAULTS`` voided pairs in a row, ``GameFault`` where the game voided the last.
        """
        target, in_a_row = self.pairs + pairs, 0
        while self.pairs < target:
            fresh = self.seeds.take(len(self._results), target - self.pairs)
            for result in await self.source.play(self.a, self.b, fresh, self.purpose):
                self._results.append(result)
                self.pairs += result.k is not None
                in_a_row = in_a_row + 1 if result.k is None else 0
                if in_a_row >= MAX_FAULTS and result.broke:
                    raise GameFault(
                        f"{in_a_row} pairs in a row were voided, the last because the game broke ({result.fault}); "
                        f"finished episodes are kept, so mend the game, try it with `cornerman game-check` and run the "
                        f"same command again; `cornerman episodes show {result.broke}` has the traceback"
                    )
                if in_a_row >= MAX_FAULTS:
                    raise Unavailable(
                        f"{in_a_row} pairs in a row were voided by faults, the last by: {result.fault}; finished "
                        "episodes are kept, so run the same command again when the provider is back"
                    )


async def play_together(lanes: Sequence[Series[P]], pairs: int) -> None:
    """Add ``pairs`` pairs to every series at once. The first failure stops the others and is raised by itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for lane in lanes:
                group.create_task(lane.play(pairs))
    except BaseExceptionGroup as failures:
        raise first_of(failures) from None


def first_of(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first single failure in a group, which may hold groups."""
    first = failures.exceptions[0]
    return first_of(first) if isinstance(first, BaseExceptionGroup) else first
