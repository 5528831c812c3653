"""``cornerman games``: what can be played."""

from cornerman.options import Db, Json
from cornerman.terminal import emit, table


def games(*, db: Db = None, as_json: Json = False) -> None:
    """List the games by the names that --game takes.

    A game of your own loads as path/to/file.py:OBJECT; cornerman game-check tests it.

    Example: cornerman games
    """
    from episodes.games import known_games, load_game

    loaded = [load_game(name) for name in known_games()]
    found = [
        {
            "name": game.name,
            "seats": game.seats,
            "tick_rate": game.tick_rate,
            "can_clone": game.can_clone,
            "moves": list(game.moves),
            "features": {feature: list(values) for feature, values in game.features.items()},
        }
        for game in loaded
    ]
    if as_json:
        return emit({"games": found})
    rows = [
        (game.name, game.seats, f"{game.tick_rate} ticks a second" if game.tick_rate else "turns", len(game.moves))
        for game in loaded
    ]
    return table(("game", "seats", "time", "moves"), rows)
