"""Tic-tac-toe and Connect Four: words for their cells and columns, and the features of a board with lines to complete.

Knows nothing about forfeits or whose turn it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from episodes.game import Move
from episodes.games.openspiel.telling import ANSWER

_YES_NO = ("yes", "no")
PHASES = ("opening", "middle", "ending")
_FEATURES = {
    "phase": PHASES,
    "can_win": _YES_NO,
    "must_block": _YES_NO,
    "centre": ("free", "mine", "theirs"),
}
PHRASES = {
    ("phase", "opening"): "the game is in its opening",
    ("phase", "middle"): "the game is in its middle",
    ("phase", "ending"): "the game is in its ending",
    ("can_win", "yes"): "you can win at once",
    ("can_win", "no"): "you cannot win at once",
    ("must_block", "yes"): "the opponent threatens to win",
    ("must_block", "no"): "the opponent threatens nothing",
    ("centre", "free"): "the centre is free",
    ("centre", "mine"): "the centre is yours",
    ("centre", "theirs"): "the centre is the opponent's",
}
WORDS: Mapping[str, tuple[Move, ...]] = {
    "tic_tac_toe": (
        "top-left",
        "top-middle",
        "top-right",
        "middle-left",
        "centre",
        "middle-right",
        "bottom-left",
        "bottom-middle",
        "bottom-right",
    ),
    "connect_four": tuple(f"column-{n}" for n in range(1, 8)),
}
"""The boards told here, with their moves in the order of OpenSpiel's actions."""
_RULES = {
    "tic_tac_toe": (
        "Tic-tac-toe: two players take turns to mark a free cell of a 3 by 3 board. Three of your marks in a row, a "
        "column or a diagonal win; a full board without that is a draw. "
    ),
    "connect_four": (
        "Connect Four: two players take turns to drop a mark into one of seven columns, six high; it falls to the "
        "lowest free cell. Four of your marks in a row, a column or a diagonal win; a full board without that is a "
        "draw. "
    ),
}
_TERMS = {
    "tic_tac_toe": ("Tic-tac-toe",),
    "connect_four": ("Connect Four",),
}


def phase(done: int, most: int) -> str:
    """The third of the game's ``most`` decisions in which the one after ``done`` falls."""
    return PHASES[min(3 * done // max(most, 1), 2)]


@dataclass(frozen=True, slots=True)
class BoardTelling:
    """One of the boards in ``WORDS``, by OpenSpiel's name."""

    board: str

    @property
    def features(self) -> Mapping[str, tuple[str, ...]]:
        return _FEATURES

    @property
    def rules(self) -> str:
        return _RULES[self.board] + ANSWER

    @property
    def terms(self) -> tuple[str, ...]:
        return _TERMS[self.board]

    def phrase(self, feature: str, value: str) -> str:
        return PHRASES[feature, value]

    def lines(self, state: Any, seat: int, over: bool) -> list[str]:
        history = [WORDS[self.board][action] for action in state.history()]
        return [
            f"You are player {seat + 1} of 2 ({'x' if seat == 0 else 'o'}).",
            "The board:",
            str(state.observation_string(seat)).strip(),
            f"Moves so far: {', '.join(history) or 'none'}.",
        ]

    def situation(self, state: Any, seat: int, over: bool) -> dict[str, str]:
        mine, theirs = ("x", "o") if seat == 0 else ("o", "x")
        grid = str(state.observation_string(seat)).split()
        return {
            "phase": phase(len(state.history()), state.get_game().max_game_length()),
            "can_win": "yes" if not over and self._can_complete(state, grid, mine) else "no",
            "must_block": "yes" if not over and self._can_complete(state, grid, theirs) else "no",
            "centre": {mine: "mine", theirs: "theirs"}.get(_centre(grid), "free"),
        }

    def _can_complete(self, state: Any, grid: list[str], mark: str) -> bool:
        """Whether one more ``mark`` on a cell that can be played now completes a line."""
        if self.board == "tic_tac_toe":
            cells = [(action // 3, action % 3) for action in state.legal_actions()]
            return any(_completes(grid, row, column, mark, 3) for row, column in cells)
        drops = [(_lowest_free(grid, column), column) for column in state.legal_actions()]
        return any(_completes(grid, row, column, mark, 4) for row, column in drops)


def _centre(grid: list[str]) -> str:
    """The mark on the middle cell, or on the lowest cell of Connect Four's middle column."""
    return grid[1][1] if len(grid) == 3 else grid[-1][3]


def _lowest_free(grid: list[str], column: int) -> int:
    return max(row for row in range(len(grid)) if grid[row][column] == ".")


def _completes(grid: list[str], row: int, column: int, mark: str, length: int) -> bool:
    """Whether ``mark`` at the free cell (row, column) makes a line of ``length``."""
    return any(
        _run(grid, row, column, mark, (down, right)) + _run(grid, row, column, mark, (-down, -right)) + 1 >= length
        for down, right in ((0, 1), (1, 0), (1, 1), (1, -1))
    )


def _run(grid: list[str], row: int, column: int, mark: str, step: tuple[int, int]) -> int:
    """How many ``mark`` follow (row, column) going ``step`` (down, right)."""
    (down, right), count = step, 0
    row, column = row + down, column + right
    while 0 <= row < len(grid) and 0 <= column < len(grid[0]) and grid[row][column] == mark:
        count, row, column = count + 1, row + down, column + right
    return count
