"""The search player: Monte Carlo tree search in which seats that act together choose without seeing each other.

Every seat that is to act at a node keeps its own statistics over its own moves (decoupled UCT: Ciancarini and Favini
2010; Tak, Lanctot and Winands 2014). In a turn-based game this is plain UCT. The start of every iteration is a belief:
what the seat cannot see is drawn anew, so the tree plays against all that may be true. Knows a game only as a
``CloneableState``; nothing about duel's rules.
"""

import math
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from episodes.game import CloneableState, Game, Move, Observation, RealTimeState, cloneable
from episodes.play import MAX_TURNS
from episodes.player import Context, Decision
from models.errors import BadInput

Policy = Callable[[CloneableState, int, random.Random], Move]
"""What a seat does in a rollout: a model of either player."""

BELIEFS = 24
"""Different beliefs drawn for one decision; iterations take them in turn."""
HORIZON = 10
"""Decisions of either seat that a rollout of a real-time game looks ahead; a turn-based game is played to its end."""
EXPLORATION = 0.8
"""Weight of the confidence bound, in standard deviations of the returns seen: games differ in how far those spread."""


def uniform(state: CloneableState, seat: int, rng: random.Random) -> Move:
    """Evenly from the legal moves."""
    return rng.choice(state.legal_moves(seat))


@dataclass(slots=True)
class _Arms:
    """One seat's statistics at one node: visits and summed returns for each of its moves."""

    visits: dict[Move, int] = field(default_factory=dict)
    totals: dict[Move, float] = field(default_factory=dict)
    plays: int = 0

    def select(self, legal: tuple[Move, ...], weight: float, rng: random.Random) -> Move:
        """An untried legal move, else the one with the highest upper confidence bound."""
        visits, totals = self.visits, self.totals
        untried = [move for move in legal if move not in visits]
        if untried:
            return untried[int(rng.random() * len(untried))]
        scale = weight * weight * math.log(self.plays)
        return max(legal, key=lambda move: totals[move] / visits[move] + math.sqrt(scale / visits[move]))

    def add(self, move: Move, value: float) -> None:
        self.plays += 1
        self.visits[move] = self.visits.get(move, 0) + 1
        self.totals[move] = self.totals.get(move, 0.0) + value

    def values(self) -> dict[Move, float]:
        """The mean return of each move tried."""
        return {move: self.totals[move] / visits for move, visits in self.visits.items()}


@dataclass(slots=True)
class _Node:
    arms: dict[int, _Arms] = field(default_factory=dict)
    children: dict[tuple[tuple[int, Move], ...], "_Node"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SearchPlayer:
    """``iterations`` a decision, which is reproducible, or ``milliseconds``, which is not. One of them is set."""

    iterations: int | None = None
    milliseconds: int | None = None
    rollout: Policy = uniform
    prompt_id: str | None = None

    @property
    def name(self) -> str:
        return f"search:{self.iterations}" if self.iterations else f"search:{self.milliseconds}ms"

    @property
    def model(self) -> str:
        return self.name

    async def act(self, observation: Observation, context: Context) -> Decision:
        """Raises ``BadInput`` in a game that cannot be copied."""
        started = time.perf_counter()
        game, state = context.game, cloneable(context.game, context.state)
        if state is None:
            raise BadInput(f"{self.name} cannot play {game.name}: its states cannot be copied")
        arms = self._search(game, state, context.seat, context.seed)
        move = _drawn(arms, game, context.seed)
        return Decision(move, move, time.perf_counter() - started, values=_kept(arms.values()))

    def choose(self, game: Game, state: CloneableState, seat: int, seed: int) -> Move:
        """The most visited move; in a real-time game, where the other seat guesses, drawn by visits from the best."""
        return _drawn(self._search(game, state, seat, seed), game, seed)

    def evaluate(self, game: Game, state: CloneableState, seat: int, seed: int) -> dict[Move, float]:
        """The estimated return in [-1, 1] of each legal move of ``seat`` now, against a sensible answer."""
        return self._search(game, state, seat, seed).values()

    def _search(self, game: Game, state: CloneableState, seat: int, seed: int) -> _Arms:
        """Search from beliefs of ``seat``, in each of which it is made to be on turn; its statistics at the root."""
        tree = _Tree(random.Random(seed), self.rollout, game.tick_rate is not None)
        beliefs: list[CloneableState] = []
        deadline = time.perf_counter() + (self.milliseconds or 0) / 1000
        done = 0
        while done < self.iterations if self.iterations else time.perf_counter() < deadline or not done:
            if len(beliefs) < BELIEFS:
                belief = state.belief(seat, tree.rng.getrandbits(63))
                for _ in range(MAX_TURNS):
                    if seat in belief.to_act() or belief.is_terminal():
                        break
                    tree.play(belief, {})
                beliefs.append(belief)
            tree.iterate(beliefs[done % BELIEFS].clone())
            done += 1
        if seat not in tree.root.arms:
            # Asked ahead of its turn it may believe, each time, that the game is over by then: any move will do.
            for move in state.legal_moves(seat):
                tree.root.arms.setdefault(seat, _Arms()).add(move, state.returns()[seat])
        return tree.root.arms[seat]


@dataclass(slots=True)
class _Tree:
    """The tree of one decision, in a game in real time or in turns."""

    rng: random.Random
    rollout: Policy
    real_time: bool
    root: _Node = field(default_factory=_Node)
    seen: int = 0
    total: float = 0.0
    squares: float = 0.0

    @property
    def spread(self) -> float:
        """The standard deviation of the first seat's returns so far, and never quite 0."""
        if not self.seen:
            return 1.0
        mean = self.total / self.seen
        return math.sqrt(max(self.squares / self.seen - mean * mean, 1e-4))

    def iterate(self, state: CloneableState) -> None:
        """Select down the tree, add one node, roll out, and credit every choice on the way."""
        node, fresh, weight = self.root, False, EXPLORATION * self.spread
        path: list[tuple[_Arms, int, Move]] = []
        while not fresh and not state.is_terminal():
            moves: dict[int, Move] = {}
            for seat in state.to_act():
                arms = node.arms.get(seat)
                if arms is None:
                    arms = node.arms[seat] = _Arms()
                move = moves[seat] = arms.select(state.legal_moves(seat), weight, self.rng)
                path.append((arms, seat, move))
            self.play(state, moves)
            key = tuple(moves.items())
            child = node.children.get(key)
            fresh = child is None
            node = child or node.children.setdefault(key, _Node())
        self._roll(state)
        returns = state.returns()
        self.seen += 1
        self.total += returns[0]
        self.squares += returns[0] * returns[0]
        for arms, seat, move in path:
            arms.add(move, returns[seat])

    def play(self, state: CloneableState, moves: Mapping[int, Move]) -> None:
        """Put the moves into effect and, in a real-time game, let time pass until somebody is to act again."""
        state.apply(moves)
        if self.real_time:
            cast(RealTimeState, state).advance(1 << 20)

    def _roll(self, state: CloneableState) -> None:
        """Play on by the rollout policy: to the end or an episode's limit, in real time for ``HORIZON`` decisions."""
        left = HORIZON if self.real_time else MAX_TURNS
        while left > 0 and not state.is_terminal():
            seats = state.to_act()
            left -= max(len(seats), 1)
            self.play(state, {seat: self.rollout(state, seat, self.rng) for seat in seats})


def _drawn(arms: _Arms, game: Game, seed: int) -> Move:
    """The most visited move; in a real-time game one of those visited a third as often, drawn by visits."""
    most = max(arms.visits.values())
    if game.tick_rate is None:
        return next(move for move, visits in arms.visits.items() if visits == most)
    moves = [move for move, visits in arms.visits.items() if visits * 3 >= most]
    return random.Random(seed).choices(moves, [arms.visits[move] for move in moves])[0]


def _kept(values: Mapping[Move, float]) -> dict[Move, float]:
    """The values that are kept with a decision, the best first.

    Three decimals, which is less than what the mean of a few hundred returns can tell: games stored before values had
    a place of their own have no more, and what a student learns from a game must not depend on when it was stored.
    """
    return {move: round(values[move], 3) for move in sorted(values, key=lambda one: -values[one])}


def load_search(budget: str) -> SearchPlayer:
    """The player of ``search:N`` (iterations a decision) or ``search:Nms``; raises ``BadInput``."""
    match = re.fullmatch(r"([1-9]\d{0,8})(ms)?", budget)
    if not match:
        raise BadInput(f"unknown search budget {budget!r}: use search:400 (iterations) or search:100ms")
    number = int(match[1])
    return SearchPlayer(milliseconds=number) if match[2] else SearchPlayer(iterations=number)
