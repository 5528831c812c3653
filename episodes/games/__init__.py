"""Games by name: the built-in ones, those that installed packages register, and those in a file.

Knows nothing about any game's rules.
"""

import importlib.util
import sys
from importlib.metadata import entry_points
from pathlib import Path

from episodes.game import Game
from episodes.games.duel import GAME as DUEL
from episodes.games.openspiel import load_openspiel
from models.errors import BadInput

_GROUP = "cornerman.games"


def known_games() -> list[str]:
    """Names that ``load_game`` takes, built-in ones first; any perfect-information OpenSpiel board game loads too."""
    built_in = [DUEL.name, "openspiel:tic_tac_toe", "openspiel:connect_four"]
    installed = sorted({point.name for point in entry_points(group=_GROUP)} - set(built_in))
    return built_in + installed


def load_game(name: str) -> Game:
    """The game ``name``: built in, ``openspiel:NAME``, installed, or ``path/to/file.py:OBJECT``.

    Raises ``BadInput`` for a name that is none of these.
    """
    if name == DUEL.name:
        return DUEL
    if name.startswith("openspiel:"):
        return load_openspiel(name.removeprefix("openspiel:"))
    path, separator, attribute = name.rpartition(":")
    if separator and path.endswith(".py"):
        return _checked(_from_file(Path(path), attribute), name)
    for point in entry_points(group=_GROUP):
        if point.name == name:
            return _checked(point.load(), name)
    raise BadInput(f"unknown game {name!r}: use {', '.join(known_games())}, or path/to/file.py:OBJECT")


def _from_file(path: Path, attribute: str) -> object:
    if not path.is_file():
        raise BadInput(f"no game file {path}: give the path of a Python file, then a colon and the game's name in it")
    module_name = f"cornerman_game_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise BadInput(f"{path} cannot be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    if not hasattr(module, attribute):
        raise BadInput(f"{path} defines no {attribute!r}: name the game object after the colon")
    return getattr(module, attribute)


_MEMBERS = (
    "name",
    "seats",
    "tick_rate",
    "can_clone",
    "moves",
    "features",
    "rules",
    "initial_state",
    "phrase",
    "read_move",
)


def _checked(found: object, name: str) -> Game:
    missing = [member for member in _MEMBERS if not hasattr(found, member)]
    if missing or isinstance(found, type):
        what = "is a class, not a game: name an instance" if isinstance(found, type) else f"has no {', '.join(missing)}"
        raise BadInput(f"{name} {what}; see the contract in episodes/game.py")
    game: Game = found  # type: ignore[assignment]  # every member is there; `game-check` tests what they do
    return game
