"""What a game of PettingZoo is made of: plain data that the game and its states share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from episodes.game import Move
from episodes.games.pettingzoo.wording import Wording


@dataclass(frozen=True, slots=True)
class Setup:
    """``make`` builds a fresh environment; ``parallel`` says which of the two interfaces it has.

    ``bound``, ``default`` and ``turns`` are explained by ``Wording``: they are its own unless the name sets others.
    """

    name: str
    make: Callable[[], Any] = field(repr=False)
    wording: Wording = field(repr=False)
    moves: tuple[Move, ...] = field(repr=False)
    seats: int
    parallel: bool
    bound: float | None
    default: Move | None
    turns: int
