"""A store and exported files of the version before: nothing that they say is lost, and every check still holds.

``version_4.db.gz`` is a night of tic-tac-toe with a promotion, beside games of searches, one of them in
``duel+unlisted``, and one of a chat model whose replies look like a search's values. The files hold three of its games.
"""

import asyncio
import gzip
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from cornerman.verify import verify
from distill.dataset import build_dataset
from distill.judged import Outcomes, read_taught, student_base
from episodes.clock import Clock
from episodes.exchange import Imported, export_episodes, import_episodes
from episodes.games import load_game
from episodes.play import Match, play_episode
from episodes.players.search import load_search
from episodes.record import EpisodeRecord
from episodes.replay import verify_episodes
from episodes.store import schema
from episodes.store.older import values_in_reply
from episodes.store.store import Store

FIXTURES = Path(__file__).parents[1] / "fixtures"
CHAT, TICTACTOE, UNLISTED = "aa33a39ec74077261589", "e9bc2898a9e08bc323c4", "d78bb129d29cc897a562"
"""The exported games: a chat model's against a search, one between two searches, one of a search in duel+unlisted."""


def unpacked(name: str, folder: Path) -> Path:
    path = folder / name.removesuffix(".gz")
    with gzip.open(FIXTURES / name) as packed, path.open("wb") as file:
        shutil.copyfileobj(packed, file)
    return path


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The store as the version before left it."""
    return unpacked("version_4.db.gz", tmp_path)


@pytest.fixture
def store(old: Path) -> Iterator[Store]:
    with Store.open(old) as opened:
        yield opened


def values_of(record: EpisodeRecord, turn_n: int) -> list[tuple[str, float]]:
    return list(record.turns[turn_n].values.items())


def test_the_store_is_of_the_version_before(old: Path) -> None:
    connection = sqlite3.connect(old)
    columns = {name for _, name, *_ in connection.execute("pragma table_info(turns)")}
    assert schema.version(connection) == 4
    assert "reply" in columns and not columns & {"move_values", "listed", "thought_id"}
    connection.close()


def test_what_was_proved_in_it_holds(store: Store) -> None:
    checked = verify(store)
    assert checked.differences == ()
    assert checked.checked == {"comparisons": 2, "episodes": 59, "prompts": 2, "aliases": 1}
    replayed = verify_episodes(store)
    assert (replayed.episodes, replayed.turns, list(replayed.differences)) == (59, 700, [])


def test_the_values_of_searches_are_brought_over_and_no_others(store: Store) -> None:
    assert values_of(store.episode(UNLISTED), 0) == [
        ("retreat", 0.027),
        ("heavy", 0.0),
        ("guard", 0.0),
        ("fireball", 0.0),
        ("throw", 0.0),
        ("uppercut", -0.08),
        ("jab", -0.1),
        ("jump", -0.18),
        ("advance", -0.22),
    ]
    searches = 0
    for record in map(store.episode, store.episode_ids()):
        for turn in record.turns:
            search = record.seats[turn.seat].player.startswith("search:")
            searches += search
            assert bool(turn.values) == search
            assert set(turn.values) <= set(turn.legal_moves)
    assert searches > 150


def test_a_chat_models_reply_that_looks_like_values_is_taken_for_none(store: Store) -> None:
    chat = [turn for turn in store.episode(CHAT).turns if turn.seat == 0]
    assert {turn.reply for turn in chat} == {"jab (jab +0.900, guard -0.500)"}
    assert all(turn.values == {} for turn in chat)
    base = student_base(load_game("duel"))
    taught, _ = read_taught(store, [CHAT], "rookie@looks", base, Outcomes())
    assert len(taught) == len(chat) and {one.source for one in taught} == {"played"}


def test_whether_moves_were_shown_is_known(store: Store) -> None:
    for record in map(store.episode, store.episode_ids()):
        assert {turn.listed for turn in record.turns} == {record.id != UNLISTED}


def test_what_a_search_leaves_today_is_what_it_left_then(store: Store) -> None:
    game = load_game("openspiel:tic_tac_toe")
    players = (load_search("40"), load_search("12"))
    again = asyncio.run(play_episode(Match(game, players, 2, Clock("paused"), "play", "today")))
    then = store.episode(again.id)
    assert again.id == TICTACTOE
    for new, old in zip(again.turns, then.turns, strict=True):
        assert (new.move, list(new.values.items())) == (old.move, list(old.values.items()))
        assert new.reply == new.move


def test_the_same_dataset_comes_of_it(store: Store) -> None:
    (known,) = store.db.query("select id, teacher from datasets")
    taught = store.episode_ids(purpose="teach")
    assert build_dataset(store, load_game("duel"), taught, known["teacher"]).id == known["id"]


@pytest.mark.parametrize("name", ["format_2.jsonl.gz", "format_2.parquet"])
def test_files_of_the_format_before_are_read(store: Store, tmp_path: Path, name: str) -> None:
    path = unpacked(name, tmp_path) if name.endswith(".gz") else FIXTURES / name
    with Store.open(tmp_path / "other.db") as other:
        assert import_episodes(other, path) == Imported(3, 3)
        for episode in (CHAT, TICTACTOE, UNLISTED):
            assert other.episode(episode) == store.episode(episode)
            for mine, theirs in zip(other.episode(episode).turns, store.episode(episode).turns, strict=True):
                assert list(mine.values) == list(theirs.values)
        assert export_episodes(other, tmp_path / "new.jsonl") == 3
    assert b'"cornerman-episode-2"' not in (tmp_path / "new.jsonl").read_bytes()


@pytest.mark.parametrize(
    "reply", ["", "jab", "jab (why not)", "I use jab (jab +0.1)", "jab (heavy +0.100)", "jab (jab +0.100"]
)
def test_other_replies_hold_no_values(reply: str) -> None:
    assert values_in_reply(reply) == {}
