"""Exact play where something is hidden: an equilibrium of two seats with zero sum, and how far a policy is from it.

Counterfactual regret minimisation, OpenSpiel's CFR+ (Tammelin 2014), finds the equilibrium; a best response, which sees
the whole game tree, says what a policy loses to one who knows it: its exploitability.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from episodes.game import Move
from episodes.games.openspiel.exhaustion import too_large
from episodes.games.openspiel.game import OpenSpielGame, OpenSpielState

MOST_HISTORIES = 30_000
"""Histories of a game for which an equilibrium is computed."""
CLOSE = 1e-3
"""An equilibrium is close enough when a best response to it wins less than this, as a return."""
_FIRST, _MOST = 50, 1600
"""Iterations after which closeness is looked at first, and at most."""

Counts = Mapping[str, Mapping[int, int]]
"""How often each action was taken, by information state."""


@dataclass(eq=False)
class Equilibrium:
    """``rules`` is OpenSpiel's game, with moves made at once written as moves in turn that the other cannot see."""

    game: OpenSpielGame
    rules: Any = field(repr=False)

    @cached_property
    def policy(self) -> Any:
        """The average policy of CFR+, close to an equilibrium."""
        import pyspiel

        solver = pyspiel.CFRPlusSolver(self.rules)
        goal, done = _FIRST, 0
        while True:
            for _ in range(goal - done):
                solver.evaluate_and_update_policy()
            policy, done = solver.tabular_average_policy(), goal
            if goal >= _MOST or self.exploitability(policy) < CLOSE:
                return policy
            goal *= 2

    def nash_conv(self, policy: Any) -> float:
        """What best responses to ``policy`` win, summed over both seats, in the game's own units."""
        import pyspiel

        return max(float(pyspiel.nash_conv(self.rules, policy)), 0.0)

    def exploitability(self, policy: Any) -> float:
        """What a best response wins on average over both seats, as a return: NashConv / 2."""
        return self.nash_conv(policy) / 2 / self.game.scale

    def value(self) -> tuple[float, ...]:
        """What each seat gets if both play the equilibrium found, as a return."""
        import pyspiel

        found = pyspiel.expected_returns(self.rules.new_initial_state(), self.policy, -1, True)
        return tuple(value / self.game.scale for value in found)

    @property
    def uniform(self) -> Any:
        """The policy to which every move is as likely as any other."""
        import pyspiel

        return pyspiel.UniformRandomPolicy(self.rules)

    def best(self, state: OpenSpielState, seat: int) -> dict[Move, float]:
        """How likely an equilibrium player in ``seat`` chooses each of its moves."""
        words, here = self.game.words[seat], self._here(state, seat)
        chances = dict(self.policy.get_state_policy(here.information_state_string()))
        return {words[action]: chances.get(action, 0.0) for action in here.legal_actions()}

    def information_state(self, state: OpenSpielState, seat: int) -> str:
        """What ``seat``, which is to act, knows: one of ``information_states``."""
        return str(self._here(state, seat).information_state_string())

    def _here(self, state: OpenSpielState, seat: int) -> Any:
        """The moment of ``rules`` at which ``seat`` decides; what others choose at the same moment does not show."""
        here = self.rules.new_initial_state()
        for action in state.state.history():
            here.apply_action(action)
        while here.current_player() != seat:
            here.apply_action(here.legal_actions()[0])
        return here

    def empirical(self, counts: Counts) -> Any:
        """The policy of one who took actions as often as ``counts`` says, and any action where it was never seen."""
        import pyspiel

        policy = {}
        for key, legal in self.information_states.items():
            taken = counts.get(key) or dict.fromkeys(legal, 1)
            total = sum(taken.values())
            policy[key] = [(action, taken.get(action, 0) / total) for action in legal]
        return pyspiel.TabularPolicy(policy)

    @cached_property
    def information_states(self) -> dict[str, list[int]]:
        """Every information state of either seat, with its legal actions."""
        states = (state for state in _histories(self.rules) if not (state.is_terminal() or state.is_chance_node()))
        return {state.information_state_string(): state.legal_actions() for state in states}


def equilibrium(game: OpenSpielGame, rules: Any) -> Equilibrium:
    """An oracle for ``rules``; raises ``BadInput`` for a game that is too large."""
    for n, _ in enumerate(_histories(rules)):
        if n >= MOST_HISTORIES:
            raise too_large(game, f"more than {MOST_HISTORIES} histories")
    return Equilibrium(game, rules)


def _histories(rules: Any) -> Iterator[Any]:
    """Every state of the game tree."""
    waiting = [rules.new_initial_state()]
    while waiting:
        state = waiting.pop()
        yield state
        if not state.is_terminal():
            waiting += [state.child(action) for action in state.legal_actions()]
