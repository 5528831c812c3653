"""Environments of Gymnasium as games of one seat: text in, a named move or a text out, the return graded.

Knows nothing about any environment; ``wording`` and ``toy_text`` find the words.
"""

import copy
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from episodes.game import Capabilities, Move, Observation, last_named
from episodes.games.gym.spaces import action_values, kind, scaled
from episodes.games.gym.wording import Wording
from episodes.guest_game import broken

_BLOCK = re.compile(r"```[^\n]*\n(.*?)\n?```", re.S)
_SEEDS = 2**32
"""Seeds of environments are taken below this: some hand theirs on to libraries that refuse larger ones."""
_STATE = ("s", "player", "dealer", "fickle_step")
"""What decides the future of a toy text environment, apart from its random state."""


@dataclass(frozen=True, slots=True)
class GymGame:
    """One environment. ``make`` builds a fresh copy of it; ``steps`` decisions end it.

    ``moves`` is empty where actions are texts: then ``text_space`` says which. ``span`` is the sums of rewards that are
    the returns -1 and 1, if they are known.
    """

    name: str
    make: Callable[[], Any] = field(repr=False)
    wording: Wording = field(repr=False)
    moves: tuple[Move, ...] = field(repr=False)
    steps: int
    span: tuple[float, float] | None
    capabilities: Capabilities = Capabilities()
    text_space: Any = field(default=None, repr=False)

    seats = 1
    tick_rate = None

    @property
    def features(self) -> Mapping[str, tuple[str, ...]]:
        return self.wording.features

    @property
    def rules(self) -> str:
        how = "one legal move by its name. An illegal move"
        if not self.moves:
            how = (
                "the text of your action on the last line or, if it takes several lines, between two lines of ```. "
                "A text that cannot be an action"
            )
        end = f"After {self.steps} actions it ends."
        return f"{self.wording.rules}\n{end} Answer with {how} ends it with the worst result."

    def initial_state(self, seed: int) -> "GymState":
        env = self.make()
        observation, info = _stepped("reset", lambda: env.reset(seed=seed % _SEEDS))
        state = CloneableGymState if self.capabilities.clone else GymState
        return state(self, env, observation, info)

    def phrase(self, feature: str, value: str) -> str:
        return self.wording.phrase(feature, value)

    def read_move(self, reply: str, observation: Observation) -> Move | None:
        """The move named last; of texts the last block between lines of ```, or the last line."""
        if self.moves:
            return last_named(reply, self.moves)
        blocks: list[str] = _BLOCK.findall(reply)
        lines = [line.strip() for line in reply.splitlines() if line.strip()]
        return blocks[-1] if blocks else lines[-1] if lines else None


class GymState:
    """One position: the environment, what it last showed, and the rewards so far."""

    def __init__(self, game: GymGame, env: Any, observation: Any, info: Mapping[str, Any]) -> None:
        self.game = game
        self.env = env
        self.observation = observation
        self.info = info
        self.total = 0.0
        self.steps = 0
        self.over = False
        self.forfeited = False

    def to_act(self) -> tuple[int, ...]:
        return () if self.is_terminal() else (0,)

    def observe(self, seat: int) -> Observation:
        wording = self.game.wording
        lines = [wording.text(self.env, self.observation)]
        if self.is_terminal():
            lines.append("It is over.")
        else:
            lines.append(f"Step {self.steps + 1} of {self.game.steps}. Reward so far: {self.total:g}.")
        situation = wording.situation(self.env, self.observation, self.steps / self.game.steps)
        return Observation("\n".join(lines), situation, self.legal_moves(seat))

    def legal_moves(self, seat: int) -> tuple[Move, ...]:
        """All that the environment's action mask allows; of texts the examples that it gives, or a short one."""
        if self.is_terminal():
            return ()
        if self.game.text_space is not None:
            given = [str(text) for text in self.info.get("examples", ())]
            return tuple(text for text in given if self.accepts(0, text)) or (_shortest(self.game.text_space),)
        mask = self.info.get("action_mask")
        moves = self.game.moves
        return moves if mask is None else tuple(move for move, may in zip(moves, mask, strict=True) if may) or moves

    def accepts(self, seat: int, move: Move) -> bool:
        if self.is_terminal():
            return False
        if self.game.text_space is not None:
            return bool(self.game.text_space.contains(move))
        return move in self.legal_moves(seat)

    def apply(self, moves: Mapping[int, Move | None]) -> None:
        """Take the one step owed. No acceptable move ends it with -1. Raises ``ValueError`` for a wrong seat."""
        if tuple(moves) != self.to_act():
            raise ValueError(f"seat {self.to_act()} is to act, not {tuple(moves)}")
        move = moves[0]
        if move is None or not self.accepts(0, move):
            self.forfeited = True
            return
        action = self._action(move)
        found = _stepped("step", lambda: self.env.step(action))
        self.observation, reward, terminated, truncated, self.info = found
        self.total += float(reward)
        self.steps += 1
        self.over = bool(terminated or truncated) or self.steps >= self.game.steps

    def is_terminal(self) -> bool:
        return self.over or self.forfeited

    def returns(self) -> tuple[float, ...]:
        """The rewards so far in the range that the game declares, as if it ended now."""
        if self.forfeited:
            return (-1.0,)
        low, high = self.game.span or (None, None)
        return (scaled(self.total, low, high),)

    def _action(self, move: Move) -> Any:
        if self.game.text_space is not None:
            return move
        import numpy as np

        space = self.env.action_space
        value = action_values(space, self.game.name)[self.game.moves.index(move)]
        return value[0] if kind(space) == "Discrete" else np.array(value, dtype=space.dtype)


class CloneableGymState(GymState):
    """A position of a toy text environment, whose state is a few numbers and a random state."""

    def clone(self) -> "CloneableGymState":
        other = copy.copy(self)
        other.env = self._copied()
        return other

    def fingerprint(self) -> str:
        raw = self.env.unwrapped
        decisive = [getattr(raw, name, None) for name in _STATE]
        parts = [decisive, raw.np_random.bit_generator.state, self.total, self.steps, self.over, self.forfeited]
        return hashlib.blake2b(repr(parts).encode(), digest_size=12).hexdigest()

    def belief(self, seat: int, seed: int) -> "CloneableGymState":
        """What chance will bring is drawn anew, and so is blackjack's card that lies face down."""
        import numpy as np

        other = self.clone()
        raw = other.env.unwrapped
        raw.np_random = np.random.Generator(np.random.PCG64(seed))
        dealer = getattr(raw, "dealer", None)
        if dealer is not None and not self.over:
            raw.dealer = [dealer[0], int(raw.np_random.choice([*range(1, 10), 10, 10, 10, 10]))]
        return other

    def _copied(self) -> Any:
        """A copy of the environment that shares with it what never changes: its tables are large."""
        raw = self.env.unwrapped
        shared = [
            raw.action_space,
            raw.observation_space,
            raw.spec,
            *(getattr(raw, name, None) for name in ("P", "desc")),
        ]
        return copy.deepcopy(self.env, {id(one): one for one in shared if one is not None})


def _shortest(space: Any) -> str:
    """A text that the space takes, as short as may be."""
    return str(space.character_list[0]) * max(int(space.min_length), 1)


def _stepped(call: str, step: Callable[[], Any]) -> Any:
    """What the environment gives; one that fails is its author's to repair, and its pair is void."""
    try:
        return step()
    except Exception as error:  # somebody else's code may raise anything
        raise broken(call, error) from None
