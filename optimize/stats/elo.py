"""Scores as Elo differences and back.

Elo, *The Rating of Chessplayers* (1978), in its logistic form; normalized Elo as defined by Michel Van den Bergh,
"Normalized Elo" (2021), https://www.cantate.be/Fishtest/normalized_elo.pdf, on the scale used by fishtest.
"""

import math

from optimize.stats.pairs import Counts

ELO_PER_LOGIT = 400 / math.log(10)
NORMALIZED_ELO_PER_T = 800 / math.log(10)


def score_of_elo(elo: float) -> float:
    """The expected score of a player who is ``elo`` stronger, L(elo) = 1 / (1 + 10^(-elo/400))."""
    return 1 / (1 + 10 ** (-elo / 400))


def elo_of_score(score: float) -> float:
    """The Elo difference at which ``score`` in [0, 1] is expected; minus or plus infinity at 0 and 1."""
    if score <= 0:
        return -math.inf
    if score >= 1:
        return math.inf
    return ELO_PER_LOGIT * math.log(score / (1 - score))


def normalized_elo(counts: Counts) -> float:
    """Gain over 1/2 in standard deviations of one game, times 800/ln 10; 0 without data, infinite without variance.

    A pair's variance is half of a game's where games are independent, hence the factor 2.
    """
    gain, spread = counts.mean - 0.5, counts.variance
    if gain == 0:
        return 0.0
    if spread == 0:
        return math.copysign(math.inf, gain)
    return gain / math.sqrt(2 * spread) * NORMALIZED_ELO_PER_T
