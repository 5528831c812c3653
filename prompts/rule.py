"""A tactical rule in structured form, and the plain sentence that every model reads.

Knows a game only through its features, moves and phrases.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from episodes.game import Game, Move
from models.errors import BadInput

MAX_CONDITIONS = 2


@dataclass(frozen=True, slots=True)
class Rule:
    """When every condition (feature, value) holds, use ``move``. Without conditions it holds always.

    ``conditions`` are kept in the order of the game's features, so that equal rules are equal values.
    """

    conditions: tuple[tuple[str, str], ...]
    move: Move

    @classmethod
    def of(cls, game: Game, situation: Mapping[str, str], move: Move) -> "Rule":
        """The rule for ``situation``; raises ``BadInput`` for a word that the game does not know."""
        for feature, value in situation.items():
            if value not in game.features.get(feature, ()):
                known = ", ".join(f"{name}={'|'.join(values)}" for name, values in game.features.items())
                raise BadInput(f"{game.name} knows no situation {feature}={value}; it has {known}")
        if move not in game.moves:
            raise BadInput(f"{game.name} knows no move {move!r}; it has {', '.join(game.moves)}")
        if len(situation) > MAX_CONDITIONS:
            raise BadInput(f"a rule has at most {MAX_CONDITIONS} conditions, this one has {len(situation)}")
        return cls(tuple((feature, situation[feature]) for feature in game.features if feature in situation), move)

    def matches(self, situation: Mapping[str, str]) -> bool:
        return all(situation.get(feature) == value for feature, value in self.conditions)

    def sentence(self, game: Game) -> str:
        """E.g. "When the opponent is far and your meter is full, use super."; or "Always use guard."."""
        if not self.conditions:
            return f"Always use {self.move}."
        clauses = " and ".join(game.phrase(feature, value) for feature, value in self.conditions)
        return f"When {clauses}, use {self.move}."


def situation_line(game: Game, situation: Mapping[str, str]) -> str:
    """The values in the order of the game's features, e.g. "far jumping open full clear even neutral"."""
    return " ".join(situation[feature] for feature in game.features)
