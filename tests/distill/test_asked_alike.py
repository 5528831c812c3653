"""A student is asked in play exactly what it was trained on: every game, every turn, message by message."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_drafts import write_drafts

from distill.dataset import build_dataset, examples_of
from distill.judged import Outcomes, read_taught, student_base
from distill.method import Method
from distill.pooled import Pooled
from distill.sketch import Sketch
from distill.student import Student, student_player
from episodes.clock import Clock
from episodes.game import Game
from episodes.games import load_game
from episodes.play import Match, play_episode
from episodes.player import Context, Player
from episodes.players.bots import load_bot
from episodes.record import EpisodeRecord, TurnRecord
from episodes.store.store import Store
from models.chat import Message
from models.scripted import ScriptedModel
from prompts.base import base_for
from prompts.prompt import Prompt
from prompts.prompt import player as prompted

GAMES = (
    "duel",
    "duel+unlisted",
    "duel+renamed",
    "duel+renamed+unlisted",
    "openspiel:tic_tac_toe",
    "openspiel:tic_tac_toe+unlisted",
    "openspiel:connect_four",
    "openspiel:kuhn_poker",
    "openspiel:kuhn_poker+renamed",
    "gym:FrozenLake-v1",
    "gym:Blackjack-v1+unlisted",
    "pettingzoo:rps_v2",
    "draft:made.csv.gz",
    "draft:made.csv.gz+unlisted",
)
MARK = "not shown; the rules say what they are"


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Made drafts in the current folder."""
    found = tmp_path_factory.mktemp("drafts")
    write_drafts(found / "made.csv.gz", tables=30, cards=60, top=0.8)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(found)
        yield


def student_of(game: Game, seed: int) -> tuple[Player, ScriptedModel]:
    """A student as it plays, but for its model, which says any move of the game."""
    draw = Random(seed)
    model = ScriptedModel(lambda messages, choices: draw.choice(choices or game.moves), name="student:made")
    row = Student("made", "base", "", "", game.name, "", Method(), 1.0, Path(), "", None, None, None, {})
    return student_player(row, game, model), model


def played(game: Game, seed: int, seat: int) -> tuple[list[EpisodeRecord], list[tuple[Message, ...]]]:
    """Two games of a student in ``seat``, and everything that its model was asked."""
    student, model = student_of(game, seed)
    seats: list[Player] = [load_bot("random")] * game.seats
    seats[seat] = student
    matches = [Match(game, tuple(seats), one, Clock("paused"), scope=f"{seed}") for one in (seed, seed + 1)]
    return [asyncio.run(play_episode(match)) for match in matches], model.requests


def check_turns(name: str, turns: list[TurnRecord]) -> None:
    """The turns are what they should be: shown the legal moves or not, and asked for exactly that."""
    assert {turn.listed for turn in turns} == {"+unlisted" not in name}
    hidden = [MARK in turn.messages[-1].content for turn in turns]
    assert all(hidden) if "+unlisted" in name and "{legal}" in student_base(load_game(name)).turn else not any(hidden)


@pytest.mark.parametrize("name", GAMES)
@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(seed=st.integers(0, 2**31), draw=st.integers(0, 7))
def test_play_and_training_ask_the_same(
    tmp_path_factory: pytest.TempPathFactory, name: str, seed: int, draw: int
) -> None:
    game = load_game(name)
    records, requests = played(game, seed, draw % game.seats)
    own = [turn for record in records for turn in record.turns if turn.seat == draw % game.seats]
    assert [turn.messages for turn in own] == requests, "what is stored is what was sent"
    check_turns(name, own)
    if not any(turn.move is not None for turn in own):
        return  # in an unlisted game every guess may be illegal: nothing is learned from that
    with Store.open(tmp_path_factory.mktemp("store") / "s.db") as store:
        for record in records:
            store.save(record)
        ids, base = [record.id for record in records], student_base(game)
        sent = {(record.id, turn.n): turn.messages for record in records for turn in record.turns}
        taught, refused = read_taught(store, ids, "student:made", base, Outcomes())
        assert len(taught) + refused == len(own)
        for one in taught:
            assert one.question == sent[one.episode_id, one.turn_n][-1].content
        if len({one.pair for one in taught}) < 2:
            return  # a dataset needs a game to hold out
        dataset = build_dataset(store, game, ids, "student:made")
        for split, examples in examples_of(store, dataset, base).items():
            rows = [row for row in dataset.rows if row.split == split]
            for row, example in zip(rows, examples, strict=True):
                asked = (Message("system", example.system), Message("user", example.user))
                assert asked == sent[row.episode_id, row.turn_n]


@pytest.mark.parametrize("name", ["duel", "openspiel:tic_tac_toe", "openspiel:tic_tac_toe+unlisted"])
def test_a_sketch_is_asked_what_the_student_will_be(name: str) -> None:
    game, asked = load_game(name), list[str]()

    class Listening(Pooled):
        def advantages(self, question: str, situation: object) -> dict[str, float]:
            asked.append(question)
            return dict.fromkeys(game.moves, 0.0)

    state = game.initial_state(3)
    seat = state.to_act()[0]
    observation, context = state.observe(seat), Context(game, seat, 1, 0, state)
    student, model = student_of(game, 1)
    asyncio.run(Sketch("sketch:x", Listening.__new__(Listening), student_base(game)).act(observation, context))
    asyncio.run(student.act(observation, context))
    assert asked == [model.requests[0][-1].content]


def test_a_student_is_not_told_a_clock_that_it_never_learned_of() -> None:
    game = load_game("openspiel:tic_tac_toe")
    state = game.initial_state(3)
    context = Context(game, 0, 1, 0, state, time_left=9.5)
    student, model = student_of(game, 1)
    asyncio.run(student.act(state.observe(0), context))
    assert "clock" not in model.requests[0][-1].content
    reader = ScriptedModel(lambda messages, choices: game.moves[0], name="openai:reader")
    asyncio.run(prompted(reader, Prompt(base_for(game, "full")), game, "reader").act(state.observe(0), context))
    assert "Your clock: 9.5 s left." in reader.requests[0][-1].content
