"""A stand-in: a player of rules and habits, for rehearsing rules before the real player tries them.

It follows the first rule that matches as often as the player did, and otherwise draws moves as often as the player
made them. It says nothing that counts: what it promises is checked by real games. With perfect obedience and no habits
it is the ``follower``, which plays any game by the rules of its prompt where there is no language model. Knows nothing
about models.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from episodes.game import Game, Move, Observation
from episodes.player import Context, Decision
from prompts.prompt import Prompt
from prompts.rule import Rule
from reflect.evidence import Floats, Ints, Turns

Bools = NDArray[np.bool_]

FOLLOWER = "follower"
"""The name of the player that stands in for a language model."""
_TRUST = 50
"""Decisions' worth of belief that a player follows its rules, before any is seen."""


@dataclass(frozen=True, slots=True)
class Habits:
    """What a player does by itself: the weight of each move (1 where none is given), how often it follows its rules,
    seconds a decision."""

    moves: Mapping[Move, float]
    follows: float = 0.98
    latency: float = 0.0

    def weights(self, game: Game) -> Floats:
        """(M,) the weights in the order of the game's moves."""
        return np.array([self.weight(move) for move in game.moves])

    def weight(self, move: Move) -> float:
        return self.moves.get(move, 1.0)


@dataclass(frozen=True, slots=True)
class StandIn:
    """A player of rules and habits."""

    name: str
    rules: tuple[Rule, ...]
    habits: Habits
    prompt_id: str | None = None
    model: str = "stand-in"

    def with_rules(self, name: str, rules: Sequence[Rule]) -> "StandIn":
        """The same player with other rules."""
        return replace(self, name=name, rules=tuple(rules))

    async def act(self, observation: Observation, context: Context) -> Decision:
        move = self.choose(observation, random.Random(context.seed))
        return Decision(move, move, self.habits.latency)

    def choose(self, observation: Observation, draw: random.Random) -> Move:
        legal = observation.legal_moves
        decided = self._decided(observation.situation, legal)
        if decided is not None and draw.random() < self.habits.follows:
            return decided
        return draw.choices(legal, [self.habits.weight(move) for move in legal])[0]

    def _decided(self, situation: Mapping[str, str], legal: Sequence[Move]) -> Move | None:
        for rule in self.rules:
            if rule.matches(situation):
                return rule.move if rule.move in legal else None
        return None


def follower(prompt: Prompt, name: str) -> StandIn:
    """Follows the first rule of ``prompt`` that matches to the letter; where none does, or its move is not legal, any
    legal move, drawn evenly from the seed of the decision. It is no language model: remarks mean nothing to it."""
    return StandIn(name, prompt.rules, Habits({}, follows=1.0), prompt.id, FOLLOWER)


def habits_of(turns: Turns, rules_of: Mapping[str | None, Sequence[Rule]], latency: float = 0.0) -> Habits:
    """What the stored turns say about a player; ``rules_of`` are the rules of each prompt it had.

    A move's weight is how often it was made where it was legal and no rule decided, counting one imagined time in a
    hundred turns for each.
    """
    game = turns.game
    made, possible = np.full(len(game.moves), 0.1), np.full(len(game.moves), 10.0)
    kept = decided_turns = 0
    for prompt_id, decided in _decisions(turns, rules_of):
        mine = np.array([one == prompt_id for one in turns.prompt_ids]) & (turns.moves >= 0)
        bound = mine & (decided >= 0)
        decided_turns += int(bound.sum())
        kept += int((turns.moves[bound] == decided[bound]).sum())
        free = mine & (decided < 0)
        made += np.bincount(turns.moves[free], minlength=len(game.moves))
        possible += turns.legal[free].sum(0)
    weights = made / possible
    follows = (kept + 0.98 * _TRUST) / (decided_turns + _TRUST)
    return Habits(dict(zip(game.moves, (weights / weights.sum()).tolist(), strict=True)), follows, latency)


def _decisions(turns: Turns, rules_of: Mapping[str | None, Sequence[Rule]]) -> list[tuple[str | None, Ints]]:
    """For each prompt the move that its rules decide at each turn, -1 where none does or it is illegal."""
    found = []
    for prompt_id in dict.fromkeys(turns.prompt_ids):
        decided = np.full(len(turns), -1, dtype=np.int64)
        reached = np.ones(len(turns), dtype=bool)
        for rule in rules_of.get(prompt_id, ()):
            held = reached & holds(turns, rule)
            index = turns.game.moves.index(rule.move)
            decided[held & turns.legal[:, index]] = index
            reached &= ~held
        found.append((prompt_id, decided))
    return found


def matched(turns: Turns, rules: Sequence[Rule]) -> Bools:
    """(T,): the turns in whose situation at least one of ``rules`` matches."""
    found = np.zeros(len(turns), dtype=bool)
    for rule in rules:
        found |= holds(turns, rule)
    return found


def holds(turns: Turns, rule: Rule) -> Bools:
    """(T,): the turns in whose situation ``rule`` matches."""
    features = turns.game.features
    held = np.ones(len(turns), dtype=bool)
    for feature, value in rule.conditions:
        held &= turns.values[:, list(features).index(feature)] == features[feature].index(value)
    return held
