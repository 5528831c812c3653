"""The classic: the generalized sequential probability ratio test on pentanomial counts, and the trinomial one.

Pentanomial, as in fishtest (server/fishtest/stats/LLRcalc.py and stat_util.py), fastchess and OpenBench: Van den
Bergh, "A Practical Introduction to the GSPRT", https://www.cantate.be/Fishtest/GSPRT_approximation.pdf, and
"Comments on Normalized Elo", https://www.cantate.be/Fishtest/normalized_elo_practical.pdf. The maximum likelihood
distributions are the exact ones; the short formulas in circulation are wrong at our effect sizes. Trinomial, as in
cutechess (lib/src/sprt.cpp): Wald's test on the BayesElo model.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from models.errors import BadInput
from optimize.stats.elo import score_of_elo
from optimize.stats.pairs import SCORES, Counts, mean, variance

Model = Literal["logistic", "normalized"]
Verdict = Literal["accepted", "rejected", "undecided"]
"""``accepted``: H1, the difference is ``elo1``, is accepted; ``rejected``: H0, it is ``elo0``, is."""

MAX_ELO = 2000.0
_EMPTY_CELL = 1e-3
_ROUNDS = 10
_CONVERGED = 1e-9
_POLE_MARGIN = 1e-14


@dataclass(frozen=True, slots=True)
class Sprt:
    """The state of a test: the log-likelihood ratio and the bounds at which it stops."""

    llr: float
    lower: float
    upper: float

    @property
    def verdict(self) -> Verdict:
        if self.llr >= self.upper:
            return "accepted"
        return "rejected" if self.llr <= self.lower else "undecided"


def bounds(alpha: float = 0.05, beta: float = 0.05) -> tuple[float, float]:
    """Wald's bounds ln(beta/(1-alpha)) and ln((1-beta)/alpha)."""
    if not (0 < alpha < 1 and 0 < beta < 1 and alpha + beta < 1):
        raise BadInput(f"alpha and beta must be above 0 and sum to less than 1, not {alpha:g} and {beta:g}")
    return math.log(beta / (1 - alpha)), math.log((1 - beta) / alpha)


def sprt(
    counts: Counts,
    elo0: float,
    elo1: float,
    model: Model = "logistic",
    *,
    alpha: float = 0.05,
    beta: float = 0.05,
) -> Sprt:
    """Test H1 "A is ``elo1`` stronger" against H0 "A is ``elo0`` stronger"; raises ``BadInput`` for unusable bounds."""
    if not -MAX_ELO <= elo0 < elo1 <= MAX_ELO:
        raise BadInput(f"elo0 must be below elo1 and both within {MAX_ELO:g}, not {elo0:g} and {elo1:g}")
    cells = [n or _EMPTY_CELL for n in counts]
    ratio = llr_logistic(cells, elo0, elo1) if model == "logistic" else llr_normalized(cells, elo0, elo1)
    return Sprt(ratio, *bounds(alpha, beta))


def llr_logistic(cells: Sequence[float], elo0: float, elo1: float) -> float:
    """Log-likelihood ratio of "mean score L(elo1)" to "mean score L(elo0)"; ``cells`` are five positive counts."""
    p = _shares(cells)
    return _log_ratio(cells, _fit_mean(p, score_of_elo(elo0)), _fit_mean(p, score_of_elo(elo1)))


def llr_normalized(cells: Sequence[float], elo0: float, elo1: float) -> float:
    """Log-likelihood ratio of two normalized Elo differences; ``cells`` are five positive counts."""
    p = _shares(cells)
    q0, q1 = (_fit_t(p, math.sqrt(2) * elo * math.log(10) / 800) for elo in (elo0, elo1))
    return _log_ratio(cells, q0, q1)


def _log_ratio(cells: Sequence[float], q0: Sequence[float], q1: Sequence[float]) -> float:
    return sum(n * math.log(b / a) for n, a, b in zip(cells, q0, q1, strict=True))


def _shares(cells: Sequence[float]) -> list[float]:
    total = sum(cells)
    return [n / total for n in cells]


def _fit_mean(p: Sequence[float], s: float) -> list[float]:
    """The most likely distribution with mean score ``s``, given observed shares ``p``."""
    return _tilt(p, [a - s for a in SCORES])


def _fit_t(p: Sequence[float], t: float) -> list[float]:
    """The most likely distribution with (mean - 1/2) / deviation = ``t``, by iterating its linearization."""
    q = [1 / len(p)] * len(p)
    for _ in range(_ROUNDS):
        mu, sigma = mean(q), math.sqrt(variance(q))
        phi = [a - 0.5 - t * sigma / 2 * (1 + ((mu - a) / sigma) ** 2) for a in SCORES]
        if not min(phi) < 0 < max(phi):
            raise BadInput("the normalized model has no solution this far from 0: use bounds within 200 normalized Elo")
        before, q = q, _tilt(p, phi)
        if max(abs(new - old) for new, old in zip(q, before, strict=True)) < _CONVERGED:
            break
    return q


def _tilt(p: Sequence[float], phi: Sequence[float]) -> list[float]:
    """``p_k / (1 + x phi_k)`` with the x that makes the mean of ``phi`` zero; ``phi`` must take both signs.

    The sum of ``p_k phi_k / (1 + x phi_k)`` falls from plus to minus infinity between the two poles, so there is one x.
    """
    from scipy.optimize import brentq

    def moment(x: float) -> float:
        return sum(share * f / (1 + x * f) for share, f in zip(p, phi, strict=True))

    inside = 1 - _POLE_MARGIN
    x = float(brentq(moment, -inside / max(phi), -inside / min(phi), xtol=1e-15, rtol=1e-14, maxiter=1000))
    return [share / (1 + x * f) for share, f in zip(p, phi, strict=True)]


def llr_trinomial(wins: int, draws: int, losses: int, elo0: float, elo1: float) -> float:
    """Log-likelihood ratio for single games on the BayesElo model, half a game added to each count (Jeffreys).

    ``elo0`` and ``elo1`` are logistic; the rate of draws is estimated from the data.
    """
    cells = [losses + 0.5, draws + 0.5, wins + 0.5]
    lost, _, won = _shares(cells)
    draw_elo = 200 * math.log10((1 - lost) / lost * (1 - won) / won)
    x = 10 ** (-draw_elo / 400)
    scale = 4 * x / (1 + x) ** 2
    return _log_ratio(cells, _bayes_elo(elo0 / scale, draw_elo), _bayes_elo(elo1 / scale, draw_elo))


def _bayes_elo(elo: float, draw_elo: float) -> tuple[float, float, float]:
    """Chances of a loss, a draw and a win."""
    won = 1 / (1 + 10 ** ((draw_elo - elo) / 400))
    lost = 1 / (1 + 10 ** ((draw_elo + elo) / 400))
    return lost, 1 - won - lost, won
