"""The default gate: a mixture betting e-process on five counts, and the confidence sequence that it implies.

Under the null "A's mean pair score is at most m" a gambler who stakes the share g of his wealth on A before every pair
gains nothing on average, so the mean wealth of twenty such gamblers

    E(n; m) = (1/20) * sum over g in {.025, .075, ..., .975} of  prod_k (1 + (g/m)(a_k - m))^n_k

reaches 1/alpha with probability at most alpha, however often one looks (Ville, 1939). The bets are those of
Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", JRSS-B 86 (2024), section 4.
It depends on the counts only: order, pauses and earlier nights change nothing.

Everything is computed in logarithms; counts may be expected (fractional) counts.
"""

import math
import sys
from collections.abc import Iterable, Sequence
from functools import lru_cache

from optimize.stats.elo import score_of_elo
from optimize.stats.pairs import SCORES, Counts

STAKES = tuple((2 * i + 1) / 40 for i in range(20))
FUTILITY_ELO = 50.0
FUTILITY_SCORE = score_of_elo(FUTILITY_ELO)
"""s1: a candidate whose mean is shown to be below this is not worth more games."""

_SMALLEST_MEAN = 1e-12
"""Means below this are not told apart from 0; the interval then starts at 0, which is only wider."""
_LOG_LARGEST = math.log(sys.float_info.max)


@lru_cache(maxsize=256)
def _log_factors(m: float) -> tuple[tuple[float, ...], ...]:
    """For each stake, the logarithm of the factor by which each of the five results multiplies the wealth."""
    return tuple(tuple(math.log1p(g * (a - m) / m) for a in SCORES) for g in STAKES)


def _log_mean_exp(logs: Sequence[float]) -> float:
    top = max(logs)
    return top + math.log(sum(math.exp(value - top) for value in logs) / len(logs))


def log_e(counts: Iterable[float], m: float = 0.5) -> float:
    """Natural logarithm of the evidence that A's mean pair score exceeds ``m``, 0 < m < 1."""
    n0, n1, n2, n3, n4 = counts
    logs = [n0 * f0 + n1 * f1 + n2 * f2 + n3 * f3 + n4 * f4 for f0, f1, f2, f3, f4 in _log_factors(m)]
    return _log_mean_exp(logs)


def log_e_lower(counts: Iterable[float], m: float = FUTILITY_SCORE) -> float:
    """Natural logarithm of the evidence that A's mean pair score is below ``m``: the mirror image of ``log_e``."""
    return log_e(tuple(counts)[::-1], 1 - m)


def e_value(counts: Iterable[float], m: float = 0.5) -> float:
    """``exp(log_e)``, held at the largest float."""
    return math.exp(min(log_e(counts, m), _LOG_LARGEST))


def e_lower(counts: Iterable[float], m: float = FUTILITY_SCORE) -> float:
    """``exp(log_e_lower)``, held at the largest float."""
    return math.exp(min(log_e_lower(counts, m), _LOG_LARGEST))


def interval(counts: Counts, alpha: float = 0.05) -> tuple[float, float]:
    """The confidence sequence: every mean score at which neither side's e-value reaches 2/alpha.

    It holds the true mean at all times at once with probability at least 1 - alpha. It always holds the observed mean,
    is [0, 1] without data, and touches 1 (0) only when nothing speaks against it, as after nothing but wins (losses).
    """
    return _lowest(counts, alpha), 1 - _lowest(counts.mirror, alpha)


def _lowest(counts: Counts, alpha: float) -> float:
    """The lower end. ``log_e`` falls strictly in m once A scored at all, so there is one root, if any."""
    from scipy.optimize import brentq

    threshold = math.log(2 / alpha)

    def above(m: float) -> float:
        return log_e(counts, m) - threshold

    if not counts.total or above(_SMALLEST_MEAN) <= 0:
        return 0.0
    return float(brentq(above, _SMALLEST_MEAN, 1.0, xtol=1e-13, rtol=1e-13))


def log_e_path(results: Iterable[int], m: float = 0.5) -> list[float]:
    """``log_e`` after each pair in turn, for drawing; ``results`` are k in 0..4. The last equals ``log_e`` of all."""
    factors = _log_factors(m)
    logs, path = [0.0] * len(STAKES), []
    for k in results:
        logs = [total + row[k] for total, row in zip(logs, factors, strict=True)]
        path.append(_log_mean_exp(logs))
    return path
