"""The moves of TextArena games whose every move can be listed, by the class of their environment.

A game that is not here has an open vocabulary. Which of the moves are legal is found by trying them on a copy of the
game; this table only says what can ever be. Knows nothing about TextArena but these games' rules.
"""

from collections.abc import Callable, Iterable
from typing import Any

SILENCE = "(silence)"
"""A move of every game with an open vocabulary: to say nothing, which TextArena gets as an empty action."""

_FACES = ("A", *(str(n) for n in range(2, 11)), "J", "Q", "K")
_WAYS = ("up", "down", "left", "right")


_MOVES: dict[str, Callable[[Any], Iterable[object]]] = {
    "BlackjackEnv": lambda env: ("hit", "stand"),
    "ConnectFourEnv": lambda env: range(env.num_cols),
    "FrozenLakeEnv": lambda env: _WAYS,
    "Game2048Env": lambda env: _WAYS,
    "GameOfPureStrategyEnv": lambda env: _FACES,
    "GuessTheNumberEnv": lambda env: range(env.min_number, env.max_number + 1),
    "IteratedMatchingPenniesEnv": lambda env: ("heads", "tails"),
    "IteratedRockPaperScissorsEnv": lambda env: ("rock", "paper", "scissors"),
    "KuhnPokerEnv": lambda env: ("check", "bet", "call", "fold"),
    "LightsOutEnv": lambda env: (f"{row} {column}" for row in range(env.size) for column in range(env.size)),
    "NimEnv": lambda env: (f"{n} {take}" for n, pile in enumerate(env.initial_piles) for take in range(1, pile + 1)),
    "PigDiceEnv": lambda env: ("roll", "hold"),
    "ThreePlayerTicTacToeEnv": lambda env: range(env.board_size**2),
    "TicTacToeEnv": lambda env: range(9),
    "UltimateTicTacToeEnv": lambda env: (f"{board} {cell}" for board in range(9) for cell in range(9)),
    "WildTicTacToeEnv": lambda env: (f"{mark} {cell}" for mark in "XO" for cell in range(9)),
}


def moves_of(env: Any) -> tuple[str, ...]:
    """Every move of a TextArena environment, in brackets as TextArena wants it; none where that is not known."""
    listed = _MOVES.get(type(env).__name__)
    return tuple(f"[{move}]" for move in listed(env)) if listed else ()
