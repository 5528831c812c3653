"""The guard: who beats the champion and loses ground elsewhere is refused, and nobody else."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from pair_sources import Ruled

from optimize.gate import GateRule
from optimize.guard import Ground, GuardRule, guard
from optimize.race import RaceRule
from optimize.trial import Trial, TrialRule, trial

SCORES = {("new", "turtle"): 4, ("new", "zoner"): 0, ("old", "turtle"): 2, ("old", "zoner"): 2, ("new", "base"): 2}
GROUPS = {"bots": ["turtle", "zoner"], "base": ["base"]}


def met(source: Ruled, rule: GuardRule) -> dict[str, Ground]:
    return asyncio.run(guard(source, "new", "old", GROUPS, rule=rule, root=3))


def test_groups_are_means_over_their_members_and_both_sides_meet_the_same_games() -> None:
    source = Ruled(lambda a, b, n: SCORES.get((a, b), 4))
    found = met(source, GuardRule(pairs=5))
    assert found == {"bots": Ground(0.5, 0.5), "base": Ground(0.5, 1.0)}
    played = {(a, b): seeds for a, b, _, seeds in source.calls}
    assert {len(seeds) for (_, b), seeds in played.items() if b != "base"} == {3}
    assert len(played["new", "base"]) == 5
    for _, opponent in played:
        assert played["new", opponent] == played["old", opponent]
    again = Ruled(lambda a, b, n: 2)
    asyncio.run(guard(again, "third", "old", GROUPS, rule=GuardRule(pairs=5), root=3))
    assert again.seeds("guard") == source.seeds("guard"), "every candidate of a round meets the same games"


@given(st.floats(0, 1), st.floats(0, 1))
def test_ground_is_lost_beyond_the_margin(candidate: float, champion: float) -> None:
    rule = GuardRule(margin=0.1)
    lost = Ground(candidate, champion).lost(rule)
    assert lost == (candidate < champion - 0.1)
    assert not Ground(champion, champion).lost(rule)


def tried(refused: set[int]) -> tuple[Trial, list[int]]:
    asked: list[int] = []

    async def holds(index: int) -> bool:
        asked.append(index)
        return index not in refused

    rule = TrialRule(RaceRule(max_pairs=8), GateRule(candidates=2, max_pairs=200), confirm_pairs=5)
    source = Ruled(lambda a, b, n: 4 if a == "best" else 3)
    return asyncio.run(trial(source, ["good", "best"], "champion", rule, 1, holds=holds)), asked


def test_one_that_is_refused_makes_way_for_the_next() -> None:
    assert tried(set())[0].promoted == 1
    outcome, asked = tried({1})
    assert asked == [1, 0]
    assert outcome.gates[1].verdict == "refused"
    assert outcome.promoted == outcome.working == 0


def test_who_is_refused_is_no_working_champion_either() -> None:
    outcome, asked = tried({0, 1})
    assert asked == [1, 0]
    assert outcome.promoted is None and outcome.working is None and outcome.confirmation is None
