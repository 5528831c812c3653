"""The guard: does a candidate that beat the champion hold its ground against everybody else?

Strength is not one number. A prompt may beat the champion by knowing its habits and lose to players that the champion
beats; promoted again and again, such prompts would go round in a circle. So a candidate that has passed the gate meets
others, in groups, on the seeds on which the champion meets them, and is refused if it loses ground to any group. The
guard can only refuse, so it needs no correction for chance: what passes the gate by luck still does so as rarely.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TypeVar

from optimize.arena import PairSource, Series, play_together
from optimize.seeds import Seeds

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class GuardRule:
    """``pairs`` of each side against every group, shared out among its members; ``margin``: the mean pair score that
    may be lost to a group, for so much is luck."""

    pairs: int = 28
    margin: float = 0.1


@dataclass(frozen=True, slots=True)
class Ground:
    """Mean pair scores against one group, on the same seeds."""

    candidate: float
    champion: float

    def lost(self, rule: GuardRule) -> bool:
        return self.candidate < self.champion - rule.margin


async def guard(
    source: PairSource[P],
    candidate: P,
    champion: P,
    groups: Mapping[str, Sequence[P]],
    *,
    rule: GuardRule,
    root: str | int,
) -> dict[str, Ground]:
    """How both fare against each group; ``root`` names the round, so every candidate of it meets the same games."""
    found = {}
    for name, members in groups.items():
        each = -(-rule.pairs // len(members))
        seeds = Seeds(root, f"guard {name}")
        sides = [[Series(source, one, member, seeds, "guard") for member in members] for one in (candidate, champion)]
        await play_together([lane for lanes in sides for lane in lanes], each)
        scores = [fmean(lane.sample.counts.mean for lane in lanes) for lanes in sides]
        found[name] = Ground(*scores)
    return found
