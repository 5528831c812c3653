"""States of PettingZoo environments: turn-based (AEC) and simultaneous (Parallel). Knows no game's words."""

import copy
import hashlib
import random
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from episodes.game import Move, Observation
from episodes.games.gym.spaces import scaled
from episodes.games.pettingzoo.copying import copied
from episodes.games.pettingzoo.setup import Setup
from episodes.games.pettingzoo.wording import Entry, View
from episodes.guest_game import broken

_SEEDS = 2**32
"""Seeds of environments are taken below this: NumPy's older generator refuses larger ones."""
_T = TypeVar("_T")


class PettingZooState:
    """What both kinds share: the rewards summed, the moves so far, and what each seat saw last.

    ``seen``, ``masks`` and ``legal`` are what the environment said, kept until the next step. ``forfeited`` is the seat
    that lost by giving no legal move in a turn-based game, or ``None``.
    """

    def __init__(self, setup: Setup, seed: int) -> None:
        self.setup = setup
        self.env = setup.make()
        self.totals = [0.0] * setup.seats
        self.log: list[Entry] = []
        self.turn = 0
        self.forfeited: int | None = None
        self.seen: dict[str, Any] = {}
        self.masks: dict[str, Any] = {}
        self.legal: dict[int, dict[Move, Any]] = {}
        self._call("reset", lambda: self._reset(seed % _SEEDS))

    def to_act(self) -> tuple[int, ...]:
        raise NotImplementedError

    def observe(self, seat: int) -> Observation:
        view = self._view(seat)
        wording, seats = self.setup.wording, self.setup.seats
        lines = [f"You are player {seat + 1} of {seats}.", wording.text(view)]
        if self.is_terminal():
            lines.append("The game is over.")
        else:
            lines.append("It is your turn." if seat in self.to_act() else "It is not your turn.")
        return Observation("\n".join(lines), wording.situation(view), self.legal_moves(seat))

    def legal_moves(self, seat: int) -> tuple[Move, ...]:
        """None for a seat that is not to act."""
        return tuple(self._legal(seat)) if seat in self.to_act() else ()

    def accepts(self, seat: int, move: Move) -> bool:
        return move in self.legal_moves(seat)

    def apply(self, moves: Mapping[int, Move | None]) -> None:
        raise NotImplementedError

    def is_terminal(self) -> bool:
        return self.forfeited is not None or not self.env.agents or self.turn >= self.setup.turns

    def returns(self) -> tuple[float, ...]:
        """The rewards so far over the game's bound. Whoever forfeits has -1, and the others share 1."""
        seats = self.setup.seats
        if self.forfeited is not None:
            return tuple(-1.0 if seat == self.forfeited else 1 / (seats - 1) for seat in range(seats))
        totals = self.totals
        if self.env.agents and self.turn >= self.setup.turns:
            totals = list(self.setup.wording.settle(self.env) or totals)
        bound = self.setup.bound
        return tuple(scaled(total, None if bound is None else -bound, bound) for total in totals)

    def _reset(self, seed: int) -> None:
        raise NotImplementedError

    def _observation(self, agent: str) -> Any:
        """What ``agent`` sees now or, if it is out of the game, saw last."""
        return self.seen.get(agent)

    def _mask(self, agent: str) -> Any:
        """The action mask that came with the observation or with its info, ``None`` where there is none."""
        observation = self._observation(agent)
        if isinstance(observation, Mapping) and "action_mask" in observation:
            return observation["action_mask"]
        return self.masks.get(agent)

    def _legal(self, seat: int) -> dict[Move, Any]:
        """The action of each legal move; where a mask allows nothing, the agent may do anything."""
        if seat not in self.legal:
            agent, wording = self._agent(seat), self.setup.wording
            self.legal[seat] = wording.legal(self.env, agent, self._mask(agent)) or wording.legal(self.env, agent, None)
        return self.legal[seat]

    def _agent(self, seat: int) -> str:
        return str(self.env.possible_agents[seat])

    def _seat(self, agent: str) -> int:
        return int(self.env.possible_agents.index(agent))

    def _view(self, seat: int) -> View:
        agent = self._agent(seat)
        return View(self.env, seat, agent, self._observation(agent), self.log, self.turn / self.setup.turns)

    def _add(self, rewards: Mapping[str, Any]) -> None:
        for agent, reward in rewards.items():
            self.totals[self._seat(agent)] += float(reward)

    def _call(self, name: str, call: Callable[[], _T]) -> _T:
        """What the environment gives; one that fails is its author's to repair, and its pair is void."""
        self.setup.wording.enter(self.env)
        self.legal = {}
        try:
            return call()
        except Exception as error:  # somebody else's code may raise anything
            raise broken(name, error) from None


class AecState(PettingZooState):
    """One seat at a time. A decision without a legal move forfeits: the environment is not asked."""

    def to_act(self) -> tuple[int, ...]:
        return () if self.is_terminal() else (self._seat(self.env.agent_selection),)

    def apply(self, moves: Mapping[int, Move | None]) -> None:
        """Play the one decision owed. Raises ``ValueError`` for a wrong seat."""
        if tuple(moves) != self.to_act():
            raise ValueError(f"seat {self.to_act()} is to act, not {tuple(moves)}")
        (seat, move), *_ = moves.items()
        if move is None or not self.accepts(seat, move):
            self.forfeited = seat
            return
        action = self._legal(seat)[move]
        self.log.append(Entry(seat, self.turn, move))
        self.turn += 1
        self._call("step", lambda: self._step(action))

    def _reset(self, seed: int) -> None:
        self.env.reset(seed=seed)
        self._pass_over()

    def _step(self, action: Any) -> None:
        live = list(self.env.agents)
        self.env.step(action)
        self.seen = {agent: seen for agent, seen in self.seen.items() if agent not in live}
        self._add(self.env.rewards)
        self._pass_over()

    def _pass_over(self) -> None:
        """Agents that are out take the step with nothing that PettingZoo asks of them; what they saw is kept."""
        for agent in self.env.agents:
            if self._is_out(agent):
                self.seen[agent] = self.env.observe(agent)
        while self.env.agents and self._is_out(self.env.agent_selection):
            self.env.step(None)

    def _is_out(self, agent: str) -> bool:
        return bool(self.env.terminations[agent] or self.env.truncations[agent])

    def _observation(self, agent: str) -> Any:
        if agent not in self.seen:
            self.seen[agent] = self.env.observe(agent)
        return self.seen[agent]

    def _mask(self, agent: str) -> Any:
        mask = super()._mask(agent)
        return self.env.infos.get(agent, {}).get("action_mask") if mask is None else mask


class ParallelState(PettingZooState):
    """All seats at once. A seat without a legal move plays the game's default, or the first legal move."""

    def to_act(self) -> tuple[int, ...]:
        return () if self.is_terminal() else tuple(sorted(self._seat(agent) for agent in self.env.agents))

    def apply(self, moves: Mapping[int, Move | None]) -> None:
        """Play everybody's decision. Raises ``ValueError`` unless exactly the seats that are to act are given."""
        if tuple(sorted(moves)) != self.to_act():
            raise ValueError(f"seats {self.to_act()} are to act, not {tuple(moves)}")
        actions: dict[str, Any] = {}
        for seat in self.to_act():
            legal, move = self._legal(seat), moves[seat]
            if move is None or move not in legal:
                move = self.setup.default if self.setup.default in legal else next(iter(legal))
            actions[self._agent(seat)] = legal[move]
            self.log.append(Entry(seat, self.turn, move))
        self.turn += 1
        self._call("step", lambda: self._step(actions))

    def _reset(self, seed: int) -> None:
        self._take(*self.env.reset(seed=seed))

    def _step(self, actions: Mapping[str, Any]) -> None:
        observations, rewards, _, _, infos = self.env.step(actions)
        self._add(rewards)
        self._take(observations, infos)

    def _take(self, observations: Mapping[str, Any], infos: Mapping[str, Any]) -> None:
        self.seen |= observations
        self.masks = {agent: info["action_mask"] for agent, info in infos.items() if "action_mask" in info}


class _Cloneable(PettingZooState):
    """A state whose environment is known to be copied faithfully, and in which what is hidden can be dealt anew."""

    def clone(self) -> "_Cloneable":
        other = copy.copy(self)
        other.env = copied(self.env)
        other.totals, other.log = self.totals.copy(), self.log.copy()
        other.seen, other.masks, other.legal = self.seen.copy(), self.masks.copy(), self.legal.copy()
        return other

    def fingerprint(self) -> str:
        """From the moves so far and what was dealt, which decide everything."""
        parts = (self.setup.wording.secret(self.env), self.log, self.turn, self.forfeited)
        return hashlib.blake2b(repr(parts).encode(), digest_size=12).hexdigest()

    def belief(self, seat: int, seed: int) -> "_Cloneable":
        """A copy in which what is hidden from ``seat`` is dealt anew."""
        other = self.clone()
        if not self.is_terminal():
            other.setup.wording.redeal(other.env, self._agent(seat), random.Random(seed))
            other.seen = {agent: seen for agent, seen in self.seen.items() if agent == self._agent(seat)}
            other.legal = {}
        return other


class CloneableAecState(_Cloneable, AecState):
    pass


class CloneableParallelState(_Cloneable, ParallelState):
    pass
