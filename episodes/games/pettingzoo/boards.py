"""Tic-tac-toe, Connect Four, Go and rock-paper-scissors of PettingZoo in words. Nothing is hidden in them."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from episodes.game import Move
from episodes.games.pettingzoo.wording import Entry, View, Wording

_YES_NO = ("yes", "no")
_PHASES = ("opening", "middle", "ending")


class _Rows(Wording):
    """Two players who mark cells of a board and want a row of ``length``."""

    features: ClassVar[Mapping[str, tuple[str, ...]]] = {"phase": _PHASES, "can_win": _YES_NO, "must_block": _YES_NO}
    open = True
    length: int
    order: tuple[Move, ...]
    _phrases: ClassVar[Mapping[tuple[str, str], str]] = {
        ("can_win", "yes"): "you can win at once",
        ("can_win", "no"): "you cannot win at once",
        ("must_block", "yes"): "the opponent threatens to win",
        ("must_block", "no"): "the opponent threatens nothing",
    }

    def __init__(self, name: str, env: Any, metadata: Mapping[str, Any]) -> None:
        super().__init__(name, env, metadata)
        self.rules, self.bound, self.names = self.own_rules, 1.0, self.order

    own_rules: str

    def rows(self, observation: Any, seat: int) -> list[list[str]]:
        """The board from top to bottom, ``x`` for the first player's marks and ``o`` for the second's."""
        mine, theirs = ("x", "o") if seat == 0 else ("o", "x")
        cells = observation["observation"]
        return [[mine if cell[0] else theirs if cell[1] else "." for cell in row] for row in self._by_rows(cells)]

    def _by_rows(self, cells: Any) -> Any:
        return cells

    def free(self, rows: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
        """Row and column of every cell that can be marked now."""
        raise NotImplementedError

    def text(self, view: View) -> str:
        board = "\n".join(" ".join(row) for row in self.rows(view.observation, view.seat))
        moves = ", ".join(entry.move for entry in view.log) or "none"
        return f"You are {'x' if view.seat == 0 else 'o'}. The board:\n{board}\nMoves so far: {moves}."

    def situation(self, view: View) -> dict[str, str]:
        rows = self.rows(view.observation, view.seat)
        mine, theirs = ("x", "o") if view.seat == 0 else ("o", "x")
        cells = len(rows) * len(rows[0])
        return {
            "phase": _PHASES[min(3 * len(view.log) // cells, 2)],
            "can_win": "yes" if self._completes(rows, mine) else "no",
            "must_block": "yes" if self._completes(rows, theirs) else "no",
        }

    def phrase(self, feature: str, value: str) -> str:
        return self._phrases.get((feature, value)) or f"the game is in its {value}"

    def _completes(self, rows: Sequence[Sequence[str]], mark: str) -> bool:
        """Whether one more ``mark`` completes a line."""
        return any(
            run(rows, cell, step, mark) + run(rows, cell, (-step[0], -step[1]), mark) + 1 >= self.length
            for cell in self.free(rows)
            for step in ((0, 1), (1, 0), (1, 1), (1, -1))
        )


def run(rows: Sequence[Sequence[str]], cell: tuple[int, int], step: tuple[int, int], mark: str) -> int:
    """How many ``mark`` follow ``cell`` (row, column) going ``step`` (down, right)."""
    row, column, count = cell[0] + step[0], cell[1] + step[1], 0
    while 0 <= row < len(rows) and 0 <= column < len(rows[0]) and rows[row][column] == mark:
        row, column, count = row + step[0], column + step[1], count + 1
    return count


class TicTacToe(_Rows):
    length = 3
    terms = ("tic-tac-toe",)
    order = (
        "top-left",
        "middle-left",
        "bottom-left",
        "top-middle",
        "centre",
        "bottom-middle",
        "top-right",
        "middle-right",
        "bottom-right",
    )
    """PettingZoo counts the cells down the columns."""
    own_rules = (
        "Tic-tac-toe: two players take turns to mark a free cell of a 3 by 3 board. Three of your marks in a row, a "
        "column or a diagonal win; a full board without that is a draw. The cells by rows: top-left, top-middle, "
        "top-right; middle-left, centre, middle-right; bottom-left, bottom-middle, bottom-right."
    )

    def _by_rows(self, cells: Any) -> Any:
        return cells.transpose(1, 0, 2)

    def free(self, rows: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
        return [(row, column) for row in range(3) for column in range(3) if rows[row][column] == "."]


class ConnectFour(_Rows):
    length = 4
    terms = ("connect four",)
    order = tuple(f"column-{n}" for n in range(1, 8))
    own_rules = (
        "Connect Four: two players take turns to drop a mark into one of seven columns, six high; it falls to "
        "the lowest free cell. Four of your marks in a row, a column or a diagonal win; a full board without that is "
        "a draw. The columns from left to right: column-1, column-2, column-3, column-4, column-5, column-6, column-7."
    )

    def free(self, rows: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
        heights = [[row for row in range(6) if rows[row][column] == "."] for column in range(7)]
        return [(empty[-1], column) for column, empty in enumerate(heights) if empty]


_LETTERS = "ABCDEFGHJKLMNOPQRST"


class Go(Wording):
    """Go keeps the size of its board in a module, for all boards of a process: see ``enter``."""

    features: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "phase": _PHASES,
        "last": ("start", "pass", "stone"),
        "mine_in_atari": _YES_NO,
        "theirs_in_atari": _YES_NO,
    }
    open = True
    _phrases: ClassVar[Mapping[tuple[str, str], str]] = {
        ("last", "start"): "nobody has moved yet",
        ("last", "pass"): "the opponent has just passed",
        ("last", "stone"): "the opponent has just put a stone",
        ("mine_in_atari", "yes"): "a group of yours can be captured at once",
        ("mine_in_atari", "no"): "no group of yours can be captured at once",
        ("theirs_in_atari", "yes"): "you can capture a group at once",
        ("theirs_in_atari", "no"): "you can capture nothing at once",
    }

    def __init__(self, name: str, env: Any, metadata: Mapping[str, Any]) -> None:
        super().__init__(name, env, metadata)
        raw = env.unwrapped
        self.size = int(raw._N)
        self.turns = min(4 * self.size**2, Wording.turns)
        self.bound = 1.0
        self.names = (
            *(f"{_LETTERS[column]}{self.size - row}" for row in range(self.size) for column in range(self.size)),
            "pass",
        )
        self.rules = (
            f"Go on a board of {self.size} by {self.size}: black (X) and white (O) take turns to put a stone on a free "
            "point or to pass. Stones without a free neighbouring point are captured; a position may not be repeated "
            "at once. After two passes whoever has more stones and surrounded points wins, and white has "
            f"{raw._komi:g} more. After {self.turns} moves the board is counted as it is."
        )

    def text(self, view: View) -> str:
        board = view.env.unwrapped._go.board
        header = "   " + " ".join(_LETTERS[: self.size])
        rows = [
            f"{self.size - n:2d} " + " ".join({1: "X", -1: "O"}.get(int(point), ".") for point in row)
            for n, row in enumerate(board)
        ]
        last = ", ".join(entry.move for entry in view.log[-10:]) or "none"
        colour = "black (X)" if view.seat == 0 else "white (O)"
        return "\n".join([f"You are {colour}. The board:", header, *rows, f"The last moves: {last}."])

    def situation(self, view: View) -> dict[str, str]:
        own = 1 if view.seat == 0 else -1
        groups = list(view.env.unwrapped._go.lib_tracker.groups.values())
        atari = {group.color for group in groups if len(group.liberties) == 1}
        last = next((entry.move for entry in reversed(view.log) if entry.seat != view.seat), None)
        return {
            "phase": _PHASES[min(3 * len(view.log) // self.size**2, 2)],
            "last": "start" if last is None else "pass" if last == "pass" else "stone",
            "mine_in_atari": "yes" if own in atari else "no",
            "theirs_in_atari": "yes" if -own in atari else "no",
        }

    def phrase(self, feature: str, value: str) -> str:
        return self._phrases.get((feature, value)) or f"the game is in its {value}"

    def enter(self, env: Any) -> None:
        """Set the module's board to this one's, if a game on another board has been played since."""
        from pettingzoo.classic.go import go_base

        if self.size != go_base.N:
            env.unwrapped._overwrite_go_global_variables(self.size)

    def settle(self, env: Any) -> tuple[float, ...]:
        self.enter(env)
        black = float(env.unwrapped._go.result())
        return (black, -black)


class RockPaperScissors(Wording):
    features: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "last": ("start", "won", "lost", "drew"),
        "score": ("ahead", "even", "behind"),
    }
    terms = ("rock-paper-scissors",)
    open = True
    _phrases: ClassVar[Mapping[tuple[str, str], str]] = {
        ("last", "start"): "it is the first round",
        ("last", "won"): "you won the last round",
        ("last", "lost"): "you lost the last round",
        ("last", "drew"): "the last round was a draw",
        ("score", "ahead"): "you are ahead",
        ("score", "even"): "nobody is ahead",
        ("score", "behind"): "you are behind",
    }

    def __init__(self, name: str, env: Any, metadata: Mapping[str, Any]) -> None:
        super().__init__(name, env, metadata)
        raw = env.unwrapped
        self.names = tuple(move.lower().replace("_", "-") for move in raw._moves[:-1])
        self.default = self.names[0]
        self.bound = float(raw.max_cycles)
        self.rules = (
            f"{'-'.join(self.names)} over {raw.max_cycles} rounds: both players choose at the same time. "
            f"{self._beaten()} Whoever wins more rounds wins."
        )

    def text(self, view: View) -> str:
        rounds = self._rounds(view)
        lines = [
            f"Round {n}: you {mine}, the other {theirs}: {self._outcome(mine, theirs)}."
            for n, (mine, theirs) in enumerate(rounds, start=1)
        ]
        return "\n".join(lines or ["No round has been played yet."])

    def situation(self, view: View) -> dict[str, str]:
        outcomes = [self._outcome(mine, theirs) for mine, theirs in self._rounds(view)]
        lead = outcomes.count("won") - outcomes.count("lost")
        return {
            "last": outcomes[-1] if outcomes else "start",
            "score": "ahead" if lead > 0 else "behind" if lead < 0 else "even",
        }

    def phrase(self, feature: str, value: str) -> str:
        return self._phrases[feature, value]

    def _rounds(self, view: View) -> list[tuple[Move, Move]]:
        """Your move and the other's of every round that is over: after it both are shown."""
        mine: list[Entry] = [entry for entry in view.log if entry.seat == view.seat]
        theirs = [entry for entry in view.log if entry.seat != view.seat]
        return [(one.move, two.move) for one, two in zip(mine, theirs, strict=True)]

    def _outcome(self, mine: Move, theirs: Move) -> str:
        """Of moves whose numbers are both even or both odd the lower wins, otherwise the higher, as in PettingZoo."""
        assert self.names is not None
        one, two = self.names.index(mine), self.names.index(theirs)
        if one == two:
            return "drew"
        return "won" if (one < two) == ((one + two) % 2 == 0) else "lost"

    def _beaten(self) -> str:
        assert self.names is not None
        parts = []
        for move in self.names:
            beaten = [other for other in self.names if self._outcome(move, other) == "won"]
            parts.append(f"{move} beats {' and '.join(beaten)}")
        return "; ".join(parts).capitalize() + "."
