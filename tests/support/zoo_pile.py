"""A turn-based PettingZoo environment of ours: whoever takes the last stone of a pile is out, until one is left."""

from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from gymnasium.utils import seeding
from pettingzoo import AECEnv
from pettingzoo.utils import AgentSelector, wrappers


class Pile(AECEnv[str, Any, int]):  # type: ignore[misc]
    """Take one or two stones from a pile.

    Whoever takes the last one is out and pays the others, and a new pile comes.
    """

    metadata: ClassVar[dict[str, Any]] = {"name": "pile_v0", "render_modes": [], "is_parallelizable": False, "bound": 2}

    def __init__(self) -> None:
        super().__init__()
        self.possible_agents = ["player_0", "player_1", "player_2"]
        self.action_spaces = {agent: spaces.Discrete(2) for agent in self.possible_agents}
        self.observation_spaces = {agent: spaces.Box(0, 20, (2,), dtype=np.int64) for agent in self.possible_agents}
        self.render_mode = None

    def observation_space(self, agent: str) -> Any:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Any:
        return self.action_spaces[agent]

    def observe(self, agent: str) -> Any:
        return np.array([self.stones, len(self.agents)])

    def reset(self, seed: int | None = None, options: Any = None) -> None:
        if seed is not None or not hasattr(self, "random"):
            self.random, _ = seeding.np_random(seed)
        self.agents = self.possible_agents[:]
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos: dict[str, dict[str, Any]] = {agent: {} for agent in self.agents}
        self.stones = int(self.random.integers(3, 9))
        self.live = AgentSelector(self.agents)
        self.agent_selection = self.live.next()

    def step(self, action: int | None) -> None:
        agent = self.agent_selection
        if self.terminations[agent]:
            self._was_dead_step(action)
            return
        assert action is not None
        self._clear_rewards()
        self._cumulative_rewards[agent] = 0.0
        self.stones -= action + 1
        following = self.live.next()
        if self.stones <= 0:
            self.stones = int(self.random.integers(3, 9))
            others = [other for other in self.agents if other != agent]
            self.rewards |= {agent: -1.0} | dict.fromkeys(others, 1 / len(others))
            self.terminations[agent] = True
            if len(others) == 1:
                self.terminations[others[0]] = True
            order = [self.possible_agents[(self.possible_agents.index(agent) + n) % 3] for n in (1, 2)]
            self.live = AgentSelector([other for other in order if other in others])
            following = self.live.next()
        self.agent_selection = following
        self._accumulate_rewards()
        self._deads_step_first()


def env() -> Any:
    return wrappers.OrderEnforcingWrapper(wrappers.AssertOutOfBoundsWrapper(Pile()))
