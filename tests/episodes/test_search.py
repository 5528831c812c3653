"""The search player: reproducible, blind to what is hidden, and strong."""

import asyncio
import random

import pytest

from episodes.clock import Clock
from episodes.game import Observation
from episodes.games import load_game
from episodes.games.duel import GAME
from episodes.games.duel.engine import DuelState, Rules
from episodes.games.duel.fighter import Fighter
from episodes.games.duel.words import MOVES
from episodes.play import Match, play_episode
from episodes.player import Player
from episodes.players.bots import BOTS, load_bot
from episodes.players.search import SearchPlayer, load_search, uniform
from models.errors import BadInput


def some_state(seed: int, decisions: int = 8):  # type: ignore[no-untyped-def]
    """A duel after a few random decisions; seat 0 is to act."""
    rng = random.Random(seed)
    state = GAME.initial_state(seed)
    while decisions > 0 or 0 not in state.to_act():
        state.apply({seat: rng.choice(state.legal_moves(seat)) for seat in state.to_act()})
        state.advance(1000)
        decisions -= 1
    return state


def pair_score(one: Player, two: Player, pairs: int) -> float:
    async def play() -> float:
        total = 0.0
        for seed in range(pairs):
            first = await play_episode(Match(GAME, (one, two), seed, Clock("paused")))
            second = await play_episode(Match(GAME, (two, one), seed, Clock("paused")))
            total += first.seats[0].score + second.seats[1].score
        return total / (2 * pairs)

    return asyncio.run(play())


def test_the_same_seed_gives_the_same_move_and_values() -> None:
    player = SearchPlayer(iterations=60)
    state = some_state(3)
    before = state.fingerprint()
    assert player.evaluate(GAME, state, 0, 5) == player.evaluate(GAME, state.clone(), 0, 5)
    assert player.choose(GAME, state, 0, 5) == player.choose(GAME, state, 0, 5)
    assert player.evaluate(GAME, state, 0, 5) != player.evaluate(GAME, state, 0, 6)
    assert state.fingerprint() == before


def test_it_does_not_look_at_what_is_hidden() -> None:
    compared = 0
    for seed in range(30):
        state = some_state(seed)
        if state.to_act() != (0, 1):
            state.apply({0: "guard"})
            while state.to_act() != (0, 1) and not state.is_terminal():
                state.advance(1)
        if state.is_terminal():
            continue
        futures = []
        for hidden in ("jab", "advance; throw", "fireball"):
            future = state.clone()
            future.apply({0: "retreat", 1: hidden if future.accepts(1, hidden) else "guard"})
            future.advance(3)
            futures.append(future)
        if futures[0].contact == state.contact:
            compared += 1
            beliefs = {future.belief(0, 9).fingerprint() for future in futures}
            assert len(beliefs) == 1
            values = [SearchPlayer(iterations=20).evaluate(GAME, future, 0, 4) for future in futures]
            assert values[0] == values[1] == values[2]
    assert compared > 5


def test_values_cover_the_legal_moves_and_are_returns() -> None:
    state = some_state(11)
    values = SearchPlayer(iterations=80).evaluate(GAME, state, 0, 1)
    assert set(values) == set(state.legal_moves(0))
    assert all(-1 <= value <= 1 for value in values.values())


def test_it_punishes_a_blocked_super() -> None:
    state = DuelState(Rules(), (Fighter(285, 100, 100), Fighter(285, 100, 0)), 13)
    state.apply({0: "super"})
    while 1 not in state.to_act() or not state.contact:
        state.advance(1)
    values = SearchPlayer(iterations=300).evaluate(GAME, state, 1, 2)
    assert max(values, key=values.__getitem__) in ("heavy", "uppercut", "throw", "jab", "fireball", "jump")
    assert values["heavy"] > values["guard"] + 0.03
    assert values["heavy"] > values["retreat"] + 0.03


def test_it_beats_a_random_player() -> None:
    assert pair_score(SearchPlayer(iterations=40), load_bot("random"), 3) > 0.8


@pytest.mark.slow
def test_more_search_beats_the_bots() -> None:
    player = SearchPlayer(iterations=200)
    assert pair_score(player, load_bot("rushdown"), 4) >= 0.7
    assert pair_score(player, load_bot("jumper"), 4) >= 0.7


def test_a_rollout_policy_can_be_given() -> None:
    asked = []

    def policy(state, seat, rng):  # type: ignore[no-untyped-def]
        asked.append(seat)
        return uniform(state, seat, rng)

    SearchPlayer(iterations=5, rollout=policy).choose(GAME, some_state(2), 0, 1)
    assert set(asked) == {0, 1}


def test_names_and_budgets() -> None:
    assert load_search("400").name == "search:400"
    assert load_search("60ms").name == "search:60ms"
    for bad in ("", "0", "-3", "4s", "x"):
        with pytest.raises(BadInput, match="unknown search budget"):
            load_search(bad)


def test_a_budget_of_time_gives_a_legal_move() -> None:
    state = some_state(4)
    assert SearchPlayer(milliseconds=5).choose(GAME, state, 0, 1) in state.legal_moves(0)


def test_bots_play_any_game_or_say_that_they_do_not() -> None:
    tic_tac_toe = load_game("openspiel:tic_tac_toe")
    bots = (load_bot("random"), load_bot("random"))
    record = asyncio.run(play_episode(Match(tic_tac_toe, bots, 1, Clock("paused"))))
    assert record.ended_by == "result"
    with pytest.raises(BadInput, match="bot:turtle plays duel only"):
        asyncio.run(play_episode(Match(tic_tac_toe, (load_bot("turtle"), bots[0]), 1, Clock("paused"))))
    with pytest.raises(BadInput, match="unknown bot 'tortoise'"):
        load_bot("tortoise")


def test_bots_are_seeded_and_see_only_the_observation() -> None:
    situation = dict.fromkeys(GAME.features, "")
    observation = Observation("", {**situation, "distance": "far"}, MOVES)
    for bot in BOTS:
        choices = [load_bot(bot).choose(observation, seed) for seed in range(50)]
        assert choices == [load_bot(bot).choose(observation, seed) for seed in range(50)]
        assert set(choices) <= set(MOVES)


def test_episodes_on_a_slow_clock_play_to_the_end() -> None:
    for clock in ("simulated:250", "simulated:900,300"):
        players = (load_bot("punisher"), load_bot("rushdown"))
        record = asyncio.run(play_episode(Match(GAME, players, 5, Clock.parse(clock))))
        again = asyncio.run(play_episode(Match(GAME, players, 5, Clock.parse(clock))))
        assert record.ended_by == "result"
        assert record.final_fingerprint == again.final_fingerprint
        assert len(record.turns) < 1000


def test_asked_when_it_believes_that_the_game_is_over_by_its_turn_it_still_moves() -> None:
    """A slow player is asked long before it is free to act, and near the end that may be after the end."""
    state = some_state(4)
    while not state.is_terminal():
        before = state.clone()
        state.apply(dict.fromkeys(state.to_act(), "heavy"))
        state.advance(1000)
    waiting = next(seat for seat in (0, 1) if seat in before.to_act())
    before.apply({waiting: "heavy"})
    before.advance(1)
    assert waiting not in before.to_act()
    assert SearchPlayer(iterations=20).choose(GAME, before, waiting, 1) in MOVES
