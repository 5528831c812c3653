"""Board games of OpenSpiel as turn-based games, ``openspiel:NAME``: alternating moves, perfect information, no chance.

Tic-tac-toe and Connect Four get words for their moves and a few features of a situation; others play with OpenSpiel's
own action names and the phase alone. An illegal decision, or none, forfeits the game. Needs the extra ``openspiel``.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from episodes.game import Move, Observation, last_named
from models.errors import BadInput

_YES_NO = ("yes", "no")
_PHASES = ("opening", "middle", "ending")
_BOARD_FEATURES = {
    "phase": _PHASES,
    "can_win": _YES_NO,
    "must_block": _YES_NO,
    "centre": ("free", "mine", "theirs"),
}
_PLAIN_FEATURES = {"phase": _PHASES}
_PHRASES = {
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
_TIC_TAC_TOE = (
    "top-left",
    "top-middle",
    "top-right",
    "middle-left",
    "centre",
    "middle-right",
    "bottom-left",
    "bottom-middle",
    "bottom-right",
)
_CONNECT_FOUR = tuple(f"column-{n}" for n in range(1, 8))
_WORDS = {"tic_tac_toe": _TIC_TAC_TOE, "connect_four": _CONNECT_FOUR}
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
_ANSWER = "Answer with one legal move by its name. An illegal move loses the game."


@dataclass(frozen=True, slots=True)
class OpenSpielGame:
    """One game of OpenSpiel; ``spiel`` is ``pyspiel``'s own object, ``moves`` name its actions in order."""

    short_name: str
    spiel: Any = field(repr=False)
    moves: tuple[Move, ...] = field(repr=False)

    seats = 2
    tick_rate = None
    can_clone = True

    @property
    def name(self) -> str:
        return f"openspiel:{self.short_name}"

    @property
    def features(self) -> Mapping[str, tuple[str, ...]]:
        return _BOARD_FEATURES if self.short_name in _WORDS else _PLAIN_FEATURES

    @property
    def rules(self) -> str:
        return _RULES.get(self.short_name, f"{self.spiel.get_type().long_name}, a board game for two. ") + _ANSWER

    def initial_state(self, seed: int) -> "OpenSpielState":
        """The one start there is, whatever the seed."""
        return OpenSpielState(self, self.spiel.new_initial_state())

    def phrase(self, feature: str, value: str) -> str:
        return _PHRASES[feature, value]

    def read_move(self, reply: str, observation: Observation) -> Move | None:
        return last_named(reply, self.moves)


class OpenSpielState:
    """One position. ``forfeited`` is the seat that lost by giving no legal move, or ``None``."""

    __slots__ = ("forfeited", "game", "state")

    def __init__(self, game: OpenSpielGame, state: Any, forfeited: int | None = None) -> None:
        self.game = game
        self.state = state
        self.forfeited = forfeited

    def to_act(self) -> tuple[int, ...]:
        return () if self.is_terminal() else (self.state.current_player(),)

    def observe(self, seat: int) -> Observation:
        legal = self.legal_moves(seat)
        return Observation(self._text(seat, legal), self._situation(seat), legal)

    def legal_moves(self, seat: int) -> tuple[Move, ...]:
        """None for a seat that is not to act."""
        if seat not in self.to_act():
            return ()
        return tuple(self.game.moves[action] for action in self.state.legal_actions())

    def accepts(self, seat: int, move: Move) -> bool:
        return move in self.legal_moves(seat)

    def apply(self, moves: Mapping[int, Move | None]) -> None:
        """Play the one decision owed; an illegal one or ``None`` forfeits. Raises ``ValueError`` for a wrong seat."""
        if tuple(moves) != self.to_act():
            raise ValueError(f"seat {self.to_act()} is to act, not {tuple(moves)}")
        (seat, move), *_ = moves.items()
        if move is None or not self.accepts(seat, move):
            self.forfeited = seat
        else:
            self.state.apply_action(self.game.moves.index(move))

    def is_terminal(self) -> bool:
        return self.forfeited is not None or bool(self.state.is_terminal())

    def returns(self) -> tuple[float, ...]:
        """0 for both while it runs; 1 and -1, or 0 and 0, at the end."""
        if self.forfeited is not None:
            return tuple(-1.0 if seat == self.forfeited else 1.0 for seat in range(2))
        return tuple(self.state.returns()) if self.state.is_terminal() else (0.0, 0.0)

    def clone(self) -> "OpenSpielState":
        return OpenSpielState(self.game, self.state.clone(), self.forfeited)

    def fingerprint(self) -> str:
        """From the moves so far, which decide everything."""
        return hashlib.blake2b(f"{self.state.history()} {self.forfeited}".encode(), digest_size=12).hexdigest()

    def belief(self, seat: int, seed: int) -> "OpenSpielState":
        """Nothing is hidden."""
        return self.clone()

    def _text(self, seat: int, legal: tuple[Move, ...]) -> str:
        history = [self.game.moves[action] for action in self.state.history()]
        lines = [
            f"You are player {seat + 1} of 2 ({'x' if seat == 0 else 'o'}).",
            "The board:",
            str(self.state.observation_string(seat)).strip(),
            f"Moves so far: {', '.join(history) or 'none'}.",
        ]
        if legal:
            lines.append(f"It is your turn. Legal moves: {', '.join(legal)}.")
        else:
            lines.append("The game is over." if self.is_terminal() else "It is the opponent's turn.")
        return "\n".join(lines)

    def _situation(self, seat: int) -> dict[str, str]:
        length = len(self.state.history())
        most = self.game.spiel.max_game_length()
        phase = _PHASES[min(3 * length // most, 2)]
        if self.game.short_name not in _WORDS:
            return {"phase": phase}
        mine, theirs = ("x", "o") if seat == 0 else ("o", "x")
        grid = str(self.state.observation_string(seat)).split()
        return {
            "phase": phase,
            "can_win": "yes" if self._can_complete(grid, mine) else "no",
            "must_block": "yes" if self._can_complete(grid, theirs) else "no",
            "centre": {mine: "mine", theirs: "theirs"}.get(_centre(grid), "free"),
        }

    def _can_complete(self, grid: list[str], mark: str) -> bool:
        """Whether one more ``mark`` on a cell that can be played now completes a line."""
        if self.is_terminal():
            return False
        if self.game.short_name == "tic_tac_toe":
            cells = [(action // 3, action % 3) for action in self.state.legal_actions()]
            return any(_completes(grid, row, column, mark, 3) for row, column in cells)
        drops = [(_lowest_free(grid, column), column) for column in self.state.legal_actions()]
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


@lru_cache
def load_openspiel(short_name: str) -> OpenSpielGame:
    """The game that OpenSpiel knows as ``short_name``; raises ``BadInput`` where it cannot be played here."""
    try:
        import pyspiel  # slow to import and an optional extra
    except ImportError:
        raise BadInput("OpenSpiel is not installed: pip install 'cornerman[openspiel]'") from None
    if short_name.partition("(")[0] not in pyspiel.registered_names():
        raise BadInput(f"OpenSpiel knows no game {short_name!r}: try tic_tac_toe or connect_four")
    try:
        spiel = pyspiel.load_game(short_name)
    except pyspiel.SpielError as error:
        raise BadInput(f"OpenSpiel cannot load {short_name!r}: {str(error).splitlines()[0]}") from None
    kind = spiel.get_type()
    if (
        spiel.num_players() != 2
        or kind.dynamics != pyspiel.GameType.Dynamics.SEQUENTIAL
        or kind.information != pyspiel.GameType.Information.PERFECT_INFORMATION
        or kind.chance_mode != pyspiel.GameType.ChanceMode.DETERMINISTIC
        or spiel.max_utility() > 1
    ):
        raise BadInput(f"OpenSpiel's {short_name} is not a two-player board game without chance and hidden information")
    return OpenSpielGame(short_name, spiel, _WORDS.get(short_name) or _action_names(spiel))


def _action_names(spiel: Any) -> tuple[Move, ...]:
    """Names for the actions of a game without words of its own."""
    return tuple(f"action-{action}" for action in range(spiel.num_distinct_actions()))
