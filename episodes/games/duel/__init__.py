"""Duel: a real-time fighting game for two seats, 60 integer ticks a second.

``GAME`` is the game as registered; smaller variants are built from ``engine.Rules`` and ``engine.DuelState``.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from episodes.game import Capabilities, Move, Observation
from episodes.games.duel import frames, words
from episodes.games.duel.engine import DuelState, Rules
from episodes.games.duel.fighter import Fighter
from episodes.games.duel.plans import first_step, plan_grammar, read_plan
from episodes.games.duel.rules import RULES
from models.grammar import Grammar

__all__ = ["GAME", "Duel"]


@dataclass(frozen=True, slots=True)
class Duel:
    """The game; immutable."""

    name: str = "duel"
    seats: int = 2
    tick_rate: int = 60
    capabilities: Capabilities = Capabilities(clone=True, plans=True, grammar=True, terms=words.TERMS)
    rules: str = RULES

    @property
    def moves(self) -> tuple[Move, ...]:
        return words.MOVES

    @property
    def features(self) -> Mapping[str, tuple[str, ...]]:
        return words.FEATURES

    def initial_state(self, seed: int) -> DuelState:
        """Gap, health, meter and sight delay are drawn from ``seed``; both stand equally far from their walls."""
        draw = random.Random(f"duel {seed}").randint
        back = (frames.STAGE - draw(*frames.START_GAPS)) // 2
        one, two = (Fighter(back, draw(*frames.START_HEALTH), draw(*frames.START_METER)) for _ in range(2))
        return DuelState(Rules(), (one, two), draw(*frames.DELAYS))

    def phrase(self, feature: str, value: str) -> str:
        return words.phrase(feature, value)

    def read_move(self, reply: str, observation: Observation) -> Move | None:
        """The plan that the reply begins with, or else the last one named; a single move is a plan."""
        return read_plan(reply)

    def first_move(self, text: str) -> Move | None:
        return first_step(text)

    def rest_of(self, plan: Move) -> Move | None:
        return plan.partition(";")[2].strip() or None

    def plan_grammar(self, observation: Observation) -> Grammar:
        return plan_grammar(observation.legal_moves)


GAME = Duel()
