from dataclasses import replace

import pytest

from optimize.gate import GateRule
from optimize.null import SHAPES, NullNight, Simulated, SimulatedSource, bench_null, bench_power, moved, simulate_night
from optimize.race import RaceRule
from optimize.stats.elo import score_of_elo
from optimize.stats.pairs import mean
from optimize.trial import TrialRule

SMALL = NullNight(rounds=1, candidates=4, rule=TrialRule(RaceRule(max_pairs=16), GateRule(max_pairs=64), 20))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_shapes_are_fair_and_move_where_they_should(shape: tuple[float, ...]) -> None:
    assert sum(shape) == pytest.approx(1)
    assert mean(shape) == pytest.approx(0.5)
    for elo in (-100, 35, 200):
        assert mean(moved(shape, elo)) == pytest.approx(score_of_elo(elo), abs=1e-9)
        assert sum(moved(shape, elo)) == pytest.approx(1)


def test_draws_follow_the_distribution_and_share_luck_on_some_seeds() -> None:
    import asyncio

    shape = SHAPES["mixed"]
    source = SimulatedSource()
    a, b, champion = Simulated("a", shape), Simulated("b", shape), Simulated("c", shape)
    draws = [[r.k for r in asyncio.run(source.play(x, champion, range(20_000), "race"))] for x in (a, b)]
    for results in draws:
        assert [results.count(k) / 20_000 for k in range(5)] == pytest.approx(shape, abs=0.012)
    alike = sum(x == y for x, y in zip(*draws, strict=True)) / 20_000
    by_chance = sum(p * p for p in shape)
    assert alike == pytest.approx(0.3 + 0.7 * by_chance, abs=0.015)


def test_equal_candidates_are_hardly_ever_promoted() -> None:
    report = bench_null(60, plan=SMALL)
    assert report.nights == 60
    assert report.false_promotions <= report.alpha * 60
    assert report.candidates == 4
    assert report.pairs > 64


def test_the_bench_notices_a_gate_that_promotes_too_easily() -> None:
    """At "alpha" 0.9 and no correction for the number of candidates equal candidates do get through."""
    lax = replace(SMALL, rule=TrialRule(RaceRule(max_pairs=16), GateRule(alpha=0.9, max_pairs=64), 5))
    report = bench_null(40, plan=replace(lax, candidates=1))
    assert report.false_promotions > 0.05 * 40
    assert sum(report.by_shape.values()) == report.false_promotions


def test_better_candidates_are_promoted_and_honestly_measured() -> None:
    report = bench_power(150, 24, plan=SMALL)
    assert report.promoted >= 20
    assert report.wrong == 0
    assert report.confirmed == pytest.approx(report.true, abs=0.03)


def test_a_night_is_the_same_every_time_and_stops_at_a_promotion() -> None:
    plan = replace(SMALL, rounds=3, elos=(200.0,))
    one, two = (simulate_night(plan, 7, 2) for _ in range(2))
    assert one == two
    assert (one.shape, len(one.trials), len(one.promoted)) == ("drawish", 1, 1)
