"""Arcade fighting games on DIAMBRA's emulator, ``diambra:GAME`` or ``diambra:GAME(character=NAME,step_ratio=N)``.

The engine is DIAMBRA's own, with Docker and ROMs (docs/diambra.md); the environment variable ``DIAMBRA_ENVS`` says
where it is. Its client has an environment of its own: ``python -m episodes.games.diambra.install``.
"""

import re
from functools import lru_cache

from episodes.games.diambra.game import DiambraGame
from episodes.games.diambra.moves import ARCADES, moves_of
from episodes.games.diambra.plans import Plans
from models.errors import BadInput

NAMES = tuple(ARCADES)
STEP_RATIO = 3
"""Frames a step unless the name says otherwise: 20 inputs a second."""
_NAME = re.compile(r"(?P<id>\w+)(?:\((?P<options>[^()]+)\))?")


@lru_cache
def load(rest: str) -> DiambraGame:
    """The game; needs neither engine nor client until it is played. Raises ``BadInput``."""
    found = _NAME.fullmatch(rest)
    if found is None or found["id"] not in ARCADES:
        raise BadInput(f"DIAMBRA has no game {rest!r}: use {', '.join(ARCADES)}, or diambra:sfiii3n(character=Ryu)")
    options = dict(part.partition("=")[::2] for part in (found["options"] or "").split(",") if part)
    ratio = options.pop("step_ratio", str(STEP_RATIO))
    arcade = ARCADES[found["id"]]
    character = options.pop("character", arcade.character)
    if options or ratio not in "123456" or len(ratio) != 1:
        raise BadInput(f"diambra:{rest}: the options are character=NAME and step_ratio=1 to 6")
    moves = moves_of(arcade, character)
    return DiambraGame(f"diambra:{rest}", found["id"], int(ratio), character, moves, Plans(tuple(moves)))
