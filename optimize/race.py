"""The race: many candidates against the champion on the same seeds, the hopeless ones dropped early.

Successive elimination as in Even-Dar, Mannor and Mansour, "Action Elimination and Stopping Conditions", JMLR 7 (2006),
with the confidence sequence in place of Hoeffding's bound. Who survives is a matter of thrift and proves nothing: the
gate decides, and counts every candidate that started here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from optimize.arena import NOTHING, PairSource, Sample, Series, play_together
from optimize.gate import GateRule
from optimize.seeds import Seeds
from optimize.stats.eprocess import interval, log_e

P = TypeVar("P")
Fate = Literal["survived", "futile", "dominated"]
"""``futile``: a gain of 50 Elo over the champion is ruled out; ``dominated``: another is better, with confidence."""


@dataclass(frozen=True, slots=True)
class RaceRule:
    """``max_pairs`` is for each candidate; ``look`` is pairs between two looks."""

    max_pairs: int = 40
    look: int = 8
    alpha: float = 0.05
    beta: float = 0.05


@dataclass(frozen=True, slots=True)
class Entrant:
    """How one candidate fares: ``carried`` is its earlier evidence against the champion, ``own`` is played here."""

    index: int
    carried: Sample
    own: Sample = NOTHING
    fate: Fate = "survived"

    @property
    def sample(self) -> Sample:
        return self.carried + self.own

    @property
    def merit(self) -> tuple[float, float, int]:
        """What entrants are ordered by: evidence of beating the champion, then mean score, then who came first."""
        counts = self.sample.counts
        return log_e(counts), counts.mean, -self.index


async def race(
    source: PairSource[P],
    candidates: Sequence[P],
    champion: P,
    rule: RaceRule,
    seeds: Seeds,
    *,
    carried: Mapping[int, Sample] | None = None,
    on_look: Callable[[list[Entrant]], None] = lambda entrants: None,
) -> list[Entrant]:
    """Race all ``candidates``; returns one entrant each, survivors first, better before worse.

    ``carried`` maps a candidate's index to its earlier evidence against this champion. The race ends when at most one
    candidate is left or each of those left has played ``rule.max_pairs``; none may be left.
    """
    lanes = [Series(source, candidate, champion, seeds, "race") for candidate in candidates]
    entrants = [Entrant(n, (carried or {}).get(n, NOTHING)) for n in range(len(candidates))]
    played = 0
    while True:
        entrants = _eliminate(entrants, rule)
        running = [entrant.index for entrant in entrants if entrant.fate == "survived"]
        if len(running) <= 1 or played >= rule.max_pairs:
            return sorted(entrants, key=lambda e: (e.fate == "survived", e.merit), reverse=True)
        pairs = min(rule.look, rule.max_pairs - played)
        await play_together([lanes[n] for n in running], pairs)
        played += pairs
        entrants = [replace(entrant, own=lanes[entrant.index].sample) for entrant in entrants]
        on_look(entrants)


def _eliminate(entrants: list[Entrant], rule: RaceRule) -> list[Entrant]:
    """The same entrants, with those marked that have just become hopeless."""
    gate = GateRule(beta=rule.beta)
    intervals = {e.index: interval(e.sample.counts, rule.alpha) for e in entrants if e.fate == "survived"}
    floor = max((low for low, _ in intervals.values()), default=0.0)
    judged = []
    for entrant in entrants:
        fate = entrant.fate
        if fate == "survived" and gate.futile(entrant.sample.counts):
            fate = "futile"
        elif fate == "survived" and intervals[entrant.index][1] < floor:
            fate = "dominated"
        judged.append(replace(entrant, fate=fate))
    return judged
