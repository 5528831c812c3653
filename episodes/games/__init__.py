"""Games by name: the built-in ones, those of other libraries, those that packages register, and those in a file.

duel                              the built-in fighting game
openspiel:NAME, gym:ID, ...       a game of another library: see ``ADAPTERS``
path/to/file.py:OBJECT            a game of one's own, or the name under which an installed package registers one
GAME+unlisted, GAME+renamed       the same game in another dress: see ``variants``

Knows nothing about any game's rules.
"""

import importlib
import importlib.util
import re
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from episodes.fault import opening
from episodes.game import Capabilities, Game
from episodes.games.duel import GAME as DUEL
from episodes.games.undeclared import declared
from episodes.games.variants import dressed
from episodes.guest_game import guest_game
from models.errors import BadInput

_GROUP = "cornerman.games"
_VARIANT = re.compile(r"\+([a-z]*)$")

ADAPTERS = {
    "openspiel": "episodes.games.openspiel",
    "pettingzoo": "episodes.games.pettingzoo",
    "textarena": "episodes.games.textarena",
    "gym": "episodes.games.gym",
    "web": "episodes.games.web",
    "diambra": "episodes.games.diambra",
    "draft": "episodes.games.draft",
}
"""What stands before the colon in the names of other libraries' games, and the module that adapts them.

Such a module has ``load(rest) -> Game`` and ``NAMES``, a few of its games.
"""


def known_games() -> list[str]:
    """Names that ``load_game`` takes, built-in ones first; of every adapter's games only a few."""
    known = [DUEL.name]
    for prefix, module in ADAPTERS.items():
        known += [f"{prefix}:{rest}" for rest in importlib.import_module(module).NAMES]
    return known + sorted({point.name for point in entry_points(group=_GROUP)} - set(known))


def load_game(name: str, *, bare: bool = False) -> Game:
    """The game ``name``, written as above, with its variants. Raises ``BadInput`` for a name that is none of these.

    A game that is not ours is opened as a guest (``episodes.guest_game``) unless it is wanted ``bare``.
    """
    plain, variants = name, list[str]()
    while found := _VARIANT.search(plain):  # a plus sign may stand in a path
        plain, variants = plain[: found.start()], [found[1], *variants]
    return dressed(_load(plain, name, bare), variants)


def _load(name: str, written: str, bare: bool) -> Game:
    if name == DUEL.name:
        return DUEL
    prefix, colon, rest = name.partition(":")
    if colon and prefix in ADAPTERS:
        return _checked(importlib.import_module(ADAPTERS[prefix]).load(rest), name)
    path, separator, attribute = name.rpartition(":")
    if separator and path.endswith(".py"):
        found = _checked(_from_file(Path(path), attribute), name)
        return found if bare else guest_game(found, name, load_game)
    for point in entry_points(group=_GROUP):
        if point.name == name:
            found = _checked(_installed(point), name)
            return found if bare else guest_game(found, name, load_game)
    raise BadInput(f"unknown game {written!r}: `cornerman games` lists some; or give path/to/file.py:OBJECT")


def _installed(point: EntryPoint) -> object:
    with opening(f"{point.name} ({point.value}) cannot be loaded"):
        return point.load()


def _from_file(path: Path, attribute: str) -> object:
    if not path.is_file():
        raise BadInput(f"no game file {path}: give the path of a Python file, then a colon and the game's name in it")
    module_name = f"cornerman_game_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise BadInput(f"{path} cannot be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    with opening(f"{path} cannot be loaded"):
        spec.loader.exec_module(module)
    if not hasattr(module, attribute):
        raise BadInput(f"{path} defines no {attribute!r}: name the game object after the colon")
    return getattr(module, attribute)


_MEMBERS = (
    "name",
    "seats",
    "tick_rate",
    "moves",
    "features",
    "rules",
    "initial_state",
    "phrase",
    "read_move",
)


def _checked(found: object, name: str) -> Game:
    if isinstance(found, type):
        raise BadInput(f"{name} is a class, not a game: name an instance; see the contract in episodes/game.py")
    with opening(f"{name} cannot be opened"):
        # A game that inherits from the protocol has the empty ``capabilities`` that stands there, and had such a
        # ``can_clone`` then.
        of_then = hasattr(found, "can_clone") or Game in type(found).__mro__
        if getattr(found, "capabilities", None) is None and of_then:
            found = declared(found)
        missing = [member for member in _MEMBERS if not hasattr(found, member)]
        if not missing and not isinstance(getattr(found, "capabilities", None), Capabilities):
            missing = ["capabilities"]
    if missing:
        raise BadInput(f"{name} has no {', '.join(missing)}; see the contract in episodes/game.py")
    game: Game = found  # type: ignore[assignment]  # every member is there; `game-check` tests what they do
    return game
