"""Duel's engine: symmetry, time, inputs, and what each move is for."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from episodes.games.duel import GAME, frames
from episodes.games.duel.engine import DuelState, Rules
from episodes.games.duel.fighter import Fighter
from episodes.games.duel.words import FEATURES, MOVES

PLANS = (*MOVES, "jab; heavy if landed; guard if blocked", "advance; throw if distance=touching", "super if full")


def start(gap: int, *, meter: int = 0, delay: int = 13) -> DuelState:
    """Two equal fighters ``gap`` apart in mid-stage."""
    back = (frames.STAGE - gap) // 2
    return DuelState(Rules(), (Fighter(back, 100, meter), Fighter(back, 100, meter)), delay)


def choose(rng: random.Random, state: DuelState, seat: int) -> str | None:
    if rng.random() < 0.05:
        return None
    plans = [plan for plan in PLANS if state.accepts(seat, plan)]
    return rng.choice(plans)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_swapping_the_seats_swaps_the_outcome(seed: int) -> None:
    rng = random.Random(seed)
    state = GAME.initial_state(seed)
    mirror = state.mirrored()
    while not state.is_terminal():
        assert mirror.to_act() == tuple(sorted(1 - seat for seat in state.to_act()))
        seats = state.to_act() if rng.random() < 0.9 else (rng.randrange(2),)
        moves = {seat: choose(rng, state, seat) for seat in seats}
        state.apply(moves)
        mirror.apply({1 - seat: move for seat, move in moves.items()})
        ticks = rng.choice((1, 3, 10, 100))
        assert state.advance(ticks) == mirror.advance(ticks)
        assert state.mirrored().fingerprint() == mirror.fingerprint()
        assert state.observe(0) == mirror.observe(1)
        assert state.returns() == mirror.returns()[::-1]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_many_small_steps_equal_one_stride(seed: int) -> None:
    rng = random.Random(seed)
    state = GAME.initial_state(seed)
    other = state.clone()
    while not state.is_terminal():
        moves = {seat: choose(rng, state, seat) for seat in state.to_act()}
        state.apply(moves)
        other.apply(moves)
        passed = state.advance(rng.choice((5, 40, 1000)))
        assert sum(other.advance(1) for _ in range(passed)) == passed
        assert state.fingerprint() == other.fingerprint()
        assert state.inputs() == other.inputs()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_every_input_ends_and_the_stage_holds(seed: int) -> None:
    rng = random.Random(seed)
    state = GAME.initial_state(seed)
    while not state.is_terminal():
        state.apply({seat: choose(rng, state, seat) for seat in (0, 1) if rng.random() < 0.7})
        state.advance(rng.choice((1, 20, 200)))
        a, b = state.fighters
        assert min(a.back, b.back, a.health, b.health) >= 0
        assert a.back + b.back <= state.rules.stage
        for seat in (0, 1):
            situation = state.observe(seat).situation
            assert all(situation[feature] in values for feature, values in FEATURES.items())
    assert {row.fate for row in state.inputs()} <= {"played", "late", "superseded", "skipped"}


def fight(gap: int, first: str, second: str, *, meter: int = 0, wait: int = 0) -> tuple[int, int]:
    """Damage that each seat took when seat 1's move comes ``wait`` ticks after seat 0's."""
    state = start(gap, meter=meter)
    state.apply({0: first})
    if wait:
        state.advance(wait)
    state.apply({1: second})
    for _ in range(120):
        state.advance(1)
    a, b = state.fighters
    return 100 - a.health, 100 - b.health


@pytest.mark.parametrize(
    ("gap", "winner", "loser", "wait"),
    [
        (30, "throw", "guard", 0),
        (30, "jab", "throw", 0),
        (30, "jab", "heavy", 0),
        (100, "heavy", "jab", 0),
        (130, "uppercut", "jump", -14),
        (170, "jump", "fireball", 0),
        (30, "jab", "advance", 0),
        (180, "fireball", "heavy", 0),
    ],
)
def test_what_beats_what(gap: int, winner: str, loser: str, wait: int) -> None:
    if wait < 0:
        loss, gain = fight(gap, loser, winner, wait=-wait)[::-1]
    else:
        loss, gain = fight(gap, winner, loser, wait=wait)
    assert gain > 0
    assert loss == 0


def test_equal_strikes_trade() -> None:
    assert fight(30, "jab", "jab") == (5, 5)
    assert fight(30, "throw", "throw") == (0, 0)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_a_belief_looks_the_same_to_its_seat(seed: int) -> None:
    rng = random.Random(seed)
    state = GAME.initial_state(seed)
    while not state.is_terminal():
        for seat in (0, 1):
            before = state.fingerprint()
            belief = state.belief(seat, rng.randrange(10**6))
            assert state.fingerprint() == before
            assert belief.tick == state.tick
            assert belief.observe(seat) == state.observe(seat)
            belief.advance(60)
        state.apply({seat: choose(rng, state, seat) for seat in state.to_act()})
        state.advance(rng.choice((7, 300)))


@pytest.mark.parametrize(("attack", "answer"), [("heavy", "jab"), ("uppercut", "heavy"), ("super", "heavy")])
def test_a_blocked_attack_is_punished(attack: str, answer: str) -> None:
    state = start(30, meter=100)
    state.apply({0: attack})
    state.advance(1000)
    while state.to_act() != (1,) or not state.contact:
        state.advance(1)
    state.apply({1: answer})
    before = state.fighters[0].health
    state.advance(1000)
    state.advance(40)
    assert state.fighters[0].health < before


def test_a_blocked_jab_is_safe() -> None:
    state = start(30)
    state.apply({0: "jab"})
    while not state.contact or 1 not in state.to_act():
        state.advance(1)
    state.apply({1: "jab"})
    while 0 not in state.to_act():
        state.advance(1)
    state.advance(20)
    assert state.fighters[0].health == 100


def test_pushback_at_the_wall_goes_to_the_attacker() -> None:
    state = DuelState(Rules(), (Fighter(570, 100, 0), Fighter(0, 100, 0)), 13)
    state.apply({0: "jab"})
    state.advance(30)
    assert (state.fighters[0].back, state.fighters[1].back) == (562, 0)


def test_sight_is_delayed_until_they_touch() -> None:
    state = start(200)
    state.apply({0: "guard", 1: "advance"})
    state.advance(10)
    assert state.observe(0).situation["opponent"] == "standing"
    assert "as seen 10 ticks ago" in state.observe(0).text
    for _ in range(6):
        state.advance(1)
    assert state.observe(0).situation["opponent"] == "advancing"
    close = start(30)
    close.apply({0: "jab", 1: "advance"})
    close.advance(7)
    assert close.observe(0).situation["opponent"] == "stunned"
    assert close.observe(0).situation["last"] == "landed"
    assert close.observe(1).situation["last"] == "hurt"


def fates(state: DuelState, seat: int) -> list[tuple[str, str]]:
    return [(row.move, row.fate) for row in state.inputs() if row.seat == seat]


def test_a_plan_runs_by_itself_and_skips_what_does_not_hold() -> None:
    state = start(200)
    state.apply({0: "retreat; throw if touching; fireball", 1: "guard"})
    while 0 not in state.to_act():
        state.advance(1)
    assert fates(state, 0) == [("retreat", "played"), ("throw if touching", "skipped"), ("fireball", "played")]


def test_a_new_decision_takes_the_place_of_the_rest_of_the_plan() -> None:
    state = start(200)
    state.apply({0: "retreat; retreat; retreat"})
    state.advance(5)
    assert state.ready_in(0) == 9 + 14 + 14
    state.apply({0: "jab"})
    assert state.ready_in(0) == 9 + 16
    while 0 not in state.to_act():
        state.advance(1)
    assert fates(state, 0) == [
        ("retreat", "played"),
        ("retreat", "superseded"),
        ("retreat", "superseded"),
        ("jab", "played"),
    ]


def test_an_input_that_never_started_is_late() -> None:
    state = DuelState(Rules(round_ticks=10), (Fighter(200, 100, 0), Fighter(200, 90, 0)), 13)
    state.apply({0: "retreat; jab", 1: "guard"})
    state.advance(1000)
    assert state.is_terminal()
    assert state.returns() == (1.0, -1.0)
    assert fates(state, 0) == [("retreat", "played"), ("jab", "late")]


def test_a_plan_of_which_nothing_holds_costs_time() -> None:
    state = start(200)
    state.apply({0: "jab if touching", 1: None})
    assert state.to_act() == ()
    assert state.ready_in(0) == state.ready_in(1) == 20


def test_a_thinking_fighter_guards() -> None:
    assert fight(30, "heavy", "guard") == (0, 0)
    state = start(30)
    state.apply({0: "heavy"})
    state.advance(60)
    assert state.fighters[1].health == 100


@pytest.mark.parametrize(
    ("reply", "move"),
    [
        ("jab", "jab"),
        ("I could jab, but it blocks: Throw!", "throw"),
        ("Plan: JAB ; heavy if landed;guard if last = blocked.", "jab; heavy if landed; guard if last = blocked"),
        ("jab; jab; jab; jab", "jab; jab; jab; jab"),
        ("no idea", None),
        ("jabbing", None),
    ],
)
def test_replies_are_read_as_the_last_plan(reply: str, move: str | None) -> None:
    state = start(100)
    assert GAME.read_move(reply, state.observe(0)) == move


def test_what_is_accepted() -> None:
    state = start(100)
    assert state.accepts(0, "jab; heavy if last = blocked")
    assert state.accepts(0, "super if full")
    assert not state.accepts(0, "super")
    assert "super" not in state.observe(0).legal_moves
    assert not state.accepts(0, "jab; jab; jab; jab")
    assert not state.accepts(0, "jab if last=far")
    assert not state.accepts(0, "dance")
    with pytest.raises(ValueError, match="cannot decide 'dance'"):
        state.apply({0: "dance"})


def test_a_duel_of_bare_ticks_is_quick_to_copy() -> None:
    state = GAME.initial_state(1)
    for _ in range(40):
        state.apply(dict.fromkeys(state.to_act(), "guard"))
        state.advance(30)
    copy = state.clone()
    assert sum(len(fighter.history) for fighter in copy.fighters) <= 2 * 18
