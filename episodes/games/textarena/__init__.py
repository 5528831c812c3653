"""TextArena's games with language, ``textarena:ID`` or ``textarena:ID(players=N)``; needs the extra ``textarena``.

Every episode has a process of its own, because TextArena draws from Python's global random numbers.
"""

import importlib.util
import re
from functools import lru_cache

from episodes.games.textarena.game import TextArenaGame, described
from models.errors import BadInput

NAMES = (
    "Nim-v0",
    "TicTacToe-v0",
    "ConnectFour-v0",
    "KuhnPoker-v0",
    "SimpleNegotiation-v0",
    "TruthAndDeception-v0",
    "IteratedPrisonersDilemma-v0",
    "LiarsDice-v0(players=3)",
    "SecretMafia-v0",
)
"""What ``cornerman games`` lists; every other game of the library that runs offline loads too."""

_NAME = re.compile(r"(?P<id>[\w.\-]+)(?:\(players=(?P<players>\d+)\))?")


@lru_cache
def load(rest: str) -> TextArenaGame:
    """The game ``ID`` or ``ID(players=N)``; without a number the fewest players of two or more, or one.

    Raises ``BadInput`` in one line where the game cannot be played here: TextArena is not installed or does not know
    it, it needs word lists or another model over the network, or its own code does not run.
    """
    if importlib.util.find_spec("textarena") is None:
        raise BadInput("TextArena is not installed: pip install 'cornerman[textarena]'")
    found = _NAME.fullmatch(rest)
    if found is None:
        raise BadInput(f"textarena:{rest} is no game: write textarena:ID or textarena:ID(players=3)")
    players = int(found["players"]) if found["players"] else None
    return described(f"textarena:{rest}", found["id"], players)
