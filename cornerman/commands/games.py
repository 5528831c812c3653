"""``cornerman games``: what can be played."""

from typing import TYPE_CHECKING

from cornerman.options import Db, Json
from cornerman.terminal import emit, say, table

if TYPE_CHECKING:
    from episodes.game import Capabilities


def games(*, db: Db = None, as_json: Json = False) -> None:
    """List games by the names that --game takes; of other libraries' games only a few, all of which load by name.

    A game of your own loads as path/to/file.py:OBJECT; cornerman game-check tests it. NAME+unlisted does not show which
    moves are legal; NAME+renamed plays the game under made-up words, where it declares its own.

    Example: cornerman games
    """
    from cornerman.listing import all_games

    found = all_games()
    if as_json:
        return emit(found)
    times = (f"{game.tick_rate} ticks a second" if game.tick_rate else "turns" for game in found.games)
    rows = [
        (game.name, game.seats, time, len(game.moves) or "free text", ", ".join(_abilities(game.capabilities)))
        for game, time in zip(found.games, times, strict=True)
    ]
    table(("game", "seats", "time", "moves", "can"), rows)
    for why in dict.fromkeys(found.missing.values()):
        names = ", ".join(name for name, other in found.missing.items() if other == why)
        say(f"not here: {names}: {why}")
    return None


def _abilities(can: "Capabilities") -> list[str]:
    found = [("copies", can.clone), ("plans", can.plans), ("+renamed", can.terms is not None)]
    return [word for word, there in found if there] + ([f"{can.most_at_once} at once"] if can.most_at_once else [])
