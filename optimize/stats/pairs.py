"""The data of every comparison: five counts of pairs.

A pair is two games on one seed with the sides swapped. Its result for A is k in 0..4, four times A's mean score in
the two games: LL, LD or DL, (LW, DD or WL), DW or WD, WW.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from models.errors import BadInput

SCORES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""A's mean score in a pair of each kind."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many pairs gave each of the five results, for A; immutable, adds like a vector."""

    n0: int = 0
    n1: int = 0
    n2: int = 0
    n3: int = 0
    n4: int = 0

    def __post_init__(self) -> None:
        if any(n < 0 for n in self):
            raise BadInput(f"counts of pairs cannot be negative: {' '.join(map(str, self))}")

    @classmethod
    def of(cls, results: Iterable[int]) -> "Counts":
        """Count results k in 0..4; raises ``ValueError`` for any other number."""
        counts = [0] * 5
        for k in results:
            if k not in range(5):
                raise ValueError(f"a pair's result is 0, 1, 2, 3 or 4, not {k}")
            counts[k] += 1
        return cls(*counts)

    def __iter__(self) -> Iterator[int]:
        return iter((self.n0, self.n1, self.n2, self.n3, self.n4))

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    @property
    def total(self) -> int:
        return sum(self)

    @property
    def mirror(self) -> "Counts":
        """The same pairs as B sees them."""
        return Counts(*reversed(tuple(self)))

    @property
    def mean(self) -> float:
        """A's mean pair score in [0, 1]; 1/2 when there is no pair."""
        return mean(tuple(self))

    @property
    def variance(self) -> float:
        """Variance of the pair score (divided by n, not n - 1); 0 when there is no pair."""
        return variance(tuple(self))


def mean(weights: Sequence[float]) -> float:
    """Mean pair score under five weights that need not sum to 1; 1/2 when they are all zero."""
    total = sum(weights)
    return sum(w * a for w, a in zip(weights, SCORES, strict=True)) / total if total else 0.5


def variance(weights: Sequence[float]) -> float:
    """Variance of the pair score under five weights that need not sum to 1; 0 when they are all zero."""
    total, centre = sum(weights), mean(weights)
    return sum(w * (a - centre) ** 2 for w, a in zip(weights, SCORES, strict=True)) / total if total else 0.0
