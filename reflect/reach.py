"""Which rule of a list decides how many of the stored turns, what was gained there, and why a rule decides none.

The first rule whose situation holds decides a turn, so what a rule does depends on those in front of it. Counted on
turns that were really played; nothing is predicted. Knows nothing about who asks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prompts.rule import Rule
from reflect.evidence import Z95, Floats, Turns
from reflect.standin import Bools, holds


@dataclass(frozen=True, slots=True)
class Gain:
    """The mean outcome of some turns (``Turns.outcome``) with its 95 % interval over whole episodes.

    Over a single episode there is no interval: ``low`` and ``high`` are infinite.
    """

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Reach:
    """One rule in its place: it holds in ``holds`` of the turns and is the first that does in ``decides`` of them.

    ``gain`` is of those in which the player made the rule's move, ``followed`` in number; ``None`` where there are
    none. ``behind`` are the places in the list of the rules in front that take the turns in which it holds, those that
    take most first.
    """

    holds: int
    decides: int
    followed: int
    gain: Gain | None
    behind: tuple[int, ...]


def reach(turns: Turns, rules: Sequence[Rule]) -> list[Reach]:
    """What each of ``rules`` does in ``turns``, in their order."""
    decided_by = np.full(len(turns), -1)
    found = []
    for place, rule in enumerate(rules):
        held = holds(turns, rule)
        decides = held & (decided_by < 0)
        earlier = np.bincount(decided_by[held & ~decides], minlength=place)
        followed = decides & (turns.moves == turns.game.moves.index(rule.move))
        found.append(
            Reach(
                holds=int(held.sum()),
                decides=int(decides.sum()),
                followed=int(followed.sum()),
                gain=gain(turns, followed),
                behind=tuple(int(one) for one in np.argsort(-earlier, kind="stable") if earlier[one]),
            )
        )
        decided_by[decides] = place
    return found


def gain(turns: Turns, among: Bools) -> Gain | None:
    """The mean outcome of the turns ``among`` (T,), ``None`` of none; turns of one episode are not independent."""
    if not among.any():
        return None
    outcome: Floats = turns.gains if turns.outcome == "gain" else 2 * turns.scores - 1
    mean = float(outcome[among].mean())
    deviations = np.bincount(turns.episodes[among], outcome[among] - mean)
    episodes = len(np.unique(turns.episodes[among]))
    margin = np.inf
    if episodes > 1:
        error = np.sqrt((deviations**2).sum() * episodes / (episodes - 1)) / among.sum()
        margin = Z95 * float(error)
    return Gain(mean, mean - margin, mean + margin)
