"""Games of OpenSpiel, ``openspiel:NAME`` or ``openspiel:NAME(parameter=value,...)``. Needs the extra ``openspiel``.

Seats act in turn or at once, chance is drawn from the seed, and a seat reads what OpenSpiel says that it may know.
``openspiel:roshambo`` is rock-paper-scissors over 30 rounds, ``openspiel:roshambo(rounds=50)`` over 50.
"""

from episodes.games.openspiel.game import OpenSpielGame, OpenSpielState
from episodes.games.openspiel.loading import NAMES, load

__all__ = ["NAMES", "OpenSpielGame", "OpenSpielState", "load"]
