"""What a game says about a PettingZoo environment. This wording fits any; ``boards`` and ``cards`` know some games.

A wording gets a ``View``: what one seat may see. Nothing that is hidden from the seat may be taken from its ``env``.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from episodes.game import Move, last_named
from episodes.games.gym.spaces import action_names, action_values, describe, kind
from episodes.games.gym.wording import first_paragraph


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision that was taken: by which seat, in which round (in a turn-based game each is one), and its move."""

    seat: int
    turn: int
    move: Move


@dataclass(frozen=True, slots=True)
class View:
    """What ``seat`` sees. ``log`` is of all seats: a wording shows of it what the game makes public."""

    env: Any
    seat: int
    agent: str
    observation: Any
    log: Sequence[Entry]
    progress: float


class Wording:
    """Words for any environment, of which it shows the seat's own observation as numbers.

    ``bound`` is the largest sum of rewards that a seat can win or lose: it becomes a return of 1 or -1. ``default`` is
    the move of a seat that gives none in a simultaneous game. ``open`` says that states can be copied and what is
    hidden be drawn anew honestly, by ``redeal``. ``turns`` is the number of rounds after which a game is stopped.
    ``terms`` are words by which a game might be recognised, see ``Capabilities``; none where it cannot be renamed.
    """

    features: ClassVar[Mapping[str, tuple[str, ...]]] = {"phase": ("opening", "middle", "ending")}
    terms: tuple[str, ...] = ()
    open = False
    turns = 900

    def __init__(self, name: str, env: Any, metadata: Mapping[str, Any]) -> None:
        self.name = name
        self.rules: str = metadata.get("rules") or first_paragraph(env.unwrapped) or f"{name}, a game for several."
        bound = metadata.get("bound")
        self.bound: float | None = None if bound is None else float(bound)
        self.default: Move | None = metadata.get("default_action")
        self.names: tuple[str, ...] | None = tuple(metadata["action_names"]) if "action_names" in metadata else None

    def moves(self, env: Any) -> tuple[Move, ...]:
        """Every move of any seat, in the order of the actions of the seat that has most."""
        found: dict[Move, None] = {}
        for agent in env.possible_agents:
            space = env.action_space(agent)
            found |= dict.fromkeys(action_names(space, self.name, self.names))
        return tuple(found)

    def legal(self, env: Any, agent: str, mask: Any) -> dict[Move, Any]:
        """The action of every legal move now; ``mask`` has a truth value for each action, or is ``None``."""
        space = env.action_space(agent)
        moves = action_names(space, self.name, self.names)
        values = action_values(space, self.name)
        chosen = list(zip(moves, values, strict=True))
        if mask is not None:
            chosen = [pair for pair, may in zip(chosen, mask, strict=True) if may]
        if kind(space) == "Discrete":
            return {move: value[0] for move, value in chosen}
        import numpy as np

        return {move: np.array(value, dtype=space.dtype) for move, value in chosen}

    def read(self, reply: str, moves: Sequence[Move]) -> Move | None:
        """The move that a reply names."""
        return last_named(reply, moves)

    def text(self, view: View) -> str:
        space, observation = view.env.observation_space(view.agent), view.observation
        if observation is None:
            return "You see nothing."
        if kind(space) == "Dict" and "action_mask" in space.spaces:
            spaces = {key: part for key, part in space.spaces.items() if key != "action_mask"}
            return "\n".join(describe(part, observation[key], key) for key, part in spaces.items())
        return describe(space, observation)

    def situation(self, view: View) -> dict[str, str]:
        return {"phase": ("opening", "middle", "ending")[min(int(3 * view.progress), 2)]}

    def phrase(self, feature: str, value: str) -> str:
        return f"the game is in its {value}"

    def enter(self, env: Any) -> None:
        """Called before the environment is reset or stepped."""

    def settle(self, env: Any) -> tuple[float, ...] | None:
        """The rewards of a game that is stopped after ``turns``; ``None`` where what was won so far counts."""
        return None

    def redeal(self, env: Any, agent: str, rng: random.Random) -> None:
        """Draw anew what is hidden from ``agent``; nothing, where nothing is."""

    def secret(self, env: Any) -> str:
        """What is hidden from some seat and decides the future."""
        return ""
