"""A drafter without a language model: ``drafter:FILE`` takes what top drafters of FILE's training drafts would take.

It counts. A card's strength is how much more often it was taken than by drawing blindly from the packs that offered it;
on top of that comes how much more often still it was taken by those who held the cards that are in the pool now. It is
the baseline that any student of drafting has to beat. It knows nothing of cards that its drafts did not hold.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from episodes.game import Observation
from episodes.games.draft.counts import Floats
from episodes.games.draft.drafts import Card
from episodes.games.draft.prepared import Prepared, prepare
from episodes.games.draft.view import read_pool
from episodes.player import Context, Decision
from models.errors import BadInput

PRIOR = 2.0
"""Picks by which a card's rate is drawn towards chance."""
PAIR_PRIOR = 20.0
"""Picks by which a card's rate beside another card is drawn towards its rate beside any."""
PAIR_WEIGHT = 0.15
"""How much of what each card of the pool says counts: they say the same thing over and over."""


@dataclass(frozen=True)
class Drafter:
    """Takes the card of the pack with the highest sum of strength and fit; draws where several have it."""

    name: str
    prepared: Prepared
    prompt_id: str | None = None

    @property
    def model(self) -> str:
        return self.name

    @cached_property
    def _index(self) -> dict[Card, int]:
        return {card: place for place, card in enumerate(self.prepared.facts.cards)}

    @cached_property
    def _tables(self) -> tuple[Floats, Floats]:
        """(C,) log of each card's rate, and (C, C) how the log changes with a card (column) in the pool."""
        counts = self.prepared.counts("training")
        rate = (counts.taken + PRIOR) / (counts.expected + PRIOR)
        beside = (counts.taken_with + PAIR_PRIOR * rate[:, None]) / (counts.expected_with + PAIR_PRIOR)
        return np.log(rate), np.log(beside / rate[:, None])

    def scores(self, pack: Sequence[Card], pool: Sequence[Card]) -> list[float]:
        """What each card of the pack is worth to a drafter who holds ``pool``; 0 for one that was never seen."""
        rates, fits = self._tables
        held = [(self._index[card], copies) for card, copies in Counter(pool).items() if card in self._index]
        places = [self._index.get(card, -1) for card in pack]
        worth = []
        for place in places:
            fit = sum(copies * fits[place, other] for other, copies in held) if place >= 0 else 0.0
            worth.append(float(rates[place] + PAIR_WEIGHT * fit) if place >= 0 else 0.0)
        return worth

    async def act(self, observation: Observation, context: Context) -> Decision:
        """Raises ``BadInput`` in a game that is no draft."""
        pool = read_pool(observation.text)
        if pool is None:
            raise BadInput(f"{self.name} drafts, and {context.game.name} is no draft: write draft:FILE")
        pack = observation.legal_moves
        worth = self.scores(pack, pool)
        best = max(worth)
        move = random.Random(context.seed).choice([card for card, one in zip(pack, worth, strict=True) if one == best])
        return Decision(move, move, 0.0)


def load_drafter(rest: str) -> Drafter:
    """The player ``drafter:FILE``; raises ``BadInput`` where the file is not one of 17lands drafts."""
    if not rest:
        raise BadInput("the player 'drafter:' names no file: write drafter:FILE.csv.gz, a 17lands draft file")
    prepared = prepare(Path(rest))
    if not prepared.facts.sides["train"]:
        raise BadInput(f"drafter:{rest}: no top drafter's draft of that file may be learned from")
    return Drafter(f"drafter:{rest}", prepared)
