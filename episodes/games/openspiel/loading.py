"""Finding a game of OpenSpiel by the name that was typed, and saying in one line why one cannot be played."""

import re
from functools import lru_cache
from typing import Any

from episodes.games.openspiel.boards import WORDS, BoardTelling
from episodes.games.openspiel.game import OpenSpielGame
from episodes.games.openspiel.rounds import rounds_telling
from episodes.play import MAX_TURNS
from models.errors import BadInput

NAMES = ("tic_tac_toe", "connect_four", "roshambo")
"""The games that `cornerman games` lists."""
ROUNDS = 30
"""Rounds of ``roshambo`` unless said otherwise."""
_ROSHAMBO = re.compile(r"roshambo(?:\(rounds=(?P<rounds>[1-9]\d*)\))?")


@lru_cache
def load(rest: str) -> OpenSpielGame:
    """The game ``openspiel:REST``: ``NAME`` or ``NAME(parameter=value,...)`` as OpenSpiel writes them, or ``roshambo``.

    Raises ``BadInput`` for what is unknown or cannot be played, and where OpenSpiel is not installed.
    """
    spiel = _load_spiel(_full_name(rest))
    name = f"openspiel:{rest}"
    rounds = rounds_telling(spiel)
    if rounds is not None:
        if 2 * rounds.rounds > MAX_TURNS:
            raise BadInput(f"{name} has more than {MAX_TURNS // 2} rounds, which no episode can hold: ask for fewer")
        return OpenSpielGame(name, spiel, rounds, rounds.words)
    if rest in WORDS:
        return OpenSpielGame(name, spiel, BoardTelling(rest), (WORDS[rest], WORDS[rest]))
    raise BadInput(f"{name} cannot be played yet: use tic_tac_toe, connect_four or roshambo")


def _full_name(rest: str) -> str:
    """OpenSpiel's own name for what was typed."""
    found = _ROSHAMBO.fullmatch(rest)
    if found is None:
        return rest
    return f"repeated_game(stage_game=matrix_rps(),num_repetitions={found['rounds'] or ROUNDS})"


def _load_spiel(full_name: str) -> Any:
    """OpenSpiel's game; its complaints are one line of ours."""
    try:
        import pyspiel
    except ImportError:
        raise BadInput("OpenSpiel is not installed: pip install 'cornerman[openspiel]'") from None
    short_name = full_name.partition("(")[0]
    if short_name not in pyspiel.registered_names():
        raise BadInput(f"OpenSpiel knows no game {short_name!r}: try tic_tac_toe, kuhn_poker or roshambo")
    try:
        return pyspiel.load_game(full_name)
    except pyspiel.SpielError as error:
        raise BadInput(f"OpenSpiel cannot load {full_name!r}: {str(error).splitlines()[0]}") from None
