"""Race, gate, confirmation, and the trial that runs them."""

import asyncio
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pair_sources import Ruled, cycle

from episodes.pairs import PairResult
from optimize.arena import NOTHING, Sample
from optimize.confirm import confirm
from optimize.gate import GateResult, GateRule, gate
from optimize.race import Entrant, RaceRule, race
from optimize.seeds import Seeds
from optimize.stats.eprocess import interval, log_e, log_e_lower
from optimize.stats.pairs import Counts
from optimize.trial import Trial, TrialRule, trial

STRONG, EVEN, WEAK = (4, 3, 4, 2), (2, 3, 2, 1), (0, 1, 0, 2)
STRENGTHS = {"strong": STRONG, "good": (3, 3, 2, 4), "even": EVEN, "weak": WEAK}


def sample_of(*results: int) -> Sample:
    return Sample(tuple(PairResult(-n, f"old {n}", ("", ""), k) for n, k in enumerate(results)))


def by_name(a: str, b: str, n: int) -> int:
    return STRENGTHS[a][n % 4]


def gated(*results: int, carried: Sample = NOTHING, **limits: Any) -> tuple[GateResult, Ruled]:
    source = Ruled(cycle(*results))
    rule = GateRule(**{"look": 4, **limits})
    return asyncio.run(gate(source, "a", "b", rule, Seeds(1, "gate"), carried=carried)), source


def test_the_gate_promotes_at_the_first_look_with_enough_evidence() -> None:
    result, _ = gated(*STRONG, candidates=6)
    counts = result.own.counts
    assert result.verdict == "promoted"
    assert log_e(counts) >= math.log(6 / 0.05)
    before = Counts.of(result.own.outcomes[:-4])
    assert log_e(before) < math.log(6 / 0.05)
    assert result.e_value == pytest.approx(math.exp(log_e(counts)))


def test_more_candidates_need_more_evidence() -> None:
    pairs = [gated(*STRONG, candidates=k)[0].own.counts.total for k in (1, 6, 50)]
    assert pairs == sorted(pairs)
    assert pairs[0] < pairs[-1]


def test_the_gate_discards_what_is_not_50_elo_better() -> None:
    result, _ = gated(*EVEN, max_pairs=2000)
    assert result.verdict == "futile"
    assert log_e_lower(result.own.counts) >= math.log(20)
    assert result.own.counts.total < 2000


def test_the_gate_stops_at_its_limit() -> None:
    result, source = gated(*EVEN, max_pairs=30)
    assert result.verdict == "undecided"
    assert result.own.counts.total == 30
    assert [len(seeds) for *_, seeds in source.calls] == [4] * 7 + [2]


def test_evidence_carries_over() -> None:
    whole, _ = gated(*STRONG, candidates=6)
    results = whole.own.outcomes
    rest, source = gated(*STRONG, candidates=6, carried=sample_of(*results[:12]))
    assert rest.verdict == "promoted"
    assert rest.sample.counts == whole.own.counts
    assert rest.own.counts.total == len(results) - 12
    done, source = gated(*STRONG, candidates=6, carried=sample_of(*results))
    assert (done.verdict, source.calls) == ("promoted", [])


@given(st.lists(st.integers(0, 4), max_size=60), st.integers(1, 30))
def test_the_rule_is_the_formula(results: list[int], candidates: int) -> None:
    counts, rule = Counts.of(results), GateRule(candidates=candidates)
    verdict = rule.verdict(counts)
    assert (verdict == "promoted") == (log_e(counts) >= math.log(candidates / 0.05))
    if verdict == "futile":
        assert log_e_lower(counts) >= math.log(20)


def test_confirmation_plays_exactly_what_was_asked() -> None:
    looks: list[Counts] = []
    source = Ruled(lambda a, b, n: None if n == 5 else STRONG[n % 4])
    result = asyncio.run(confirm(source, "a", "b", Seeds(1, "confirm"), 50, on_look=looks.append))
    assert result.counts.total == 50
    assert result.sample.voided == 1
    assert result.gain == pytest.approx(result.counts.mean - 0.5)
    low, high = interval(result.counts)
    assert result.gain_interval == pytest.approx((low - 0.5, high - 0.5))
    assert looks[-1] == result.counts
    elo, elo_low, elo_high = result.elo
    assert elo is not None and elo_low is not None and elo_high is not None
    assert elo_low < elo < elo_high
    perfect = asyncio.run(confirm(Ruled(cycle(4)), "a", "b", Seeds(1, "confirm"), 10))
    assert perfect.elo[0] is None and perfect.elo[1] is not None and perfect.elo[2] is None


def raced(*names: str, carried: dict[int, Sample] | None = None, **limits: int) -> tuple[list[Entrant], Ruled]:
    source = Ruled(by_name)
    rule = RaceRule(**limits)
    return asyncio.run(race(source, names, "champion", rule, Seeds(1, "race"), carried=carried)), source


def test_the_race_orders_survivors_and_drops_the_hopeless() -> None:
    entrants, _ = raced("weak", "even", "strong", "good", max_pairs=64)
    assert [entrant.index for entrant in entrants][:2] == [2, 3]
    fates = {entrant.index: entrant.fate for entrant in entrants}
    assert fates[0] in ("futile", "dominated")
    assert fates[2] == "survived"
    pairs = {entrant.index: entrant.own.counts.total for entrant in entrants}
    assert pairs[0] < pairs[2]
    assert entrants[-1].fate != "survived"


def test_candidates_meet_the_champion_on_the_same_seeds() -> None:
    _, source = raced("even", "good", max_pairs=16)
    seeds = {name: [s for a, _, _, called in source.calls for s in called if a == name] for name in ("even", "good")}
    assert seeds["even"] == seeds["good"] == Seeds(1, "race").take(0, 16)
    assert {purpose for _, _, purpose, _ in source.calls} == {"race"}


def test_the_race_ends_with_one_left_or_none() -> None:
    entrants, source = raced("strong")
    assert (entrants[0].fate, source.calls) == ("survived", [])
    entrants, _ = raced("weak", "weak", "weak", max_pairs=400)
    assert {entrant.fate for entrant in entrants} == {"futile"}
    assert entrants[0].own.counts.total < 100


def test_the_race_counts_earlier_evidence() -> None:
    entrants, source = raced("even", "even", carried={1: sample_of(*[0] * 40)}, max_pairs=8)
    assert entrants[-1].index == 1
    assert (entrants[-1].fate, entrants[-1].own.counts.total) == ("futile", 0)
    assert source.calls == []


def tried(*names: str, rule: TrialRule | None = None, carried: dict[int, Sample] | None = None) -> tuple[Trial, Ruled]:
    source = Ruled(by_name)
    rule = rule or TrialRule(RaceRule(max_pairs=16), GateRule(candidates=8, max_pairs=200), 40)
    return asyncio.run(trial(source, names, "champion", rule, "night 1", carried=carried)), source


def test_a_trial_promotes_and_confirms_on_fresh_seeds() -> None:
    result, source = tried("even", "strong", "weak")
    assert (result.promoted, result.working) == (1, 1)
    assert result.confirmation is not None
    assert result.confirmation.counts.total == 40
    evidence = result.evidence(1)
    assert evidence.counts == result.gates[1].sample.counts
    assert evidence.counts.total == 16 + result.gates[1].own.counts.total
    stages = [source.seeds(purpose) for purpose in ("race", "gate", "confirm")]
    assert sum(map(len, stages)) == len(set.union(*stages))


def test_equal_candidates_are_not_promoted_and_evidence_remains() -> None:
    result, _ = tried("even", "even")
    assert result.promoted is None and result.confirmation is None
    assert result.evidence(0).counts.total > 0
    with pytest.raises(StopIteration):
        result.evidence(7)


def test_the_working_champion_moves_on_less_evidence() -> None:
    rule = TrialRule(RaceRule(max_pairs=8), GateRule(candidates=8, max_pairs=4, look=4), 10)
    result, _ = tried("good", "even", rule=rule)
    assert result.promoted is None
    assert math.exp(log_e(result.evidence(0).counts)) >= 5
    assert result.working == 0


def test_the_gates_pairs_are_one_budget() -> None:
    rule = TrialRule(RaceRule(max_pairs=8), GateRule(candidates=8, max_pairs=24, look=8), 10)
    result, _ = tried("even", "even", "even", rule=rule)
    assert sum(gate.own.counts.total for gate in result.gates.values()) == 24


def test_a_second_night_goes_on_where_the_first_stopped() -> None:
    rule = TrialRule(RaceRule(max_pairs=8), GateRule(candidates=8, max_pairs=8, look=8), 10)
    first, _ = tried("good", "even", rule=rule)
    second, _ = tried("good", "even", rule=rule, carried={n: first.evidence(n) for n in (0, 1)})
    assert first.promoted is None
    assert second.promoted == 0
    assert second.evidence(0).counts.total > first.evidence(0).counts.total


def test_more_candidates_than_the_gate_counts_are_refused() -> None:
    rule = replace(TrialRule(), gate=GateRule(candidates=1))
    with pytest.raises(ValueError, match="2 candidates, but"):
        tried("even", "even", rule=rule)


def test_a_trial_is_the_same_every_time() -> None:
    looks: list[list[tuple[object, ...]]] = [[], []]
    for seen in looks:
        rule = TrialRule(RaceRule(max_pairs=8), GateRule(candidates=3, max_pairs=60), 20)
        names = ("even", "good")
        result = trial(Ruled(by_name), names, "c", rule, 5, on_look=lambda *look, seen=seen: seen.append(look))
        asyncio.run(result)
    assert looks[0] == looks[1]
    assert {stage for stage, _, _ in looks[0]} == {"race", "gate", "confirm"}
