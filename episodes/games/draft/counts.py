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
        """Count each card's picks of a draft. ``index`` gives the places of cards."""
        for pick in draft.picks:
            pack = [index[card] for card in pick.pack]
            np.add.at(self.expected, pack, len(pick.taken) / len(pack))
            for card in pick.taken:
                self.taken[index[card]] += 1
                self.numbers[index[card]] += pick.pick_number

    def add_pairs(self, draft: Draft, index: Mapping[Card, int]) -> None:
        """Count each card's picks beside each card that was held then."""
        held: list[int] = []
        pairs, chances = [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
        for pick in draft.picks:
            pack, taken = [index[card] for card in pick.pack], [index[card] for card in pick.taken]
            beside = np.add.outer(np.array(pack) * len(self.cards), np.array(held, dtype=np.int64)).reshape(-1)
            pairs.append(beside)
            chances.append(np.full(len(beside), len(taken) / len(pack)))
            for card in taken:
                np.add.at(self.taken_with[card], held, 1.0)
            held += taken
        np.add.at(self.expected_with.reshape(-1), np.concatenate(pairs), np.concatenate(chances))

    def values(self) -> Floats:
        """(C,): how early each card is taken, from 0 (the last pick there is) to 1 (the first).

        A card that was hardly ever taken is drawn towards the mean of all.
        """
        total = self.taken.sum()
        mean = self.numbers.sum() / total if total else 0.0
        number = (self.numbers + _PRIOR * mean) / (self.taken + _PRIOR)
        last = number.max(initial=1.0) or 1.0
        return np.asarray(1 - number / last)
