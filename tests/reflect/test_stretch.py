"""Games as a reflecting model reads them: nothing is lost, each thing is said once, like turns are folded."""

import asyncio
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from episodes.clock import Clock
from episodes.game import Game, Observation
from episodes.games import load_game
from episodes.games.duel import GAME
from episodes.play import Match, play_episode
from episodes.player import Context, Decision, Player
from episodes.players.bots import load_bot
from episodes.record import EpisodeRecord
from reflect.stretch import changed, windows


class Stubborn:
    """Whiffs the same move out of reach again and again."""

    name = model = "stubborn"
    prompt_id = None

    async def act(self, observation: Observation, context: Context) -> Decision:
        return Decision("uppercut", "uppercut", 0.0)


def played(game: Game, *players: Player, seed: int = 1, clock: str = "paused") -> EpisodeRecord:
    return asyncio.run(play_episode(Match(game, players, seed, Clock.parse(clock))))


def told(record: EpisodeRecord, game: Game, tokens: int = 10**6) -> list[list[dict[str, Any]]]:
    """The lines of each window, its head apart."""
    return [
        [json.loads(line) for line in window.text.split("\n")[1:]] for window in windows(record, game, 0, "g1", tokens)
    ]


def in_full(record: EpisodeRecord) -> str:
    """Every turn with all that it has, a JSON object a line."""
    return "\n".join(
        json.dumps(
            {
                "turn": turn.n,
                "who": "you" if turn.seat == 0 else "opponent",
                "situation": turn.situation if turn.seat == 0 else None,
                "saw": turn.observation if turn.seat == 0 else None,
                "move": turn.move,
                "return": turn.reward,
            }
        )
        for turn in record.turns
    )


@pytest.mark.parametrize("tokens", [300, 1500, 10**6])
@pytest.mark.parametrize(
    ("name", "bots"),
    [("duel", ("bot:random", "bot:punisher")), ("openspiel:tic_tac_toe", ("bot:random", "bot:random"))],
)
def test_every_turn_is_in_exactly_one_window(name: str, bots: tuple[str, str], tokens: int) -> None:
    game = load_game(name)
    record = played(game, *(load_bot(bot.removeprefix("bot:")) for bot in bots))
    found = windows(record, game, 0, "g1", tokens)
    assert [n for window in found for n in window.turns] == [turn.n for turn in record.turns]


@pytest.mark.parametrize("tokens", [300, 1500, 10**6])
def test_situations_moves_and_returns_can_be_read_back(tokens: int) -> None:
    record = played(GAME, load_bot("random"), load_bot("zoner"))
    own = [turn for turn in record.turns if turn.seat == 0]
    numbers = iter(own)
    for window in told(record, GAME, tokens):
        situation: dict[str, str] = {}
        reward = None
        for line in window:
            if "you" not in line:
                continue
            turn = next(turn for turn in numbers if turn.n == line.get("turn", line.get("turns", [0, 0])[1]))
            situation |= line.get("situation", {})
            words = set(re.findall(r"\w+", line.get("saw", "")))
            assert all(situation.get(name) == value or value in words for name, value in turn.situation.items())
            situation = dict(turn.situation)
            reward = line.get("return", reward)
            assert (line["you"], reward) == (turn.move, round(turn.reward, 4))


def test_like_turns_are_one_line() -> None:
    record = played(GAME, Stubborn(), Stubborn())
    (lines,) = told(record, GAME)
    folded = [line for line in lines if "times" in line]
    assert folded and sum(line["times"] for line in folded) > len(record.turns) / 4
    for line in folded:
        first, last = line["turns"]
        inside = [turn for turn in record.turns if first <= turn.n <= last]
        assert {turn.move for turn in inside} == {"uppercut"} == {line["you"], line["opponent"]}
        assert len([turn for turn in inside if turn.seat == 0]) == line["times"]
        assert len({json.dumps(turn.situation) for turn in inside if turn.seat == 0}) == 1
        assert len({turn.reward for turn in inside if turn.seat == 0}) == 1
    assert len(in_full(record)) > 5 * sum(len(json.dumps(line)) for line in lines)


@pytest.mark.parametrize("clock", ["paused", "simulated:120,40"])
@pytest.mark.parametrize("bots", [("random", "random"), ("punisher", "zoner"), ("rushdown", "turtle")])
def test_the_same_tokens_hold_twice_as_many_games(bots: tuple[str, str], clock: str) -> None:
    """In games where nothing is folded; ``in_full`` leaves out what the clock says."""
    records = [played(GAME, *map(load_bot, bots), seed=seed, clock=clock) for seed in range(4)]
    full = sum(len(in_full(record)) for record in records)
    read = sum(len(window.text) for record in records for window in windows(record, GAME, 0, "g1", 10**6))
    assert full > 2 * read * (1.0 if clock == "paused" else 0.9)


def test_what_was_said_and_what_failed_is_told_and_keeps_turns_apart() -> None:
    record = played(GAME, Stubborn(), Stubborn())
    (lines,) = told(record, GAME)
    run = next(line for line in lines if "times" in line)
    at = next(turn for turn in record.turns if turn.n == run["turns"][0] + 2)
    changed_turns = tuple(replace(turn, reply="I GIVE UP") if turn.n == at.n else turn for turn in record.turns)
    (after,) = told(replace(record, turns=changed_turns), GAME)
    who = "you" if at.seat == 0 else "opponent"
    assert {"move": "uppercut", "said": "I GIVE UP"} in [line.get(who) for line in after]
    assert len(after) > len(lines)


WORDS = st.lists(st.sampled_from(["far", "near", "5", "12", "of", "the", "wall:", "You:", "x.o"]), max_size=8)
TEXTS = st.lists(WORDS.map(" ".join), max_size=6).map("\n".join)


@given(TEXTS, TEXTS)
def test_changed_lines_tell_every_new_line_and_nothing_else(before: str, now: str) -> None:
    new, gone = changed(before, now)
    told = new.split("\n")
    for line in set(now.split("\n")) - set(before.split("\n")) - {""}:
        assert any(_is_shortened(shown, line) for shown in told), line
    for shown in filter(None, told):
        assert any(_is_shortened(shown, line) for line in now.split("\n")), shown
    assert all(line in before.split("\n") and line not in now.split("\n") for line in gone.split("\n") if line)
    assert changed(now, now) == ("", "")
    assert set(changed("", now)[0].split("\n")) >= set(now.split("\n")) - {""}


def _is_shortened(shown: str, line: str) -> bool:
    """Whether ``shown`` is ``line``, some words left out."""
    rest = iter(line.split(" "))
    return all(word in rest for word in shown.split(" ") if word != "...")


def test_a_line_whose_like_is_gone_is_named() -> None:
    before = "Time left: 25.0 s.\nIts fireball comes at you, 80 away."
    assert changed(before, "Time left: 24.0 s.") == ("Time left: 24.0 s.", "Its fireball comes at you, 80 away.")


def test_a_board_is_told_whole_when_it_changes() -> None:
    before = "You are player 1.\nThe board:\n..x\n...\n...\nMoves so far: c3.\nIt is your turn."
    now = "You are player 1.\nThe board:\n..x\n.o.\n...\nMoves so far: c3, b2.\nIt is your turn."
    assert changed(before, now) == ("..x\n.o.\n...\nMoves so far: c3, b2.", "")
    dealt = "Your hand:\nace of spades\nten of hearts"
    assert changed(dealt, dealt.replace("ten", "two")) == ("ace of spades\ntwo of hearts", "")


def test_of_a_history_only_what_was_added_is_told() -> None:
    before = "Round 1: you rock, the other paper: lost.\nIt is your turn."
    now = "Round 1: you rock, the other paper: lost.\nRound 2: you rock, the other rock: drew.\nIt is your turn."
    assert changed(before, now) == ("Round 2: you rock, the other rock: drew.", "")
    assert changed("Card 1: ace\nCard 2: ten", "Card 1: ace\nCard 2: two") == ("Card 2: two", "")
