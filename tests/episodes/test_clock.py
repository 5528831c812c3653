"""Clocks: what they read, print and charge."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from episodes.clock import Clock
from models.errors import BadInput

MS = st.integers(0, 5000).map(float)


@given(MS, MS)
def test_what_is_printed_is_read_back(mean: float, sd: float) -> None:
    for clock in (Clock("paused"), Clock("measured"), Clock("simulated", mean, sd)):
        assert Clock.parse(str(clock)) == clock


@pytest.mark.parametrize(
    "text", ["", "fast", "simulated", "simulated:", "simulated:-1", "simulated:1,-2", "simulated:1,2,3",
             "simulated:nan", "simulated:inf", "simulated:1,x", "Paused"],
)  # fmt: skip
def test_what_is_no_clock(text: str) -> None:
    with pytest.raises(BadInput, match="use paused, measured, or simulated"):
        Clock.parse(text)


@given(st.floats(0, 100), st.integers(0, 2**63))
def test_paused_charges_nothing(latency: float, seed: int) -> None:
    assert Clock("paused").charge(latency, 60, seed) == 0


@pytest.mark.parametrize(
    ("latency", "ticks"), [(0.0, 0), (1 / 60, 1), (0.016, 1), (0.0167, 2), (0.1, 6), (0.1001, 7), (2.0, 120)]
)
def test_measured_latency_is_rounded_up(latency: float, ticks: int) -> None:
    assert Clock("measured").charge(latency, 60, seed=1) == ticks


@given(st.integers(0, 2**63), st.floats(0, 100))
def test_simulated_depends_on_the_seed_alone(seed: int, latency: float) -> None:
    clock = Clock("simulated", 200, 80)
    assert clock.charge(latency, 60, seed) == clock.charge(0.0, 60, seed) >= 0


def test_simulated_without_spread_is_constant() -> None:
    assert {Clock("simulated", 250).charge(0.0, 60, seed) for seed in range(50)} == {15}
    assert {Clock("simulated", 0, 50).charge(0.0, 60, seed) for seed in range(50)} == {0}


def test_simulated_has_the_declared_mean_and_spread() -> None:
    """At 1000 ticks a second a tick is a millisecond; 4 standard errors of 4000 draws, and half a tick of rounding."""
    draws = [Clock("simulated", 200, 60).charge(0.0, 1000, seed) for seed in range(4000)]
    assert statistics.mean(draws) == pytest.approx(200.5, abs=4 * 60 / 4000**0.5)
    assert statistics.stdev(draws) == pytest.approx(60, rel=0.1)
