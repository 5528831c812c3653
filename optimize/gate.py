"""The gate: may this candidate become champion?

A candidate is promoted when the evidence that it beats the champion reaches K/alpha, K being the number of candidates
that get a chance in the same night. A candidate that is no better is then promoted with probability at most alpha/K in
its whole life, however often one looks and whatever it shares with others, so the K new candidates of a night add at
most alpha false promotions. It is discarded when the evidence that it is not even +50 Elo better reaches 1/beta.
Evidence depends on the five counts only, so what a candidate earned in the race, or in earlier nights against the same
champion, is carried over.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from optimize.arena import NOTHING, PairSource, Sample, Series
from optimize.seeds import Seeds
from optimize.stats.eprocess import e_value, log_e, log_e_lower
from optimize.stats.pairs import Counts

P = TypeVar("P")
Verdict = Literal["promoted", "futile", "undecided", "refused"]
"""``refused``: it beat the champion, and was found to lose ground elsewhere (``optimize.guard``)."""

WORKING_E = 5.0
"""Evidence that suffices to become the working champion: quick, used for exploring, never claimed."""


@dataclass(frozen=True, slots=True)
class GateRule:
    """When to promote, when to give up, and how many new pairs to spend. ``look`` is pairs between two looks."""

    candidates: int = 1
    alpha: float = 0.05
    beta: float = 0.05
    max_pairs: int = 200
    look: int = 8

    @property
    def threshold(self) -> float:
        """The e-value that promotes, K/alpha."""
        return self.candidates / self.alpha

    def verdict(self, counts: Counts) -> Verdict:
        if log_e(counts) >= math.log(self.threshold):
            return "promoted"
        if self.futile(counts):
            return "futile"
        return "undecided"

    def futile(self, counts: Counts) -> bool:
        """Whether a gain of 50 Elo is ruled out."""
        return log_e_lower(counts) >= math.log(1 / self.beta)


@dataclass(frozen=True, slots=True)
class GateResult:
    """``carried`` is the evidence that was there before, ``own`` what was played here."""

    verdict: Verdict
    carried: Sample
    own: Sample

    @property
    def sample(self) -> Sample:
        return self.carried + self.own

    @property
    def e_value(self) -> float:
        return e_value(self.sample.counts)


async def gate(
    source: PairSource[P],
    candidate: P,
    champion: P,
    rule: GateRule,
    seeds: Seeds,
    *,
    carried: Sample = NOTHING,
    on_look: Callable[[Counts], None] = lambda counts: None,
) -> GateResult:
    """Play until the rule decides or ``rule.max_pairs`` new pairs are played. ``on_look`` gets all counts so far.

    ``seeds`` must not have been used for ``carried``.
    """
    series = Series(source, candidate, champion, seeds, "gate")
    counts = carried.counts
    while (verdict := rule.verdict(counts)) == "undecided" and series.pairs < rule.max_pairs:
        await series.play(min(rule.look, rule.max_pairs - series.pairs))
        counts = carried.counts + series.sample.counts
        on_look(counts)
    return GateResult(verdict, carried, series.sample)
