"""How a game is told to its players: features, rules and texts, beside what OpenSpiel gives itself.

A telling may look at what its seat knows and at nothing else. Knows nothing about moves, clocks or players.
"""

from collections.abc import Mapping
from typing import Any, Protocol

ILLEGAL = "An illegal move loses the game."
ANSWER = f"Answer with one legal move by its name. {ILLEGAL}"


class Telling(Protocol):
    """The words for one game. ``state`` is OpenSpiel's own; ``over`` says that nobody will decide any more."""

    @property
    def features(self) -> Mapping[str, tuple[str, ...]]:
        """As ``Game.features``."""

    @property
    def rules(self) -> str:
        """As ``Game.rules``."""

    @property
    def terms(self) -> tuple[str, ...]:
        """As ``Capabilities.terms``."""

    def phrase(self, feature: str, value: str) -> str:
        """As ``Game.phrase``."""

    def lines(self, state: Any, seat: int, over: bool) -> list[str]:
        """What ``seat`` sees, without whose turn it is."""

    def situation(self, state: Any, seat: int, over: bool) -> dict[str, str]:
        """As ``Observation.situation``."""
