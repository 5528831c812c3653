"""A trial: all candidates of one round, from the race through the gate to the confirmation.

The night and the null bench both call this very function.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from optimize.arena import PairSource, Sample
from optimize.confirm import CONFIRMATION_PAIRS, Confirmation, confirm
from optimize.gate import WORKING_E, GateResult, GateRule, gate
from optimize.race import Entrant, RaceRule, race
from optimize.seeds import Seeds
from optimize.stats.eprocess import e_value
from optimize.stats.pairs import Counts

P = TypeVar("P")
OnLook = Callable[[str, int | None, Counts], None]
Holds = Callable[[int], Awaitable[bool]]


async def _always(index: int) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class TrialRule:
    """``gate.candidates`` must be at least the number of all candidates that get a chance in the same night.

    ``gate.max_pairs`` is the trial's whole budget at the gate, spent on the best survivor first.
    """

    race: RaceRule = field(default_factory=RaceRule)
    gate: GateRule = field(default_factory=GateRule)
    confirm_pairs: int = CONFIRMATION_PAIRS


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of the candidates, each named by its index.

    ``entrants`` has the race, survivors first; ``gates`` who came to the gate, in that order; ``promoted`` passed it
    and has a ``confirmation``.
    """

    entrants: list[Entrant]
    gates: dict[int, GateResult]
    promoted: int | None
    confirmation: Confirmation | None

    def evidence(self, index: int) -> Sample:
        """All pairs of a candidate against the champion so far, those of the confirmation excepted.

        This is what may be carried over to a later trial against the same champion.
        """
        if index in self.gates:
            return self.gates[index].sample
        return next(entrant.sample for entrant in self.entrants if entrant.index == index)

    @property
    def working(self) -> int | None:
        """Who may become working champion: the promoted candidate, else the one with the most evidence, if enough."""
        if self.promoted is not None:
            return self.promoted
        alive = [e.index for e in self.entrants if e.fate == "survived"]
        alive = [n for n in alive if n not in self.gates or self.gates[n].verdict not in ("futile", "refused")]
        evidence = {n: e_value(self.evidence(n).counts) for n in alive}
        best = max(evidence, key=lambda n: evidence[n], default=None)
        return best if best is not None and evidence[best] >= WORKING_E else None


async def trial(
    source: PairSource[P],
    candidates: Sequence[P],
    champion: P,
    rule: TrialRule,
    root: str | int,
    *,
    carried: Mapping[int, Sample] | None = None,
    holds: Holds = _always,
    on_look: OnLook = lambda stage, index, counts: None,
) -> Trial:
    """Race ``candidates`` against ``champion``, put survivors through the gate until one passes, confirm that one.

    ``root`` names the round; race, each gate and the confirmation draw from separate streams of seeds under it.
    ``carried`` maps a candidate's index to its evidence of earlier trials against the same champion. ``holds`` is asked
    about a candidate that has passed the gate and can only refuse it, so it adds no false promotion. ``on_look`` is
    told the stage (``race``, ``gate``, ``confirm``), the candidate and its counts. Raises ``ValueError`` if there are
    more candidates than the gate counts.
    """
    if len(candidates) > rule.gate.candidates:
        raise ValueError(f"{len(candidates)} candidates, but the gate's threshold is for {rule.gate.candidates}")

    def on_race(entrants: list[Entrant]) -> None:
        for entrant in entrants:
            on_look("race", entrant.index, entrant.sample.counts)

    seeds = Seeds(root, "race")
    entrants = await race(source, candidates, champion, rule.race, seeds, carried=carried, on_look=on_race)
    gates: dict[int, GateResult] = {}
    left = rule.gate.max_pairs
    for entrant in entrants:
        n = entrant.index
        if entrant.fate != "survived":
            break
        gates[n] = await gate(
            source,
            candidates[n],
            champion,
            replace(rule.gate, max_pairs=left),
            Seeds(root, f"gate {n}"),
            carried=entrant.sample,
            on_look=partial(on_look, "gate", n),
        )
        left -= gates[n].own.counts.total
        if gates[n].verdict == "promoted" and not await holds(n):
            gates[n] = replace(gates[n], verdict="refused")
        if gates[n].verdict == "promoted":
            confirmation = await confirm(
                source,
                candidates[n],
                champion,
                Seeds(root, "confirm"),
                rule.confirm_pairs,
                on_look=partial(on_look, "confirm", n),
            )
            return Trial(entrants, gates, n, confirmation)
    return Trial(entrants, gates, None, None)
