"""A small duel solved exactly by backward induction on the real engine: a symmetric start is worth nothing.

Short round, touching fighters, four moves, sight without delay: then every position where both choose is a matrix game
between positions already solved.
"""

import numpy as np
import pytest
from scipy.optimize import linprog

from episodes.games.duel import frames
from episodes.games.duel.engine import DuelState, Rules
from episodes.games.duel.fighter import IDLE, Fighter
from episodes.games.duel.frames import GUARD, JUMP, THROW, UPPERCUT
from episodes.games.duel.words import MOVES

VARIANT = Rules(stage=60, round_ticks=90, moves=(THROW, UPPERCUT, JUMP, GUARD))


def start(one: int, two: int) -> DuelState:
    """Both in touch and with little room; ``one`` and ``two`` are their health."""
    return DuelState(VARIANT, (Fighter(15, one, 0), Fighter(15, two, 0)), delay=0)


def position(state: DuelState) -> tuple[object, ...]:
    """All that decides the rest of this variant."""
    fighters = ((f.back, f.health, f.act, f.phase, 0 if f.act == IDLE else f.timer, f.speed) for f in state.fighters)
    return (state.tick, *fighters)


def matrix_value(payoffs: np.ndarray) -> float:
    """The value of a zero-sum matrix game to the row player, by linear programming."""
    rows, columns = payoffs.shape
    if rows == 1:
        return float(payoffs.min())
    if columns == 1:
        return float(payoffs.max())
    solved = linprog(
        [0.0] * rows + [-1.0],
        A_ub=np.hstack([-payoffs.T, np.ones((columns, 1))]),
        b_ub=np.zeros(columns),
        A_eq=[[1.0] * rows + [0.0]],
        b_eq=[1.0],
        bounds=[(0, 1)] * rows + [(-1, 1)],
    )
    assert solved.success and solved.x is not None
    return float(solved.x[-1])


class Solver:
    def __init__(self) -> None:
        self.values: dict[tuple[object, ...], float] = {}
        self.mixed = 0

    def value(self, state: DuelState) -> float:
        """The value of ``state`` to seat 0 when both play as well as can be."""
        if state.over:
            return state.returns()[0]
        key = position(state)
        if key not in self.values:
            self.values[key] = self._solve(state)
        return self.values[key]

    def _solve(self, state: DuelState) -> float:
        first, second = (state.legal_moves(seat) if seat in state.to_act() else (None,) for seat in (0, 1))
        payoffs = np.array([[self._after(state, one, two) for two in second] for one in first])
        value = matrix_value(payoffs)
        pure = payoffs.min(axis=1).max()
        self.mixed += value > pure + 1e-9
        return value

    def _after(self, state: DuelState, one: str | None, two: str | None) -> float:
        following = state.clone()
        following.apply({seat: move for seat, move in ((0, one), (1, two)) if move is not None})
        while not following.over and not following.to_act():
            following.advance(1000)
        if not following.over and following.tick == state.tick:
            raise AssertionError("a decision took no time")
        return self.value(following)


@pytest.fixture(scope="module")
def solver() -> Solver:
    return Solver()


def test_a_symmetric_start_is_worth_nothing(solver: Solver) -> None:
    assert abs(solver.value(start(26, 26))) < 1e-9
    assert len(solver.values) > 500


def test_the_optimal_play_is_mixed(solver: Solver) -> None:
    solver.value(start(28, 26))
    assert solver.mixed > 20


def test_more_health_is_worth_more_and_swapping_negates(solver: Solver) -> None:
    ahead = solver.value(start(28, 26))
    assert 0.1 < ahead < 0.5
    assert solver.value(start(26, 28)) == pytest.approx(-ahead, abs=1e-9)


def test_the_variant_is_the_real_game() -> None:
    assert {MOVES[move] for move in VARIANT.moves} < set(MOVES)
    assert VARIANT.stage < frames.STAGE
