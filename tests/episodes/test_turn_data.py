"""What a decision carries beside its move: values, a thought, whether the legal moves were shown. Data stays data."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_chat import FakeChat
from made_records import record

from episodes.clock import Clock
from episodes.exchange import export_episodes, import_episodes
from episodes.game import Observation
from episodes.games import load_game
from episodes.games.duel import GAME
from episodes.play import Match, play_episode
from episodes.player import Context, Decision, Player, ReplyClass
from episodes.players.bots import load_bot
from episodes.players.model import ModelPlayer
from episodes.players.search import load_search
from episodes.record import EpisodeRecord, TurnRecord
from episodes.store.store import Store
from episodes.turn_text import turn_text
from models.chat import ChatRequest, Completion, Usage


class Thinker(FakeChat):
    """Thinks of one thing and answers another."""

    name = "thinker"

    def __init__(self, thought: str, text: str) -> None:
        super().__init__()
        self.said = Completion(text, Usage(3, 2), 0.0, thought=thought)

    async def answer(self, request: ChatRequest) -> Completion:
        return self.said


def play(first: Player, name: str = "duel", second: str = "random") -> EpisodeRecord:
    game = load_game(name)
    return asyncio.run(play_episode(Match(game, (first, load_bot(second)), 1, Clock("paused"))))


def own(record: EpisodeRecord) -> list[TurnRecord]:
    return [turn for turn in record.turns if turn.seat == 0]


@pytest.mark.parametrize(("text", "kind"), [("", ReplyClass.EMPTY), ("hm", ReplyClass.UNPARSABLE)])
def test_no_move_is_looked_for_in_a_thought(text: str, kind: ReplyClass) -> None:
    turns = own(play(ModelPlayer("t@t", Thinker("I shall jab", text), "", "{situation}", constrained=False)))
    assert {(turn.move, turn.reply, turn.reply_class, turn.thought) for turn in turns} == {
        (None, text, kind, "I shall jab")
    }


def test_a_thought_is_kept_beside_the_reply(tmp_path: Path) -> None:
    played = play(ModelPlayer("t@t", Thinker("jab is too slow \ud800", "guard"), "", "{situation}"))
    assert {(turn.move, turn.reply, turn.thought) for turn in own(played)} == {("guard", "guard", "jab is too slow ?")}
    with Store.open(tmp_path / "s.db") as store, Store.open(tmp_path / "t.db") as other:
        store.save(played)
        assert store.episode(played.id) == played
        thoughts = list(store.db.query("select distinct thought_id from turns where seat = 0"))
        assert [store.text(row["thought_id"]) for row in thoughts] == ["jab is too slow ?"], "kept once"
        assert {row["thought_id"] for row in store.db.query("select thought_id from turns where seat = 1")} == {None}
        for kind in ("jsonl", "parquet"):
            export_episodes(store, tmp_path / f"e.{kind}")
        import_episodes(other, tmp_path / "e.parquet")
        assert other.episode(played.id) == played


def test_a_search_leaves_values_and_replies_with_its_move() -> None:
    search = load_search("20")
    turns = own(play(search))
    for turn in turns:
        assert turn.reply == turn.move
        assert set(turn.values) <= set(turn.legal_moves) and turn.move in turn.values
        assert all(value == round(value, 3) and -1 <= value <= 1 for value in turn.values.values())
    state = GAME.initial_state(1)
    found = asyncio.run(search.act(state.observe(0), Context(GAME, 0, 5, 0, state)))
    exact = search.evaluate(GAME, state, 0, 5)
    assert found.values == pytest.approx(exact, abs=5e-4)
    assert list(found.values) == sorted(exact, key=lambda move: -exact[move]), "the best first"


def test_a_reply_that_looks_like_values_is_words() -> None:
    says = Thinker("", "jab (jab +0.900, guard -0.500)")
    for turn in own(play(ModelPlayer("t@t", says, "", "{situation}", constrained=False))):
        assert turn.values == {} and turn.reply == says.said.text


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), "0.5", None])
def test_values_that_no_store_holds_are_the_players_fault(value: Any) -> None:
    with pytest.raises(ValueError, match="finite numbers"):
        Decision("jab", "jab", 0.0, values={"jab": 0.5, "guard": value})


@pytest.mark.parametrize("name", ["duel", "duel+unlisted"])
def test_a_turn_knows_whether_its_moves_were_shown(name: str) -> None:
    record = play(load_bot("random"), name)
    assert {turn.listed for turn in record.turns} == {name == "duel"}
    state = load_game(name).initial_state(1)
    assert record.turns[0].seen() == state.observe(record.turns[0].seat)


def test_the_words_of_a_turn() -> None:
    seen = Observation("You see it.", {"distance": "far", "wall": "open"}, ("jab", "guard"))
    assert turn_text("{situation} | {text} | {legal}", seen) == "far open | You see it. | jab, guard"
    hidden = replace(seen, listed=False)
    assert turn_text("{legal}", hidden) == "not shown; the rules say what they are"
    assert turn_text("{text}", seen, 1.25) == "You see it.\n\nYour clock: 1.2 s left."
    assert turn_text("{text}", seen, -3.0).endswith("Your clock: 0.0 s left.")


def test_what_is_empty_takes_no_room(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s.db") as store:
        store.save(record())
        rows = list(store.db.query("select move_values, listed, thought_id from turns"))
        assert rows == [{"move_values": None, "listed": 1, "thought_id": None}] * 4
