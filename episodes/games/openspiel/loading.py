"""Finding a game of OpenSpiel by the name that was typed, and saying in one line why one cannot be played."""

import importlib
import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from episodes.games.openspiel.belief import imagining
from episodes.games.openspiel.boards import WORDS, BoardTelling
from episodes.games.openspiel.game import OpenSpielGame
from episodes.games.openspiel.plain import plain_telling, sources_of
from episodes.games.openspiel.rounds import rounds_telling
from episodes.games.openspiel.words import action_words
from episodes.play import MAX_TURNS
from models.errors import BadInput

MAX_ACTIONS = 30_000
"""Different actions of a game that get a word each."""
NAMES = ("tic_tac_toe", "connect_four", "roshambo", "kuhn_poker", "leduc_poker")
"""The games that `cornerman games` lists."""
ROUNDS = 30
"""Rounds of ``roshambo`` unless said otherwise."""
LEAKING = {"go_fish"}
"""Games whose text tells too much: in `go_fish` which card the other player drew."""
_ROSHAMBO = re.compile(r"roshambo(?:\(rounds=(?P<rounds>[1-9]\d*)\))?")


@lru_cache
def load(rest: str) -> OpenSpielGame:
    """The game ``openspiel:REST``: ``NAME`` or ``NAME(parameter=value,...)`` as OpenSpiel writes them, or ``roshambo``.

    Raises ``BadInput`` for what is unknown or cannot be played, and where OpenSpiel is not installed.
    """
    with _quiet():
        return _load(rest)


def _load(rest: str) -> OpenSpielGame:
    spiel = load_spiel(_full_name(rest))
    name = f"openspiel:{rest}"
    rounds = rounds_telling(spiel)
    if rounds is not None:
        if 2 * rounds.rounds > MAX_TURNS:
            raise BadInput(f"{name} has more than {MAX_TURNS // 2} rounds, which no episode can hold: ask for fewer")
        return OpenSpielGame(name, spiel, rounds, rounds.words)
    if rest in WORDS:
        return OpenSpielGame(name, spiel, BoardTelling(rest), (WORDS[rest], WORDS[rest]))
    if fault := _fault(spiel):
        raise BadInput(f"{name} cannot be played: {fault}")
    words = action_words(spiel)
    return OpenSpielGame(name, spiel, plain_telling(spiel, words), words, imagining(spiel))


def _fault(spiel: Any) -> str:
    """Why a game cannot be played, if it cannot."""
    import pyspiel

    kind, most = spiel.get_type(), spiel.num_distinct_actions()
    faults = (
        (
            kind.dynamics == pyspiel.GameType.Dynamics.MEAN_FIELD,
            "a mean-field game has a crowd, not players",
        ),
        (
            kind.chance_mode == pyspiel.GameType.ChanceMode.SAMPLED_STOCHASTIC,
            "OpenSpiel draws its chance in secret, so that no game could be played again",
        ),
        (not sources_of(spiel), "OpenSpiel has no text of what a single player may know"),
        (kind.short_name in LEAKING, "OpenSpiel's text for a player shows what is hidden from it"),
        (
            not 0 < most <= MAX_ACTIONS,
            f"it names {most} different actions, and 1 to {MAX_ACTIONS} can be told apart by words",
        ),
        (not math.isfinite(spiel.min_utility() + spiel.max_utility()), "its returns have no bounds"),
    )
    return next((fault for wrong, fault in faults if wrong), "")


def _full_name(rest: str) -> str:
    """OpenSpiel's own name for what was typed."""
    found = _ROSHAMBO.fullmatch(rest)
    if found is None:
        return rest
    return f"repeated_game(stage_game=matrix_rps(),num_repetitions={found['rounds'] or ROUNDS})"


def load_spiel(full_name: str) -> Any:
    """OpenSpiel's game; its complaints are one line of ours."""
    try:
        import pyspiel
    except ImportError:
        raise BadInput("OpenSpiel is not installed: pip install 'cornerman[openspiel]'") from None
    short_name = full_name.partition("(")[0]
    if short_name.startswith("python_"):
        importlib.import_module("open_spiel.python.games")
    if short_name not in pyspiel.registered_names():
        raise BadInput(f"OpenSpiel knows no game {short_name!r}: try tic_tac_toe, kuhn_poker or roshambo")
    try:
        return pyspiel.load_game(full_name)
    except pyspiel.SpielError as error:
        raise BadInput(f"OpenSpiel cannot load {full_name!r}: {str(error).splitlines()[0]}") from None


@contextmanager
def _quiet() -> Iterator[None]:
    """OpenSpiel writes every error to standard error before it raises it: that is put aside meanwhile."""
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
