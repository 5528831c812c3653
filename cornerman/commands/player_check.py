"""``cornerman player-check``: does a player keep the contract?"""

from dataclasses import dataclass
from typing import Annotated

import typer

from cornerman.options import ConfigFile, Db, GameName, Json
from cornerman.result import Result
from cornerman.terminal import emit, say_checked


@dataclass(frozen=True, slots=True)
class PlayerChecked(Result):
    """What ``cornerman player-check --json`` prints: what the player breaks, one line each."""

    player: str
    game: str
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


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
        found = PlayerChecked(opened.name, place.game.name, tuple(problems))
    if as_json:
        emit(found)
    else:
        say_checked(found.player, found.problems)
    if not found.ok:
        raise typer.Exit(1)
