"""One comparison: is A better than B? Stops by itself, then measures the gain on fresh pairs.

Two e-processes run side by side. ``better`` is said when the evidence that A's mean pair score is above 1/2 reaches
1/alpha, ``worse`` when the evidence that it is below does. Each is said falsely with probability at most alpha, so of
two players that are exactly equal one is called better with probability at most 2 alpha, either way taken together.
It also stops, undecided, when a difference of 50 Elo is ruled out on both sides.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from models.errors import BadInput
from optimize.arena import PairSource, Sample, Series
from optimize.confirm import CONFIRMATION_PAIRS, Confirmation, confirm
from optimize.seeds import Seeds
from optimize.stats.eprocess import e_lower, e_value, interval, log_e, log_e_lower
from optimize.stats.estimate import pairs_to_decision
from optimize.stats.pairs import Counts

P = TypeVar("P")
Verdict = Literal["better", "worse", "undecided"]
Stage = Literal["compare", "confirm"]


@dataclass(frozen=True, slots=True)
class CompareRule:
    """When to stop. ``look`` is pairs between two looks; raises ``BadInput`` for what cannot be."""

    alpha: float = 0.05
    beta: float = 0.05
    max_pairs: int = 400
    confirm_pairs: int = CONFIRMATION_PAIRS
    look: int = 8

    def __post_init__(self) -> None:
        if not (0 < self.alpha < 1 and 0 < self.beta < 1):
            raise BadInput(f"alpha and beta must be between 0 and 1, not {self.alpha:g} and {self.beta:g}")
        if self.max_pairs < 1 or self.confirm_pairs < 0 or self.look < 1:
            raise BadInput("a comparison needs at least one pair, and no negative number of confirmation pairs")

    def verdict(self, cells: Sequence[float]) -> Verdict:
        if log_e(cells) >= math.log(1 / self.alpha):
            return "better"
        if log_e(cells[::-1]) >= math.log(1 / self.alpha):
            return "worse"
        return "undecided"

    def equal(self, cells: Sequence[float]) -> bool:
        """Whether neither side can be 50 Elo better."""
        return min(log_e_lower(cells), log_e_lower(cells[::-1])) >= math.log(1 / self.beta)

    def decided(self, cells: Sequence[float]) -> bool:
        return self.verdict(cells) != "undecided" or self.equal(cells)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a comparison stands, for whoever watches.

    ``counts`` are those of the stage; ``low`` and ``high`` bound A's mean pair score; ``to_decision`` is how many more
    pairs it may take, ``None`` if it will not be decided within the limit. A pair is two games.
    """

    stage: Stage
    counts: Counts
    voided: int
    limit: int
    low: float
    high: float
    to_decision: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """``sample`` decided, ``confirmation`` measured. ``equal`` says that 50 Elo are ruled out on both sides."""

    verdict: Verdict
    sample: Sample
    confirmation: Confirmation
    rule: CompareRule
    equal: bool

    @property
    def counts(self) -> Counts:
        return self.sample.counts

    @property
    def voided(self) -> int:
        return self.sample.voided + self.confirmation.sample.voided

    def report(self) -> "CompareReport":
        """The figures of the comparison."""
        low, high = interval(self.counts, self.rule.alpha)
        fresh = self.confirmation
        # A comparison without confirmation pairs has measured no gain.
        gain = (fresh.gain, *fresh.gain_interval) if fresh.counts.total else (None, None, None)
        elo = fresh.elo if fresh.counts.total else (None, None, None)
        return CompareReport(
            verdict=self.verdict,
            counts=self.counts,
            pairs=self.counts.total,
            e_value=e_value(self.counts),
            e_worse=e_value(self.counts.mirror),
            e_lower=e_lower(self.counts),
            low=low,
            high=high,
            equal=self.equal,
            alpha=self.rule.alpha,
            voided=self.voided,
            confirmation_counts=fresh.counts,
            confirmation_pairs=fresh.counts.total,
            gain=gain[0],
            gain_low=gain[1],
            gain_high=gain[2],
            gain_elo=elo[0],
            gain_elo_low=elo[1],
            gain_elo_high=elo[2],
        )


@dataclass(frozen=True, slots=True)
class CompareReport:
    """The figures of a comparison, as ``cornerman compare --json`` names them.

    ``low`` and ``high`` bound A's mean pair score in [0, 1]. ``gain`` and its bounds are mean pair score above 1/2 over
    the confirmation pairs, in [-0.5, 0.5], ``None`` if there are none; in Elo also where it is infinite. ``e_value`` is
    the evidence that A is better, ``e_worse`` that it is worse, ``e_lower`` that it is not 50 Elo better.
    """

    verdict: Verdict
    counts: Counts
    pairs: int
    e_value: float
    e_worse: float
    e_lower: float
    low: float
    high: float
    equal: bool
    alpha: float
    voided: int
    confirmation_counts: Counts
    confirmation_pairs: int
    gain: float | None
    gain_low: float | None
    gain_high: float | None
    gain_elo: float | None
    gain_elo_low: float | None
    gain_elo_high: float | None


async def compare(
    source: PairSource[P],
    a: P,
    b: P,
    rule: CompareRule,
    root: str | int,
    *,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Comparison:
    """Play A against B until ``rule`` decides or its pairs are spent, then ``rule.confirm_pairs`` more on fresh seeds.

    The confirmation is played whatever the verdict, so that its gain is never selected. ``root`` names the comparison
    and decides its seeds; ``on_progress`` is called after every look.
    """
    series = Series(source, a, b, Seeds(root, "compare"), "gate")
    while series.pairs < rule.max_pairs and not rule.decided(tuple(series.sample.counts)):
        await series.play(min(rule.look, rule.max_pairs - series.pairs))
        on_progress(_deciding(series.sample, rule))
    cells = tuple(series.sample.counts)
    confirmation = await confirm(
        source,
        a,
        b,
        Seeds(root, "confirm"),
        rule.confirm_pairs,
        on_look=lambda counts: on_progress(_confirming(counts, rule)),
    )
    return Comparison(rule.verdict(cells), series.sample, confirmation, rule, rule.equal(cells))


def _deciding(sample: Sample, rule: CompareRule) -> Progress:
    counts = sample.counts
    left = pairs_to_decision(counts, rule.decided, rule.max_pairs - counts.total)
    return Progress("compare", counts, sample.voided, rule.max_pairs, *interval(counts, rule.alpha), left)


def _confirming(counts: Counts, rule: CompareRule) -> Progress:
    left = rule.confirm_pairs - counts.total
    return Progress("confirm", counts, 0, rule.confirm_pairs, *interval(counts, rule.alpha), left)
