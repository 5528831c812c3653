"""``cornerman player-check``: does a player keep the contract?"""

from typing import Annotated

import typer

from cornerman.options import ConfigFile, Db, GameName, Json
from cornerman.terminal import emit, say


def player_check(
    player: Annotated[str, typer.Argument(help="A player's name, or path/to/file.py:OBJECT.")],
    *,
    game: GameName = None,
    varies: Annotated[
        bool, typer.Option("--varies", help="It may decide differently where observation and seed are the same.")
    ] = False,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Test a player against the contract that every other part relies on.

    Decisions that the game takes, the same for the same seed, blind to what is hidden, alone and many at once. The
    player is asked some hundred times, also if that costs money. Exit code 1 if it breaks any of it.

    Example: cornerman player-check bot:random --game openspiel:tic_tac_toe
    """
    from cornerman.workplace import workplace
    from episodes.guest_player import GuestPlayer
    from episodes.player_contract import check_player

    with workplace(db, config, game) as place:
        opened = place.players.open(player, place.game)
        bare = opened.player if isinstance(opened, GuestPlayer) else opened
        problems = place.run(lambda: check_player(bare, [place.game], repeats=not varies))
    if as_json:
        emit({"player": opened.name, "game": place.game.name, "ok": not problems, "problems": problems})
    else:
        for problem in problems:
            say(f"- {problem}")
        say(f"{opened.name}: " + (f"{len(problems)} problems" if problems else "keeps the contract"))
    if problems:
        raise typer.Exit(1)
