"""Gymnasium environments as games of one seat: words, graded returns, tool tasks, replays, copies."""

import asyncio
import re
from dataclasses import dataclass

import pytest
import tool_env

from episodes.clock import Clock
from episodes.contract import check_game
from episodes.fault import faults_of
from episodes.game import Observation
from episodes.games import load_game
from episodes.games.gym import NAMES, load
from episodes.games.gym.game import CloneableGymState, GymState
from episodes.games.gym.spaces import scaled
from episodes.play import Match, play_episode
from episodes.player import Context, Decision, Player
from episodes.players.bots import load_bot
from episodes.record import EpisodeRecord
from episodes.replay import replay
from models.errors import BadInput, GameFault

_ = tool_env.PriceTask  # imported first, as `gym:tool_env:...` does by itself


def play(name: str, player: Player, seed: int = 1) -> EpisodeRecord:
    return asyncio.run(play_episode(Match(load_game(name), (player,), seed, Clock.parse("paused"))))


@pytest.mark.parametrize("name", [*NAMES, "tool_env:PriceTask-v0", "tool_env:Counter-v0(steps=5)"])
def test_the_games_keep_the_contract(name: str) -> None:
    problems = check_game(load(name))
    broke = "the game broke in step: RuntimeError: the dial fell off (tool_env.py, line "
    assert [problem for problem in problems if broke not in problem] == []


@pytest.mark.parametrize("name", ["gym:Taxi-v4", "gym:Blackjack-v1", "gym:tool_env:PriceTask-v0"])
def test_an_episode_plays_again_from_its_seed(name: str) -> None:
    record = play(name, load_bot("random"), seed=12)
    assert replay(record, load_game(name)) == []
    other = play(name, load_bot("random"), seed=13)
    assert record.turns[0].observation != other.turns[0].observation


def walk(state: GymState, *moves: str) -> GymState:
    for move in moves:
        state.apply({0: move})
    return state


def test_frozen_lake_in_words() -> None:
    state = walk(load("FrozenLake-v1(is_slippery=False)").initial_state(1), "right")
    seen = state.observe(0)
    assert "You (P) are in row 1, column 2 of the map:\nS P F F\nF H F H" in seen.text
    assert seen.situation == {"left": "ice", "down": "hole", "right": "ice", "up": "wall"}
    assert seen.legal_moves == ("left", "down", "right", "up")
    assert state.returns() == (-1.0,)
    walk(state, "right", "down", "down", "down", "right")
    assert state.is_terminal()
    assert state.returns() == (1.0,)
    assert state.observe(0).legal_moves == ()
    assert walk(load("FrozenLake-v1(is_slippery=False)").initial_state(1), "right", "down").returns() == (-1.0,)


def test_cliff_walking_is_graded_by_its_own_rewards() -> None:
    best = walk(load("CliffWalking-v1").initial_state(1), "up", *["right"] * 11, "down")
    assert best.is_terminal()
    assert best.returns() == (1.0,)
    fallen = walk(load("CliffWalking-v1").initial_state(1), "right", "up", *["right"] * 11, "down")
    assert fallen.is_terminal()
    assert fallen.total == -113
    assert fallen.returns()[0] == pytest.approx(2 * (-113 + 200) / 187 - 1)
    assert "cliff" in walk(load("CliffWalking-v1").initial_state(1)).observe(0).situation.values()


def test_taxi_in_words_drives_to_its_passenger() -> None:
    """A driver that follows the situation alone, around one wall, delivers on some seed and is paid for it."""
    paid = []
    for seed in range(12):
        state = load("Taxi-v4").initial_state(seed)
        while not state.is_terminal():
            seen = state.observe(0)
            if seen.situation["at_target"] == "yes":
                move = "pickup" if seen.situation["passenger"] == "waiting" else "dropoff"
            elif seen.situation["target_column"] != "here" and seen.situation["target_column"] in seen.legal_moves:
                move = seen.situation["target_column"]
            else:
                move = {"above": "up", "below": "down", "here": "up"}[seen.situation["target_row"]]
            state.apply({0: move if move in seen.legal_moves else seen.legal_moves[0]})
        paid.append(state.returns()[0])
    assert max(paid) > 0.85
    text = load("Taxi-v4").initial_state(3).observe(0).text
    assert "Your taxi (T) is in row 1, column 3. The passenger is waiting at red (row 1, column 1)" in text
    assert "|R: |T: :G|" in text


def test_blackjack_in_words() -> None:
    seen = load("Blackjack-v1").initial_state(3).observe(0)
    assert seen.text.startswith("Your total is 7, with no ace that counts 11. The dealer shows 10.")
    assert seen.situation == {"total": "low", "dealer": "strong", "ace": "no"}
    state = load("Blackjack-v1").initial_state(3)
    hidden = state.env.unwrapped.dealer[1]
    assert {state.belief(0, seed).env.unwrapped.dealer[1] for seed in range(40)} != {hidden}  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Shopper:
    """Solves the tool task by its text: looks both prices up, calculates, answers."""

    off: int = 0
    name = model = "shopper"
    prompt_id = None

    async def act(self, observation: Observation, context: Context) -> Decision:
        order = re.findall(r"(\d+) (bread|tea)", observation.text.partition("task: ")[2])
        prices = dict(re.findall(r"(\w+) costs (\d+)", observation.text))
        total = re.search(r"the sum is (\d+)", observation.text)
        missing = [name for _, name in order if name not in prices]
        if missing:
            call = f"lookup {missing[0]}"
        elif total is None:
            call = "calculate " + " + ".join(f"{count} * {prices[name]}" for count, name in order)
        else:
            call = f"answer {int(total[1]) + self.off}"
        reply = f"Let me see.\n\n{call}\n"
        move = context.game.read_move(reply, observation)
        return Decision(move, reply, 0.0)


def test_a_tool_task_is_solved_by_calling_its_tools() -> None:
    record = play("gym:tool_env:PriceTask-v0", Shopper())
    assert [turn.move and turn.move.split()[0] for turn in record.turns] == ["lookup", "lookup", "calculate", "answer"]
    assert record.seats[0].score == 1.0
    assert play("gym:tool_env:PriceTask-v0", Shopper(off=1)).seats[0].score == 0.5
    assert play("gym:tool_env:PriceTask-v0", Shopper(off=500)).seats[0].score == 0.0


def test_texts_are_read_and_refused_as_the_environment_says() -> None:
    game = load("tool_env:PriceTask-v0")
    state = game.initial_state(1)
    seen = state.observe(0)
    assert game.moves == ()
    assert seen.legal_moves == ("lookup bread", "lookup milk", "calculate 2 * 3", "answer 12")
    assert game.read_move("```text\nlookup tea\n```\nThat is it.", seen) == "lookup tea"
    assert game.read_move(" \n", seen) is None
    assert state.accepts(0, "anything at all")
    assert not state.accepts(0, "tönern")
    assert not state.accepts(0, "x" * 81)
    assert "task: What do" in seen.text
    assert seen.situation == {"phase": "opening"}
    state.apply({0: None})
    assert state.is_terminal()
    assert state.returns() == (-1.0,)
    silent = game.initial_state(1)
    for _ in range(8):
        silent.apply({0: "ring the bell"})
    assert silent.observe(0).text.count("there is no tool ring") == 8
    assert silent.is_terminal()


def test_numbers_of_every_kind_in_words() -> None:
    game = load("tool_env:Counter-v0(steps=5)")
    state = game.initial_state(2)
    text = state.observe(0).text
    assert "dials: 0 0" in text
    assert re.search(r"board: \n  \d \d \d\n  \d \d \d", text)
    assert "camera: array of 8 by 9, 0 of 72 not zero, from 0 to 0, mean 0" in text
    assert "pair.1: 2 (from 1 to 3)\npair.2: 0 1" in text
    assert game.moves == ("action-0-0", "action-0-1", "action-0-2", "action-1-0", "action-1-1", "action-1-2")
    state.apply({0: "action-1-1"})
    assert "dials: 1 1" in state.observe(0).text
    assert state.returns() == (-0.75,)
    with pytest.raises(GameFault, match=r"in step: RuntimeError: the dial fell off \(tool_env.py, line ") as fault:
        state.apply({0: "action-0-2"})
    assert "in step" in faults_of(fault.value)[0].traceback
    ranged = load("tool_env:Counter-v0(low=-6,high=0,steps=2)").initial_state(2)
    ranged.apply({0: "action-0-0"})
    assert ranged.returns() == (0.0,)
    ranged.apply({0: "action-0-0"})
    assert ranged.is_terminal()
    assert ranged.returns() == (-1.0,)


def test_copies_have_the_same_future_and_beliefs_another() -> None:
    state = load("FrozenLake-v1").initial_state(5)
    assert isinstance(state, CloneableGymState)
    one, two = state.clone(), state.clone()
    walk(one, "right", "right", "down")
    walk(two, "right", "right", "down")
    assert one.fingerprint() == two.fingerprint() != state.fingerprint()
    futures = {walk(state.belief(0, seed), "right", "right").observe(0).text for seed in range(20)}
    assert len(futures) > 1
    assert not load("CartPole-v1").capabilities.clone


def test_sums_of_rewards_become_returns() -> None:
    assert [scaled(total, -200.0, 20.0) for total in (-900.0, -200.0, -90.0, 20.0, 50.0)] == [-1, -1, 0, 1, 1]
    assert [scaled(total, None, None) for total in (-3.0, 0.0, 1.0)] == [-0.75, 0, 0.5]


def test_toy_text_can_be_renamed_as_its_rules_explain_the_moves() -> None:
    for name in NAMES:
        game = load_game(f"gym:{name}+renamed")
        assert all(move in game.rules for move in game.moves), name
    with pytest.raises(BadInput, match="cannot be renamed"):
        load_game("gym:CartPole-v1+renamed")


def test_what_cannot_be_played_says_why() -> None:
    for name, why in {
        "NoSuch-v0": "cannot make 'NoSuch-v0'",
        "nowhere:NoSuch-v0": "cannot make 'nowhere:NoSuch-v0'",
        "Pendulum-v1": "takes actions of a Box space",
        "FrozenLake-v1(low=0)": "give both low and high",
        "FrozenLake-v1(low=x)": "give a number",
        "FrozenLake-v1(what)": "write name=value",
        "FrozenLake-v1(colour=3)": "cannot make",
        "FrozenLake v1": "is no name of a game",
    }.items():
        with pytest.raises(BadInput, match=re.escape(why)):
            load(name)
