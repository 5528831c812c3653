"""A sketch of the student: it plays what the turns so far say is best, without any training.

It stands in for the student while the student is not trained yet, so that practice costs no training; it is never
measured as one. Knows nothing about how its turns are judged.
"""

import hashlib
import json
import random
from dataclasses import dataclass

from distill.pooled import Pooled
from episodes.game import Observation
from episodes.player import Context, Decision
from episodes.turn_text import turn_text
from prompts.base import Base

NAME = "sketch:"


def is_sketch(player: str) -> bool:
    """Whether the player of that name is a sketch."""
    return player.startswith(NAME)


@dataclass(frozen=True, slots=True)
class Sketch:
    """Plays the legal move with the highest pooled advantage; any legal move in ``explore`` of its decisions."""

    name: str
    pooled: Pooled
    base: Base
    explore: float = 0.0
    prompt_id: str | None = None

    @classmethod
    def of(cls, pooled: Pooled, base: Base) -> "Sketch":
        """Named by what it knows: another sketch is another player."""
        known = {asked: [round(one, 6) for one in sums.tolist()] for asked, sums in sorted(pooled.sums.items())}
        digest = hashlib.blake2b(json.dumps([known, base.id]).encode(), digest_size=6).hexdigest()
        return cls(f"{NAME}{digest}", pooled, base)

    @property
    def model(self) -> str:
        return "sketch"

    async def act(self, observation: Observation, context: Context) -> Decision:
        draw = random.Random(f"sketch {context.seed}")
        if draw.random() < self.explore:
            move = draw.choice(observation.legal_moves)
        else:
            worth = self.pooled.advantages(turn_text(self.base.turn, observation), observation.situation)
            move = max(observation.legal_moves, key=lambda one: worth[one])
        return Decision(move, move, 0.0)
