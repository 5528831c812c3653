"""Finding the list of rules with the highest expected advantage, given a model of advantages.

First match decides, so a rule is worth what it adds on the situations that no earlier rule takes. Rules with more
conditions stand before those with fewer. Local search: insert, replace, remove, until nothing gains. Knows nothing
about where the advantages come from.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reflect.advantage import Floats, Ints, Subsets

Bools = NDArray[np.bool_]
Entry = tuple[int, int]
"""A rule as (subset index, move index)."""


@dataclass(frozen=True, slots=True)
class Problem:
    """U distinct situations with ``weights`` (U,) that sum to 1.

    ``advantages`` (U, M) of each move, an illegal one counting as ``free`` (U,): the advantage of what the player does
    where no rule decides. ``holds`` (U, S) says which situations are in which subset. ``price`` is what a rule must
    gain to be worth its place; ``limit`` how many rules there may be.
    """

    subsets: Subsets
    weights: Floats
    advantages: Floats
    free: Floats
    holds: Bools
    price: float
    limit: int


def problem(
    subsets: Subsets,
    *,
    values: Ints,
    weights: Floats,
    advantages: Floats,
    legal: Bools,
    habits: Floats,
    price: float,
    limit: int,
) -> Problem:
    """A problem from (U, M) advantages, legality and ``habits``, the chance of each move where no rule decides."""
    free = (np.where(legal, habits, 0.0) * advantages).sum(1) / np.maximum(np.where(legal, habits, 0.0).sum(1), 1e-12)
    return Problem(
        subsets,
        weights / weights.sum(),
        np.where(legal, advantages, free[:, None]),
        free,
        subsets.holds(values),
        price,
        limit,
    )


def value(task: Problem, entries: Sequence[Entry]) -> float:
    """The expected advantage of following ``entries``, less their price."""
    _, worth = _reach(task, entries)
    return float(task.weights @ worth) - task.price * len(entries)


def shares(task: Problem, entries: Sequence[Entry]) -> list[tuple[Bools, float, float]]:
    """For each entry the situations that it decides, their share, and what it adds there against no rule."""
    found = []
    free = np.ones(len(task.weights), dtype=bool)
    for subset, move in entries:
        taken = free & task.holds[:, subset]
        weight = task.weights * taken
        found.append((taken, float(weight.sum()), float(weight @ (task.advantages[:, move] - task.free))))
        free &= ~taken
    return found


def _reach(task: Problem, entries: Sequence[Entry]) -> tuple[list[Bools], Floats]:
    """Which situations get as far as each place in the list, and the advantage each situation ends up with."""
    free, worth = np.ones(len(task.weights), dtype=bool), task.free.copy()
    reach = [free.copy()]
    for subset, move in entries:
        taken = free & task.holds[:, subset]
        worth[taken] = task.advantages[taken, move]
        free &= ~taken
        reach.append(free.copy())
    return reach, worth


def _best_insertion(task: Problem, entries: Sequence[Entry]) -> tuple[float, int, Entry] | None:
    """What the best insertion gains, less its price, its place, and the entry; ``None`` if none gains."""
    reach, worth = _reach(task, entries)
    sizes = task.subsets.sizes
    order = [int(sizes[subset]) for subset, _ in entries]
    best: tuple[float, int, Entry] | None = None
    for place, reached in enumerate(reach):
        gains = task.holds.T.astype(float) @ ((task.weights * reached)[:, None] * (task.advantages - worth[:, None]))
        least = max(order[place:], default=0)
        most = min(order[:place], default=2)
        gains[(sizes < least) | (sizes > most)] = -np.inf
        subset, move = np.unravel_index(int(np.argmax(gains)), gains.shape)
        gain = float(gains[subset, move]) - task.price
        if gain > 1e-9 and (best is None or gain > best[0] + 1e-12):
            best = (gain, place, (int(subset), int(move)))
    return best


def search(task: Problem, start: Sequence[Entry] = ()) -> list[Entry]:
    """A list that no single insertion, replacement or removal improves, found from ``start``."""
    entries = sorted(start, key=lambda entry: -int(task.subsets.sizes[entry[0]]))[: task.limit]
    current = value(task, entries)
    for _ in range(20 * task.limit):
        better = _improved(task, entries, current)
        if better is None:
            break
        entries = better
        current = value(task, entries)
    return entries


def _improved(task: Problem, entries: list[Entry], current: float) -> list[Entry] | None:
    if len(entries) < task.limit:
        found = _best_insertion(task, entries)
        if found is not None:
            return [*entries[: found[1]], found[2], *entries[found[1] :]]
    for place in range(len(entries)):
        rest = [*entries[:place], *entries[place + 1 :]]
        without = value(task, rest)
        if without >= current:
            return rest
        found = _best_insertion(task, rest)
        if found is not None and without + found[0] > current + 1e-6:
            return [*rest[: found[1]], found[2], *rest[found[1] :]]
    return None
