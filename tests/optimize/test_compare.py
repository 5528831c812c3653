import asyncio
import math
import random
from collections.abc import Callable
from typing import Any

import pytest
from pair_sources import Memory, Ruled, cycle

from episodes.clock import Clock
from episodes.games.duel import GAME
from episodes.players.bots import load_bot
from models.errors import BadInput
from optimize.arena import Arena
from optimize.compare import CompareRule, Comparison, Progress, compare
from optimize.stats.eprocess import e_value, interval
from optimize.stats.pairs import Counts


def compared(*results: int, **limits: Any) -> tuple[Comparison, list[Progress], Ruled]:
    source = Ruled(cycle(*results))
    seen: list[Progress] = []
    rule = CompareRule(**{"look": 4, "confirm_pairs": 20, **limits})
    return asyncio.run(compare(source, "a", "b", rule, "test", on_progress=seen.append)), seen, source


@pytest.mark.parametrize(("results", "verdict"), [((4, 3, 2), "better"), ((0, 1, 2), "worse"), ((2,), "undecided")])
def test_verdicts(results: tuple[int, ...], verdict: str) -> None:
    comparison, _, _ = compared(*results)
    assert comparison.verdict == verdict
    assert (e_value(comparison.counts) >= 20) == (verdict == "better")
    assert (e_value(comparison.counts.mirror) >= 20) == (verdict == "worse")
    assert comparison.equal == (verdict == "undecided")


def test_it_stops_by_itself_and_at_its_limit() -> None:
    assert compared(4, 3, 2)[0].counts.total < 40
    even = compared(4, 0, max_pairs=30)[0]
    assert (even.verdict, even.equal, even.counts.total) == ("undecided", False, 30)
    drawn = compared(2)[0]
    assert drawn.equal and drawn.counts.total < 400


def test_the_gain_is_that_of_fresh_pairs_only() -> None:
    """The first pairs are lucky, the fresh ones even: the verdict stands, the gain is nil."""
    first = compared(4, 4, 4)[0].counts.total
    source = Ruled(lambda a, b, n: 4 if n < first else 2)
    result = asyncio.run(compare(source, "a", "b", CompareRule(look=4, confirm_pairs=20), "test"))
    assert result.verdict == "better"
    report = result.report()
    assert report.gain == 0
    low, high = interval(Counts(n2=20))
    assert (report.gain_low, report.gain_high) == pytest.approx((low - 0.5, high - 0.5))
    assert not source.seeds("gate") & source.seeds("confirm")


def test_progress_tells_what_a_watcher_needs() -> None:
    comparison, seen, _ = compared(4, 3, 2, 1, max_pairs=300)
    deciding = [progress for progress in seen if progress.stage == "compare"]
    assert [progress.counts.total for progress in deciding] == list(range(4, comparison.counts.total + 1, 4))
    assert deciding[-1].counts == comparison.counts
    assert deciding[-1].to_decision == 0
    middle = deciding[len(deciding) // 2]
    left = comparison.counts.total - middle.counts.total
    assert middle.to_decision is not None and 0 < middle.to_decision < 4 * left
    assert middle.low < middle.counts.mean < middle.high
    assert [progress.counts.total for progress in seen if progress.stage == "confirm"] == [20]


def test_the_report_has_what_outside_readers_rely_on() -> None:
    report = compared(4, 3, 2)[0].report()
    assert sum(report.counts) == report.pairs
    assert report.gain_low is not None and report.gain is not None and report.gain_high is not None
    assert report.gain_low <= report.gain <= report.gain_high
    assert compared(4, 3, 2, confirm_pairs=0)[0].report().gain is None


def test_swapping_the_players_swaps_the_verdict() -> None:
    ours, theirs = compared(4, 3, 2)[0], compared(0, 1, 2)[0]
    assert ours.counts == theirs.counts.mirror
    assert ours.report().e_value == pytest.approx(theirs.report().e_worse)


def test_impossible_rules_are_refused() -> None:
    with pytest.raises(BadInput, match="alpha and beta"):
        CompareRule(alpha=0)
    with pytest.raises(BadInput, match="at least one pair"):
        CompareRule(max_pairs=0)


def by_chance(rng: random.Random) -> Callable[[str, str, int], int]:
    return lambda a, b, n: rng.choice((0, 1, 2, 2, 3, 4))


def test_chances_of_a_false_word_on_equal_players() -> None:
    """Over simulated equal players neither word is said more often than alpha allows."""
    words = []
    for trial in range(150):
        source = Ruled(by_chance(random.Random(trial)))
        rule = CompareRule(max_pairs=120, confirm_pairs=0)
        words.append(asyncio.run(compare(source, "a", "b", rule, trial)).verdict)
    assert words.count("better") <= 0.05 * 150
    assert words.count("worse") <= 0.05 * 150


def test_real_players_are_compared() -> None:
    arena = Arena(GAME, Clock("paused"), Memory(), scope="compare")
    rule = CompareRule(max_pairs=16, confirm_pairs=4)
    result = asyncio.run(compare(arena, load_bot("punisher"), load_bot("random"), rule, "test"))
    assert result.counts.total <= 16
    assert math.isfinite(e_value(result.counts))
    assert result.verdict == "better"
