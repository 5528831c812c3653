"""``cornerman game-check``: does a game keep the contract?"""

from typing import Annotated

import typer

from cornerman.options import Db, Json
from cornerman.terminal import emit, say


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
    problems = check_game(loaded)
    if as_json:
        emit({"game": loaded.name, "ok": not problems, "problems": problems})
    else:
        for problem in problems:
            say(f"- {problem}")
        say(f"{loaded.name}: " + (f"{len(problems)} problems" if problems else "keeps the contract"))
    if problems:
        raise typer.Exit(1)
