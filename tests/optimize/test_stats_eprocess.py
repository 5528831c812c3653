import itertools
import json
import math
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimize.stats.elo import elo_of_score, normalized_elo, score_of_elo
from optimize.stats.eprocess import (
    FUTILITY_SCORE,
    e_lower,
    e_value,
    interval,
    log_e,
    log_e_lower,
    log_e_path,
)
from optimize.stats.pairs import SCORES, Counts, mean

VECTORS = json.loads(Path(__file__).with_name("statistics-vectors.json").read_text())["e_process"]
COUNTS = st.builds(Counts, *[st.integers(0, 60)] * 5)
HUGE = st.builds(Counts, *[st.sampled_from([0, 1, 7, 1000, 10**6])] * 5)
MEANS = st.floats(0.02, 0.98)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: str(v["pairs"]))
def test_reference_values(vector: dict[str, Any]) -> None:
    counts = Counts(*vector["pairs"])
    assert e_value(counts, vector["m"]) == pytest.approx(vector["e_gt"], rel=1e-12)
    assert e_lower(counts) == pytest.approx(vector["e_lt_L50"], rel=1e-12)
    assert interval(counts) == pytest.approx(tuple(vector["cs95"]), abs=1e-12)


@given(st.lists(st.integers(0, 4), max_size=40), st.randoms(use_true_random=False))
def test_order_does_not_matter_and_the_path_ends_at_the_whole(results: list[int], rng: random.Random) -> None:
    shuffled = rng.sample(results, len(results))
    assert log_e(Counts.of(shuffled)) == log_e(Counts.of(results))
    path = log_e_path(shuffled)
    assert len(path) == len(results)
    if results:
        assert path[-1] == pytest.approx(log_e(Counts.of(results)), abs=1e-9)


@given(COUNTS, st.integers(0, 3), MEANS)
def test_a_better_pair_is_never_less_evidence(counts: Counts, k: int, m: float) -> None:
    worse, better = counts + Counts.of([k]), counts + Counts.of([k + 1])
    assert log_e(better, m) > log_e(worse, m)
    assert log_e_lower(better, m) < log_e_lower(worse, m)
    assert interval(better)[0] >= interval(worse)[0]
    assert interval(better)[1] >= interval(worse)[1]


@given(COUNTS, MEANS)
def test_the_other_side_sees_the_mirror_image(counts: Counts, m: float) -> None:
    assert log_e_lower(counts.mirror, 1 - m) == pytest.approx(log_e(counts, m), rel=1e-9, abs=1e-9)
    low, high = interval(counts)
    assert interval(counts.mirror) == pytest.approx((1 - high, 1 - low), abs=1e-9)


@pytest.mark.parametrize("m", [0.3, 0.5, FUTILITY_SCORE])
@pytest.mark.parametrize(
    "shape", [(1, 1, 1, 1, 1), (0, 0, 1, 0, 0), (1, 0, 0, 0, 1), (1, 0, 4, 0, 1), (0, 3, 0, 0, 1), (5, 0, 1, 2, 0)]
)
@pytest.mark.parametrize("pairs", [1, 2, 5])
def test_expected_wealth_under_the_null_is_at_most_one(shape: tuple[int, ...], m: float, pairs: int) -> None:
    """Exact: the sum over all sequences of results, for distributions moved to have mean at most ``m``."""
    p = _with_mean_at_most(shape, m)
    assert mean(p) <= m + 1e-12
    expected = sum(
        math.prod(p[k] for k in results) * e_value(Counts.of(results), m)
        for results in itertools.product(range(5), repeat=pairs)
    )
    assert expected <= 1 + 1e-12
    if abs(mean(p) - m) < 1e-12:
        assert expected == pytest.approx(1, abs=1e-12)


def _with_mean_at_most(shape: tuple[int, ...], m: float) -> list[float]:
    p = [weight / sum(shape) for weight in shape]
    if mean(p) > m:
        keep = m / mean(p)
        p = [keep * share for share in p]
        p[0] += 1 - keep
    return p


def test_ever_reaching_twenty_is_rare_when_a_is_no_better() -> None:
    """Exact by dynamic programming over counts: looking after each of 18 pairs, E >= 20 has probability below 0.05."""
    p = (0.2, 0.15, 0.3, 0.15, 0.2)
    alive: dict[tuple[int, ...], float] = {(0, 0, 0, 0, 0): 1.0}
    reached = 0.0
    for _ in range(18):
        after: dict[tuple[int, ...], float] = {}
        for counts, chance in alive.items():
            for k in range(5):
                new = (*counts[:k], counts[k] + 1, *counts[k + 1 :])
                after[new] = after.get(new, 0.0) + chance * p[k]
        crossed = [counts for counts in after if log_e(counts) >= math.log(20)]
        reached += sum(after.pop(counts) for counts in crossed)
        alive = after
    assert 0 < reached < 0.05
    assert reached + sum(alive.values()) == pytest.approx(1)


@given(COUNTS, st.sampled_from([0.01, 0.05, 0.2]), MEANS)
def test_the_interval_is_where_neither_side_has_evidence(counts: Counts, alpha: float, m: float) -> None:
    low, high = interval(counts, alpha)
    assert 0 <= low <= counts.mean <= high <= 1
    excluded = max(log_e(counts, m), log_e_lower(counts, m)) - math.log(2 / alpha)
    if abs(excluded) > 1e-6:
        assert (excluded > 0) == (not low <= m <= high)


@given(COUNTS)
def test_less_risk_is_a_wider_interval(counts: Counts) -> None:
    (low, high), (lower, higher) = interval(counts, 0.05), interval(counts, 0.01)
    assert lower <= low
    assert high <= higher


def test_edges_of_the_interval() -> None:
    assert interval(Counts()) == (0, 1)
    assert interval(Counts(n0=3)) == (0, 1 - interval(Counts(n4=3))[0])
    assert interval(Counts(n4=100))[1] == 1
    assert 0.9 < interval(Counts(n4=100))[0] < 1


@settings(max_examples=60)
@given(HUGE)
def test_extremes_stay_finite(counts: Counts) -> None:
    values = [e_value(counts), e_lower(counts), log_e(counts), log_e_lower(counts), *interval(counts)]
    assert all(math.isfinite(value) for value in values)
    assert interval(counts)[0] <= counts.mean <= interval(counts)[1]


def test_elo_and_score_are_inverse() -> None:
    assert score_of_elo(0) == 0.5
    assert score_of_elo(400) == pytest.approx(10 / 11)
    for elo in (-700, -50, 3, 250):
        assert elo_of_score(score_of_elo(elo)) == pytest.approx(elo)
    assert (elo_of_score(0), elo_of_score(1)) == (-math.inf, math.inf)


def test_normalized_elo_by_hand() -> None:
    counts = Counts(1, 0, 0, 0, 3)
    assert normalized_elo(counts) == pytest.approx(0.25 / math.sqrt(2 * 3 / 16) * 800 / math.log(10))
    assert normalized_elo(Counts()) == 0
    assert normalized_elo(Counts(n4=2)) == math.inf
    assert normalized_elo(counts.mirror) == -normalized_elo(counts)
    assert SCORES[2] == 0.5
