"""``cornerman game-check``: does a game keep the contract?"""

from dataclasses import dataclass
from typing import Annotated

import typer

from cornerman.options import Db, Json
from cornerman.result import Result
from cornerman.terminal import emit, say_checked


@dataclass(frozen=True, slots=True)
class GameChecked(Result):
    """What ``cornerman game-check --json`` prints: what the game breaks, one line each."""

    game: str
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


def game_check(
    game: Annotated[str, typer.Argument(help="A game's name, or path/to/file.py:OBJECT.")],
    *,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Test a game against the contract that every other part relies on.

    Determinism, purity of observing, legal moves, results, copies, time. Exit code 1 if it breaks any of it.

    Example: cornerman game-check openspiel:tic_tac_toe
    """
    from episodes.contract import check_game
    from episodes.games import load_game

    loaded = load_game(game, bare=True)
    found = GameChecked(loaded.name, tuple(check_game(loaded)))
    if as_json:
        emit(found)
    else:
        say_checked(found.game, found.problems)
    if not found.ok:
        raise typer.Exit(1)
