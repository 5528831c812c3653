"""Games that were written before capabilities were declared: what they can do is read off their members, once.

``load_game`` gives every game without ``capabilities`` to ``declared``; nothing else looks at members. Of such a game
``can_clone`` says whether its states can be copied, ``first_move`` is there if it takes plans, ``most_at_once`` if its
states live in other processes, and ``terms`` if it can be played under other words. Knows no game.
"""

from dataclasses import dataclass
from typing import Any, cast

from episodes.game import Capabilities, Game


@dataclass(frozen=True, slots=True)
class _Declared:
    """A game with capabilities, and everything else as ``game`` has it."""

    game: Any
    capabilities: Capabilities

    def __getattr__(self, name: str) -> Any:
        return getattr(self.game, name)


def declared(found: Any) -> Game:
    """``found``, which has the other members of a ``Game``, with its capabilities."""
    most, terms = getattr(found, "most_at_once", None), getattr(found, "terms", None)
    capabilities = Capabilities(
        clone=bool(getattr(found, "can_clone", False)),
        plans=hasattr(found, "first_move"),
        most_at_once=most,
        terms=None if terms is None else tuple(terms),
    )
    return cast(Game, _Declared(found, capabilities))
