"""A PettingZoo environment as a game."""

from collections.abc import Mapping
from dataclasses import dataclass

from episodes.game import Capabilities, Move, Observation
from episodes.games.pettingzoo.setup import Setup
from episodes.games.pettingzoo.state import (
    AecState,
    CloneableAecState,
    CloneableParallelState,
    ParallelState,
    PettingZooState,
)


@dataclass(frozen=True, slots=True)
class PettingZooGame(Setup):
    """The setup, and what the contract asks of a game."""

    tick_rate = None

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(clone=self.wording.open, terms=self.wording.terms or None)

    @property
    def features(self) -> Mapping[str, tuple[str, ...]]:
        return self.wording.features

    @property
    def rules(self) -> str:
        if not self.parallel:
            return f"{self.wording.rules} Answer with one legal move by its name. An illegal move loses the game."
        instead = self.default or "the first legal move"
        return (
            f"{self.wording.rules} All players decide at the same time. Answer with one legal move by its name. "
            f"Whoever gives no legal move plays {instead}."
        )

    def initial_state(self, seed: int) -> PettingZooState:
        if self.parallel:
            return (CloneableParallelState if self.wording.open else ParallelState)(self, seed)
        return (CloneableAecState if self.wording.open else AecState)(self, seed)

    def phrase(self, feature: str, value: str) -> str:
        return self.wording.phrase(feature, value)

    def read_move(self, reply: str, observation: Observation) -> Move | None:
        return self.wording.read(reply, self.moves)
