"""The value of a two-player zero-sum matrix game and a best mixed strategy of either side, by linear programming."""

from collections.abc import Sequence


def solve_matrix(payoffs: Sequence[Sequence[float]]) -> tuple[float, list[float], list[float]]:
    """The row player's value, its mix over rows and the column player's over columns; ``payoffs`` are the row player's.

    The row player finds the mix whose worst column is best: maximise v subject to payoffs' x >= v (von Neumann 1928);
    the column player's mix is the dual solution.
    """
    rows, columns = len(payoffs), len(payoffs[0])
    if rows == 1 or columns == 1:
        return _one_sided(payoffs)
    import numpy as np
    from scipy.optimize import linprog

    table = np.array(payoffs, dtype=float)
    found = linprog(
        c=[0.0] * rows + [-1.0],
        A_ub=np.hstack([-table.T, np.ones((columns, 1))]),
        b_ub=np.zeros(columns),
        A_eq=[[1.0] * rows + [0.0]],
        b_eq=[1.0],
        bounds=[(0, 1)] * rows + [(None, None)],
    )
    assert found.x is not None, "a matrix game has a value, so its linear programme has a solution"
    mix = np.clip(found.x[:rows], 0, None)
    other = np.clip(-found.ineqlin.marginals, 0, None)
    return float(found.x[rows]), [float(p) for p in mix / mix.sum()], [float(p) for p in other / other.sum()]


def _one_sided(payoffs: Sequence[Sequence[float]]) -> tuple[float, list[float], list[float]]:
    """Where one side has no choice the other takes what is best."""
    rows, columns = len(payoffs), len(payoffs[0])
    if rows == 1:
        best = min(range(columns), key=lambda column: payoffs[0][column])
        return payoffs[0][best], [1.0], [float(column == best) for column in range(columns)]
    best = max(range(rows), key=lambda row: payoffs[row][0])
    return payoffs[best][0], [float(row == best) for row in range(rows)], [1.0]
