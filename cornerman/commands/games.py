"""``cornerman games``: what can be played."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cornerman.options import Db, Json
from cornerman.terminal import emit, say, table

if TYPE_CHECKING:
    from episodes.game import Game


def games(*, db: Db = None, as_json: Json = False) -> None:
    """List games by the names that --game takes; of other libraries' games only a few, all of which load by name.

    A game of your own loads as path/to/file.py:OBJECT; cornerman game-check tests it. NAME+unlisted does not show which
    moves are legal; NAME+renamed plays the game under made-up words, where it declares its own.

    Example: cornerman games
    """
    from episodes.games import known_games, load_game
    from models.errors import BadInput

    found: list[dict[str, Any]] = []
    rows: list[tuple[object, ...]] = []
    missing: dict[str, str] = {}
    for name in known_games():
        try:
            game = load_game(name)
        except BadInput as reason:
            missing[name] = str(reason)
            continue
        found.append(_described(game))
        time = f"{game.tick_rate} ticks a second" if game.tick_rate else "turns"
        rows.append((name, game.seats, time, len(game.moves) or "free text", ", ".join(_abilities(game))))
    if as_json:
        return emit({"games": found, "missing": missing})
    table(("game", "seats", "time", "moves", "can"), rows)
    for why in dict.fromkeys(missing.values()):
        names = ", ".join(name for name, other in missing.items() if other == why)
        say(f"not here: {names}: {why}")
    return None


def _abilities(game: "Game") -> list[str]:
    can = game.capabilities
    found = [("copies", can.clone), ("plans", can.plans), ("+renamed", can.terms is not None)]
    return [word for word, there in found if there] + ([f"{can.most_at_once} at once"] if can.most_at_once else [])


def _described(game: "Game") -> dict[str, Any]:
    return {
        "name": game.name,
        "seats": game.seats,
        "tick_rate": game.tick_rate,
        "can_clone": game.capabilities.clone,
        "capabilities": asdict(game.capabilities),
        "moves": list(game.moves),
        "features": {feature: list(values) for feature, values in game.features.items()},
    }
