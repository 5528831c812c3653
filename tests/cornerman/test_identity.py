"""What answers behind a name is part of which game it is: nothing old is reused for it in silence.

Invariants:
1. Weights, settings or code that change behind one name make other games, and another comparison.
2. Limits, prices, folders and patience do not.
3. Games of before this was kept are reused, and it is said that they are.
"""

import asyncio
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cornerman.cli import app
from cornerman.workplace import workplace
from episodes.clock import Clock
from episodes.games.duel import GAME
from episodes.pairs import Setting, pair_matches
from episodes.play import play_episode
from episodes.player import identity_of
from episodes.players.bots import load_bot
from episodes.store.store import Store

ONE = '{"match": ".", "reply": "guard"}\n'
OTHER = '{"match": ".", "reply": "jab"}\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "replies.jsonl").write_text(ONE)
    return tmp_path


def run(*words: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def compared(*more: str) -> dict[str, Any]:
    words = ["compare", "scripted:replies.jsonl@base", "bot:random", "--max-pairs", "4", "--confirm-pairs", "0"]
    return run(*words, *more)


def stored() -> set[str]:
    with Store.open("cornerman.db", write=False) as store:
        return set(store.episode_ids())


def test_other_weights_behind_one_name_are_played_anew(folder: Path) -> None:
    """The script stands for weights: what a model in a file answers is part of what it is."""
    first, games = compared(), stored()
    assert compared() == first, "the same again plays nothing"
    assert stored() == games
    (folder / "replies.jsonl").write_text(OTHER)
    second = compared()
    assert second["id"] != first["id"]
    assert (second["reused"], first["reused"]) == (0, 0)
    assert len(stored()) == 2 * len(games)
    with Store.open("cornerman.db", write=False) as store:
        assert store.db["comparisons"].count == 2
    (folder / "replies.jsonl").write_text(ONE)
    assert compared() == first, "and what was played with the first weights is there still"


def test_another_temperature_is_another_game_and_a_price_is_not(folder: Path) -> None:
    config = folder / "cornerman.toml"
    config.write_text('[player]\nmodel = "scripted:replies.jsonl"\n')
    compared()
    games = stored()
    for unshaping in ("time_limit = 5.0", "[budget]\nusd = 9.0", '[prices]\n"openai:m" = [1.0, 2.0]'):
        config.write_text(f'[player]\nmodel = "scripted:replies.jsonl"\n{unshaping}\n')
        compared()
        assert stored() == games, unshaping
    for shaping in ("temperature = 0.3", "max_tokens = 7"):
        before = stored()
        config.write_text(f'[player]\nmodel = "scripted:replies.jsonl"\n{shaping}\n')
        compared()
        assert len(stored()) == len(before) + len(games), shaping


def test_other_code_behind_one_players_place_is_played_anew(folder: Path) -> None:
    source = """
from episodes.player import Decision
class Mine:
    name = model = "mine"
    prompt_id = None
    async def act(self, observation, context):
        return Decision(observation.legal_moves[{at}], "", 0.0)
PLAYER = Mine()
"""
    words = ["play", "mine.py:PLAYER", "bot:random", "--episodes", "2"]
    (folder / "mine.py").write_text(source.replace("{at}", "0"))
    first = run(*words)
    assert run(*words)["ids"] == first["ids"]
    (folder / "mine.py").write_text(source.replace("{at}", "1"))
    assert not set(run(*words)["ids"]) & set(first["ids"])


def forget() -> None:
    """Make the store one of before it was kept what shapes answers."""
    with sqlite3.connect("cornerman.db") as connection:
        connection.execute("update seats set identity_id = null")


def test_games_of_before_are_reused_and_it_is_said(folder: Path) -> None:
    """Their ids are those of the first version: nothing of the models is in them."""
    with workplace(Path("cornerman.db")) as place:
        a, b = place.players.open("scripted:replies.jsonl@base", GAME), load_bot("random")
        store = place.store
        plain = Setting(GAME, Clock("paused"), "play", store, scope="play")
        for match in pair_matches(plain, a, b, 7):
            store.save(asyncio.run(play_episode(match)))
        forget()
        knowing = Setting(GAME, Clock("paused"), "play", store, scope="play", predates=store.lacks_identities)

        def ids(setting: Setting, seed: int) -> list[str]:
            return [match.id for match in pair_matches(setting, a, b, seed)]

        assert ids(knowing, 7) == ids(plain, 7)
        assert not set(ids(knowing, 8)) & set(ids(plain, 8))


def test_games_of_players_whose_names_say_everything_are_none_of_before(folder: Path) -> None:
    """The other side's games through an opponent have no identity to keep."""
    assert compared("--against", "bot:turtle")["reused"] == 0


def test_compare_says_what_it_reuses_and_how_to_play_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("episodes.pairs.identity_of", lambda player: "")  # as the first version played
    monkeypatch.setattr("episodes.play.identity_of", lambda player: "")
    compared()
    games = stored()
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    (folder / "replies.jsonl").write_text(OTHER)
    again = compared()
    assert stored() == games, "what was played before is not played again"
    assert again["reused"] == len(games)
    words = ["compare", "scripted:replies.jsonl@base", "bot:random", "--max-pairs", "4", "--confirm-pairs", "0"]
    said = CliRunner().invoke(app, words).stdout
    assert f"{len(games)} of the games are of before it was kept which model answers behind a name" in said
    assert "give another --seed" in said
    assert compared("--seed", "2")["reused"] == 0
    assert len(stored()) > len(games)


def test_a_folder_may_move_and_is_the_same_model(tmp_path: Path) -> None:
    from models.hub import ROOKIE
    from models.local import LocalModel

    shutil.copytree(ROOKIE, tmp_path / "elsewhere")
    here, there = LocalModel(ROOKIE, name="local:a"), LocalModel(tmp_path / "elsewhere", name="local:b")
    assert here.endpoint == there.endpoint
    assert here.endpoint.facts().keys() == {"kind", "device", "precision", "weights"}


def test_what_is_recorded_says_what_answered_and_no_secret(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-secret-123456")
    (folder / "cornerman.toml").write_text(
        '[player]\nmodel = "openai:m"\nbase_url = "http://127.0.0.1:9/v1"\napi_key_env = "MY_KEY"\neffort = "low"\n'
        "price = [1.0, 2.0]\nrequests_per_minute = 5\n[player.extra]\ntop_p = 0.5\n"
    )
    with workplace(Path("cornerman.db")) as place:
        said = json.loads(identity_of(place.players.open("openai:m@base", GAME)))
    assert said == {
        "kind": "openai",
        "name": "m",
        "address": "http://127.0.0.1:9/v1",
        "api": "chat",
        "effort": "low",
        "extra": '{"top_p":0.5}',
        "temperature": 1.0,
        "max_tokens": 128,
    }
    assert identity_of(load_bot("random")) == ""
