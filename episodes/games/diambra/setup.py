"""One arcade game as it is set up: plain data that the game and its fights share."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from episodes.game import Move
from episodes.games.diambra.moves import Part
from episodes.games.diambra.plans import Plans


@dataclass(frozen=True, slots=True)
class Setup:
    """Both seats have the same ``character``; ``step_ratio`` is frames a step of the emulator."""

    name: str
    game_id: str
    step_ratio: int
    character: str | None
    inputs: Mapping[Move, tuple[Part, ...]] = field(repr=False)
    plans: Plans = field(repr=False)

    @property
    def moves(self) -> tuple[Move, ...]:
        return tuple(self.inputs)
