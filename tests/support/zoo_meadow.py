"""A simultaneous PettingZoo environment of ours: stay or go to one of two berries; one agent leaves early."""

from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from gymnasium.utils import seeding
from pettingzoo import ParallelEnv


class Meadow(ParallelEnv[str, Any, int]):  # type: ignore[misc]
    """Go left or right for a berry that only one can have. Nobody may go right twice in a row."""

    metadata: ClassVar[dict[str, Any]] = {
        "name": "meadow_v0",
        "render_modes": [],
        "action_names": ("left", "right", "stay"),
        "default_action": "stay",
        "bound": 4,
        "rules": "Go left or right for a berry, or stay. Who goes alone to a side has the berry there.",
    }

    def __init__(self, rounds: int = 4) -> None:
        self.possible_agents = ["sheep_0", "sheep_1", "goat_0"]
        self.rounds = rounds
        self.render_mode = None
        self.spaces = {
            agent: spaces.Dict(
                {
                    "observation": spaces.Box(0, 9, (3,), dtype=np.int64),
                    "action_mask": spaces.Box(0, 1, (3,), dtype=np.int8),
                }
            )
            for agent in self.possible_agents
        }
        self.choices = {agent: spaces.Discrete(3) for agent in self.possible_agents}

    def observation_space(self, agent: str) -> Any:
        return self.spaces[agent]

    def action_space(self, agent: str) -> Any:
        return self.choices[agent]

    def reset(self, seed: int | None = None, options: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        if seed is not None or not hasattr(self, "random"):
            self.random, _ = seeding.np_random(seed)
        self.agents = self.possible_agents[:]
        self.round = 0
        self.worth = self.random.integers(1, 4, 2)
        self.last = dict.fromkeys(self.agents, 2)
        return {agent: self._seen(agent) for agent in self.agents}, {agent: {} for agent in self.agents}

    def step(self, actions: dict[str, int]) -> Any:
        self.last = {agent: int(actions[agent]) for agent in self.agents}
        chosen = list(self.last.values())
        rewards = {
            agent: float(self.worth[side]) / 3 if side < 2 and chosen.count(side) == 1 else 0.0
            for agent, side in self.last.items()
        }
        self.round += 1
        self.worth = self.random.integers(1, 4, 2)
        over = self.round >= self.rounds
        gone = {agent: over or (agent == "goat_0" and self.round >= 2) for agent in self.agents}
        seen = {agent: self._seen(agent) for agent in self.agents}
        infos: dict[str, Any] = {agent: {} for agent in self.agents}
        truncated = dict.fromkeys(self.agents, False)
        self.agents = [agent for agent in self.agents if not gone[agent]]
        return seen, rewards, gone, truncated, infos

    def _seen(self, agent: str) -> dict[str, Any]:
        mask = np.array([1, self.last[agent] != 1, 1], dtype=np.int8)
        return {"observation": np.array([self.round, *self.worth]), "action_mask": mask}


parallel_env = Meadow
