"""How drafters treat each card: how often it is taken when it is offered, how early, and beside which other cards.

Sums over picks, in memory that depends on the number of cards alone. Knows nothing about files or splits.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from episodes.games.draft.drafts import Card, Draft

Floats = NDArray[np.float64]
_PRIOR = 5.0
"""Picks that a card's mean pick is drawn towards the mean of all by."""


@dataclass(frozen=True)
class PickCounts:
    """Over all picks, by the place of a card in ``cards``.

    ``taken`` (C,): times taken; ``expected`` (C,): times it would have been by drawing from the packs; ``numbers``
    (C,): sum of the pick numbers at which it was taken. ``taken_with`` and ``expected_with`` (C, C): the same as the
    first two, for a card (row) over the picks of people who held another (column), by copies held.
    """

    cards: tuple[Card, ...]
    taken: Floats
    expected: Floats
    numbers: Floats
    taken_with: Floats
    expected_with: Floats

    @classmethod
    def empty(cls, cards: tuple[Card, ...]) -> "PickCounts":
        n = len(cards)
        return cls(cards, np.zeros(n), np.zeros(n), np.zeros(n), np.zeros((n, n)), np.zeros((n, n)))

    def add(self, draft: Draft, index: Mapping[Card, int]) -> None:
        """Count a draft. ``index`` gives the places of cards."""
        held = np.zeros(len(self.cards))
        for pick in draft.picks:
            pack = [index[card] for card in pick.pack]
            taken = [index[card] for card in pick.taken]
            chance = len(taken) / len(pack)
            np.add.at(self.expected, pack, chance)
            np.add.at(self.expected_with, pack, chance * held)
            for card in taken:
                self.taken[card] += 1
                self.numbers[card] += pick.pick_number
                self.taken_with[card] += held
            for card in taken:
                held[card] += 1

    def values(self) -> Floats:
        """(C,): how early each card is taken, from 0 (the last pick there is) to 1 (the first).

        A card that was hardly ever taken is drawn towards the mean of all.
        """
        total = self.taken.sum()
        mean = self.numbers.sum() / total if total else 0.0
        number = (self.numbers + _PRIOR * mean) / (self.taken + _PRIOR)
        last = number.max(initial=1.0) or 1.0
        return np.asarray(1 - number / last)
