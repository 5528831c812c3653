import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import BadInput
from optimize.stats.elo import score_of_elo
from optimize.stats.pairs import Counts
from optimize.stats.sprt import Sprt, bounds, llr_trinomial, sprt

VECTORS = json.loads(Path(__file__).with_name("statistics-vectors.json").read_text())
HUGE = st.builds(Counts, *[st.sampled_from([0, 1, 7, 1000, 10**6])] * 5)


@pytest.mark.parametrize("vector", VECTORS["llr"], ids=lambda v: f"{v['model']} {v['pairs']}")
def test_published_values(vector: dict[str, Any]) -> None:
    test = sprt(Counts(*vector["pairs"]), vector["elo0"], vector["elo1"], vector["model"])
    published = vector["llr"]
    if published == 111.82:
        # fastchess solves for a root 7e-7 away from a pole to within 1e-7; computed with 50 digits it is 111.79755509.
        assert test.llr == pytest.approx(111.79755508671416, rel=1e-12)
        assert test.llr == pytest.approx(published, abs=0.03)
        return
    digits = len(str(published).split(".")[1])
    assert test.llr == pytest.approx(published, abs=0.5 * 10**-digits if digits <= 2 else 1e-10)


@pytest.mark.parametrize("vector", VECTORS["trinomial"])
def test_published_trinomial_value(vector: dict[str, Any]) -> None:
    llr = llr_trinomial(vector["w"], vector["d"], vector["l"], vector["elo0"], vector["elo1"])
    assert llr == pytest.approx(vector["llr"], abs=0.005)


def test_bounds_and_verdicts() -> None:
    lower, upper = bounds(0.05, 0.05)
    assert (lower, upper) == pytest.approx((-2.9444, 2.9444), abs=1e-4)
    assert bounds(0.01, 0.1) == pytest.approx((math.log(0.1 / 0.99), math.log(0.9 / 0.01)))
    assert [Sprt(x, lower, upper).verdict for x in (-2.95, 0.0, 2.95)] == ["rejected", "undecided", "accepted"]
    assert sprt(Counts(2, 6, 20, 18, 14), 0, 50).verdict == "accepted"
    assert sprt(Counts(14, 18, 20, 6, 2), 0, 50).verdict == "rejected"


@given(st.builds(Counts, *[st.integers(1, 500)] * 5), st.integers(1, 100))
def test_the_other_side_sees_the_opposite(counts: Counts, elo: int) -> None:
    for model in ("logistic", "normalized"):
        ours = sprt(counts, -elo, elo, model).llr
        assert sprt(counts.mirror, -elo, elo, model).llr == pytest.approx(-ours, rel=1e-6, abs=1e-6)


@given(st.builds(Counts, *[st.integers(1, 500)] * 5))
def test_a_better_pair_never_lowers_the_ratio(counts: Counts) -> None:
    ratios = [sprt(counts + Counts.of([k]), 0, 50).llr for k in range(5)]
    assert ratios == sorted(ratios)


@settings(max_examples=60)
@given(HUGE, st.sampled_from([(0, 50), (-200, 200), (-2000, 2000)]))
def test_extremes_stay_finite(counts: Counts, elos: tuple[int, int]) -> None:
    assert math.isfinite(sprt(counts, *elos).llr)
    if elos != (-2000, 2000):
        assert math.isfinite(sprt(counts, *elos, "normalized").llr)


def test_the_fit_is_the_most_likely_distribution_with_that_mean() -> None:
    """With H0 at the observed mean nothing fits better, so the ratio to any H1 is negative."""
    counts = Counts(10, 20, 40, 20, 10)
    assert counts.mean == score_of_elo(0)
    assert sprt(counts, 0, 30).llr < 0
    assert sprt(counts, -30, 0).llr > 0


def test_unusable_bounds_are_refused() -> None:
    with pytest.raises(BadInput, match="elo0 must be below elo1"):
        sprt(Counts(1, 1, 1, 1, 1), 50, 50)
    with pytest.raises(BadInput, match="elo0 must be below elo1"):
        sprt(Counts(1, 1, 1, 1, 1), 0, math.nan)
    with pytest.raises(BadInput, match="no solution"):
        sprt(Counts(1, 1, 1, 1, 1), 0, 1900, "normalized")
    with pytest.raises(BadInput, match="alpha and beta"):
        sprt(Counts(1, 1, 1, 1, 1), 0, 50, alpha=0.7, beta=0.7)
