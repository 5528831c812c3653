"""Confirmation: what a decision is worth, measured on pairs that had no part in it.

The estimate at the moment a test stops is inflated, because the test stops on lucky streaks (in simulation a true +35
Elo reads +60). So the gain that is shown comes from a fixed number of pairs on fresh seeds, whatever they say.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from optimize.arena import PairSource, Sample, Series
from optimize.seeds import Seeds
from optimize.stats.elo import elo_of_score
from optimize.stats.eprocess import interval
from optimize.stats.pairs import Counts
from optimize.stats.report import finite

P = TypeVar("P")
CONFIRMATION_PAIRS = 100
ALPHA = 0.05
"""Of every interval of a gain, whatever the level of the decision before it."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The fresh pairs and what follows from them: a gain of +0.10 is a mean pair score of 0.60."""

    sample: Sample

    @property
    def counts(self) -> Counts:
        return self.sample.counts

    @property
    def gain(self) -> float:
        """A's mean pair score above 1/2, in [-0.5, 0.5]."""
        return self.counts.mean - 0.5

    @property
    def gain_interval(self) -> tuple[float, float]:
        """The 95 % confidence sequence of the gain: valid at any time, so a little wider than for a fixed number."""
        low, high = interval(self.counts, ALPHA)
        return low - 0.5, high - 0.5

    @property
    def elo(self) -> tuple[float | None, float | None, float | None]:
        """The gain in Elo with its interval (estimate, low, high); ``None`` where it is infinite."""
        low, high = self.gain_interval
        return (
            finite(elo_of_score(self.gain + 0.5)),
            finite(elo_of_score(low + 0.5)),
            finite(elo_of_score(high + 0.5)),
        )


async def confirm(
    source: PairSource[P],
    a: P,
    b: P,
    seeds: Seeds,
    pairs: int = CONFIRMATION_PAIRS,
    *,
    look: int = 20,
    on_look: Callable[[Counts], None] = lambda counts: None,
) -> Confirmation:
    """Play exactly ``pairs`` pairs of A against B on ``seeds``, which nothing else may have used."""
    series = Series(source, a, b, seeds, "confirm")
    while series.pairs < pairs:
        await series.play(min(look, pairs - series.pairs))
        on_look(series.sample.counts)
    return Confirmation(series.sample)
