import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import BadInput
from optimize.stats.pairs import Counts, mean, variance

COUNTS = st.builds(Counts, *[st.integers(0, 10**6)] * 5)


def test_counts_are_counted_and_added() -> None:
    assert Counts.of([4, 4, 0, 2, 3]) == Counts(1, 0, 1, 1, 2)
    assert Counts(1, 2, 3, 4, 5) + Counts(5, 4, 3, 2, 1) == Counts(6, 6, 6, 6, 6)
    assert Counts(1, 2, 3, 4, 5).total == 15


def test_mean_and_variance_by_hand() -> None:
    counts = Counts(1, 0, 0, 0, 3)
    assert counts.mean == 0.75
    assert counts.variance == pytest.approx(3 / 16)
    assert Counts().mean == 0.5
    assert Counts().variance == 0.0
    assert mean((0.0, 0.5, 0.5, 0.0, 0.0)) == 0.375
    assert variance((0.0, 0.5, 0.5, 0.0, 0.0)) == pytest.approx(1 / 64)


@given(COUNTS)
def test_the_mirror_is_the_other_side(counts: Counts) -> None:
    assert counts.mirror.mirror == counts
    assert counts.mirror.mean == pytest.approx(1 - counts.mean)
    assert counts.mirror.variance == pytest.approx(counts.variance, abs=1e-12)


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(BadInput, match="negative"):
        Counts(0, 0, -1)
    with pytest.raises(ValueError, match="not 5"):
        Counts.of([5])
