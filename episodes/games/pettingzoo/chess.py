"""Chess of PettingZoo in words; moves are written as from-to squares (UCI), as in ``e2e4`` and ``e7e8q``."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

from episodes.game import Move
from episodes.games.pettingzoo.wording import View, Wording

_UCI = re.compile(r"\b[a-h][1-8][a-h][1-8][qrbn]?\b")
_VALUES = {"p": 1, "n": 3, "b": 3, "r": 5, "q": 9, "k": 0}
_SQUARES = [f"{file}{rank}" for rank in range(1, 9) for file in "abcdefgh"]


class Chess(Wording):
    features: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "phase": ("opening", "middle", "ending"),
        "check": ("yes", "no"),
        "material": ("ahead", "even", "behind"),
    }
    open = True
    turns = 600
    _phrases: ClassVar[Mapping[tuple[str, str], str]] = {
        ("phase", "opening"): "the game is in its opening",
        ("phase", "middle"): "the game is in its middle",
        ("phase", "ending"): "few pieces are left",
        ("check", "yes"): "you are in check",
        ("check", "no"): "you are not in check",
        ("material", "ahead"): "you have more material",
        ("material", "even"): "material is even",
        ("material", "behind"): "you have less material",
    }

    def __init__(self, name: str, env: Any, metadata: Mapping[str, Any]) -> None:
        super().__init__(name, env, metadata)
        self.bound = 1.0
        self.rules = (
            "Chess. White moves first; capital letters are white's pieces. A position that comes for the third time, "
            f"fifty moves without a capture or a pawn's move, and {self.turns} moves of both together are a draw. "
            "Write a move as the squares from and to, as in e2e4; castling as the king's move, as in e1g1; a promotion "
            "with the new piece, as in e7e8q."
        )

    def moves(self, env: Any) -> tuple[Move, ...]:
        return all_moves()

    def read(self, reply: str, moves: Sequence[Move]) -> Move | None:
        """The last word that looks like a move, if it is one that some piece can make."""
        found = _UCI.findall(reply.lower())
        return found[-1] if found and found[-1] in _move_set() else None

    def legal(self, env: Any, agent: str, mask: Any) -> dict[Move, Any]:
        """The environment numbers moves as the mover sees them, from its own side of the board."""
        from pettingzoo.classic.chess import chess_utils

        board, seat = env.unwrapped.board, env.possible_agents.index(agent)
        if mask is None:
            return {}
        return {chess_utils.action_to_move(board, int(a), seat).uci(): int(a) for a in mask.nonzero()[0]}

    def text(self, view: View) -> str:
        board = view.env.unwrapped.board
        rows = [f"{8 - n} {row}" for n, row in enumerate(str(board).splitlines())]
        colour = "white (capital letters)" if view.seat == 0 else "black (small letters)"
        return "\n".join(
            [
                f"You are {colour}. The board:",
                *rows,
                "  a b c d e f g h",
                f"As FEN: {board.fen()}",
                f"The last moves: {', '.join(entry.move for entry in view.log[-10:]) or 'none'}.",
            ]
        )

    def situation(self, view: View) -> dict[str, str]:
        board = view.env.unwrapped.board
        pieces = [str(piece) for piece in board.piece_map().values()]
        balance = sum(_VALUES[piece.lower()] * (1 if piece.isupper() else -1) for piece in pieces)
        lead = balance if view.seat == 0 else -balance
        phase = "ending" if len(pieces) <= 12 else "opening" if len(view.log) < 20 else "middle"
        return {
            "phase": phase,
            "check": "yes" if board.is_check() and board.turn == (view.seat == 0) else "no",
            "material": "ahead" if lead > 0 else "behind" if lead < 0 else "even",
        }

    def phrase(self, feature: str, value: str) -> str:
        return self._phrases[feature, value]


@cache
def _move_set() -> frozenset[Move]:
    return frozenset(all_moves())


@cache
def all_moves() -> tuple[Move, ...]:
    """Every move that any piece can ever make: along lines, as a knight, and promotions. 1,968 of them."""
    found = []
    for one in _SQUARES:
        for two in _SQUARES:
            across, up = ord(two[0]) - ord(one[0]), int(two[1]) - int(one[1])
            straight = 0 in (across, up) or abs(across) == abs(up)
            if one == two or not (straight or {abs(across), abs(up)} == {1, 2}):
                continue
            found.append(one + two)
            if abs(across) <= 1 and (one[1], two[1]) in (("7", "8"), ("2", "1")):
                found += [one + two + piece for piece in "qrbn"]
    return tuple(found)
