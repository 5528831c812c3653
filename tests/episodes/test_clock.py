"""Clocks: what they read, print and charge."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from episodes.clock import Clock, ClockKind, SideClocks, TimeControl
from models.errors import BadInput

MS = st.integers(0, 5000).map(float)


@given(MS, MS)
def test_what_is_printed_is_read_back(mean: float, sd: float) -> None:
    for clock in (Clock("paused"), Clock("measured"), Clock("simulated", mean, sd)):
        assert Clock.parse(str(clock)) == clock


PARTS = st.integers(1, 10**7).map(lambda thousandths: thousandths / 1000)


@given(st.sampled_from(["measured", "simulated"]), PARTS, st.none() | st.builds(TimeControl, PARTS, PARTS))
def test_factors_and_time_controls_are_read_back(kind: ClockKind, factor: float, control: TimeControl | None) -> None:
    clock = Clock(kind, factor=factor, control=control)
    assert Clock.parse(str(clock)) == clock


def test_how_factors_and_time_controls_are_written() -> None:
    assert Clock.parse("measured*0.25") == Clock("measured", factor=0.25)
    assert Clock.parse("simulated:300,50*2/60+2") == Clock("simulated", 300, 50, 2, TimeControl(60, 2))
    assert Clock.parse("measured/300").control == TimeControl(300)


@pytest.mark.parametrize("text", ["paused*2", "paused/60", "measured/0", "measured/0+5"])
def test_clocks_that_make_no_sense(text: str) -> None:
    with pytest.raises(BadInput, match=r"use measured|gives nobody any time"):
        Clock.parse(text)


@given(st.floats(0, 20), st.sampled_from([0.25, 0.5, 1.0, 2.0, 4.0]))
def test_a_factor_multiplies_what_is_charged(latency: float, factor: float) -> None:
    for clock in (Clock("measured"), Clock("simulated", 200, 80)):
        plain, scaled = clock.seconds(latency, 7), clock.times(factor).seconds(latency, 7)
        assert scaled == pytest.approx(factor * plain)
        assert clock.times(0) == Clock("paused")


def test_a_flag_falls_when_time_is_up_and_the_increment_comes_after_the_move() -> None:
    clocks = SideClocks(TimeControl(2.0, 0.5), 2)
    for _ in range(3):
        clocks.spend(0, 1.0)
    assert clocks.left == [0.5, 2.0]
    assert not clocks.fallen
    clocks.spend(0, 0.51)
    assert clocks.fallen == {0}
    assert clocks.returns() == (-1.0, 1.0)
    clocks.spend(1, 3.0)
    assert clocks.returns() == (0.0, 0.0)
    alone = SideClocks(TimeControl(1.0), 1)
    alone.spend(0, 2.0)
    assert alone.returns() == (-1.0,)


@pytest.mark.parametrize(
    "text", ["", "fast", "simulated", "simulated:", "simulated:-1", "simulated:1,-2", "simulated:1,2,3",
             "simulated:nan", "simulated:inf", "simulated:1,x", "Paused"],
)  # fmt: skip
def test_what_is_no_clock(text: str) -> None:
    with pytest.raises(BadInput, match="use paused, measured, simulated"):
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
