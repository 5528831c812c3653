"""Plug-ins that break, met by every command: the fault is kept and told in one line, and nothing else ends."""

import asyncio
import json
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cornerman.cli import app
from cornerman.config import Config
from cornerman.opening import open_simple
from cornerman.scale.tickets import PlayerCard, Reply, Setup, Ticket, decode, encode
from cornerman.scale.worker import Worker
from distill.teach import Lessons, teach
from episodes.games import load_game
from episodes.player import Player, ReplyClass
from episodes.store.store import Store

PAGE = (Path(__file__).parents[2] / "docs" / "own-game.md").read_text(encoding="utf-8")
OWN_GAME = PAGE.partition("```python\n")[2].partition("\n```")[0]
BREAKS = '''

class Breaking(Counting):
    """Breaks in the middle; ``clone`` keeps the class, and so does ``belief``."""

    def apply(self, moves):
        if self.count > 5:
            raise RuntimeError("the count got lost")
        super().apply(moves)


class Game(TwentyOne):
    def initial_state(self, seed):
        return Breaking() if seed % 4 in WHEN else Counting()


ALWAYS, ODD = Game(), Game()
'''
PLAYERS = """
from episodes.player import Decision


class Clumsy:
    prompt_id = None

    def __init__(self, name, turns):
        self.name = self.model = f"people.py:{name}"
        self.turns = turns

    async def act(self, observation, context):
        if context.turn in self.turns:
            raise ValueError(f"no idea at turn {context.turn}")
        move = observation.legal_moves[context.seed % len(observation.legal_moves)]
        return Decision(move, move, 0.0)


ALWAYS, THIRD, FINE = Clumsy("ALWAYS", range(99)), Clumsy("THIRD", [2]), Clumsy("FINE", [])
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CORNERMAN_DEBUG", raising=False)
    monkeypatch.delenv("CORNERMAN_CONFIG", raising=False)
    Path("people.py").write_text(PLAYERS, encoding="utf-8")
    for name, when in (("always", "range(4)"), ("sometimes", "(3,)")):
        Path(f"{name}.py").write_text(f"WHEN = {when}\n{OWN_GAME}{BREAKS}", encoding="utf-8")


def run(*words: object, code: int = 0) -> Any:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == code, result.output
    assert "internal fault" not in result.output
    return result


def shown(*words: object, code: int = 0) -> tuple[dict[str, Any], str]:
    result = run(*words, "--json", code=code)
    return json.loads(result.stdout), result.stderr


def sql(statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect("cornerman.db")) as connection, connection:
        return connection.execute(statement).fetchall()


def test_play_with_a_player_that_raises() -> None:
    found, said = shown("play", "people.py:ALWAYS", "bot:random", "--game", "duel", "--episodes", 4)
    assert (found["episodes"], found["voided"], found["score"]) == (4, 0, 0.0)
    faults = sql('select player, seat, turn, times, "where", kind, traceback from faults')
    assert len(faults) == 4 and found["faulted"] == sum(times for _, _, _, times, *_ in faults) > 40
    assert {(player, turn, where, kind) for player, _, turn, _, where, kind, _ in faults} == {
        ("people.py:ALWAYS", min(turn for _, _, turn, *_ in faults), "player", "ValueError"),
        ("people.py:ALWAYS", max(turn for _, _, turn, *_ in faults), "player", "ValueError"),
    }
    assert all('raise ValueError(f"no idea' in traceback for *_, traceback in faults)
    assert said.count("the player people.py:ALWAYS broke") == 1
    assert sql("select sum(faults) from seats") == [(found["faulted"],)]
    run("verify")
    run("episodes", "replay", "--verify")


def test_play_tells_of_it_once_and_shows_it() -> None:
    result = run("play", "people.py:THIRD", "people.py:FINE", "--game", "duel", "--episodes", 2)
    (line,) = [line for line in result.stderr.splitlines() if "the player people.py:THIRD broke" in line]
    assert (
        "ValueError: no idea at turn 2 (people.py, line 14); the decision is lost; see `cornerman episodes show" in line
    )
    own = "2 to faults of the player's own code"
    assert f"lost decisions: people.py:THIRD {own}, people.py:FINE none" in result.stdout
    episode = line.rpartition("show ")[2].strip("`")
    page = run("episodes", "show", episode).stdout
    assert "\n    raise ValueError(" in page and ReplyClass.FAULT in page
    as_json, _ = shown("episodes", "show", episode)
    assert [(fault["player"], fault["times"]) for fault in as_json["faults"]] == [("people.py:THIRD", 1)]
    assert sum(turn["reply_class"] == "fault" for turn in as_json["turns_list"]) == 1


def test_play_in_a_game_that_breaks() -> None:
    found, said = shown("play", "bot:random", "people.py:FINE", "--game", "sometimes.py:ODD", "--episodes", 40)
    assert 0 < found["voided"] < 40 and found["episodes"] == 40 - found["voided"] and found["faulted"] == 0
    assert said.count("the game twenty-one broke in apply: RuntimeError: the count got lost (sometimes.py, line ") == 1
    void = sql('select episode_id, pair_id, kind, "where", seat, player from faults')
    assert len(void) == found["voided"]
    assert {row[2:] for row in void} == {("RuntimeError", "game", None, None)}
    page = run("episodes", "show", void[0][0]).stdout
    assert page.startswith(f"episode {void[0][0]} is void") and "raise RuntimeError(" in page
    assert shown("episodes", "show", void[0][0])[0]["void"] is True
    again, _ = shown("play", "bot:random", "people.py:FINE", "--game", "sometimes.py:ODD", "--episodes", 40)
    assert (again["episodes"], again["voided"]) == (found["episodes"], found["voided"])


def test_an_episode_that_is_kept_tells_of_no_earlier_attempt() -> None:
    """The game broke, was mended, and the same command played the episode to its end."""
    words = ("play", "people.py:THIRD", "bot:random", "--game", "always.py:ODD", "--episodes", 2)
    run(*words, code=1)
    ((episode,), *_) = sql("select episode_id from faults order by id")
    assert "the game twenty-one broke" in run("episodes", "show", episode).stdout
    mended = Path("always.py").read_text(encoding="utf-8").replace("WHEN = range(4)", "WHEN = ()")
    Path("always.py").write_text(mended, encoding="utf-8")
    run(*words)
    kept = run("episodes", "show", episode).stdout
    assert "ended by" in kept and "the game twenty-one broke" not in kept
    as_json, _ = shown("episodes", "show", episode)
    assert {fault["where"] for fault in as_json["faults"]} <= {"player"}


def test_play_in_a_game_that_always_breaks_ends_with_code_1() -> None:
    found, _ = shown("play", "bot:random", "people.py:FINE", "--game", "always.py:ALWAYS", "--episodes", 4, code=1)
    assert (found["episodes"], found["voided"], found["score"]) == (0, 4, None)
    assert found["faults"][0].startswith("GameFault: in apply: RuntimeError: the count got lost")


def test_compare_counts_them_by_side() -> None:
    words = ("compare", "people.py:THIRD", "people.py:FINE", "--game", "duel", "--max-pairs", 4, "--confirm-pairs", 0)
    found, said = shown(*words)
    assert found["faulted"] == {"a": 8, "b": 0} and said.count("the player people.py:THIRD broke") == 1
    assert "lost decisions: A 8 to faults of the player's own code, B none" in run(*words).stdout


def test_compare_in_a_game_that_breaks_goes_on_or_ends_with_one_line() -> None:
    words = ("--max-pairs", 12, "--confirm-pairs", 0, "--game")
    found, _ = shown("compare", "people.py:THIRD", "people.py:FINE", *words, "sometimes.py:ODD")
    assert found["pairs"] == sum(found["counts"]) > 0 and found["voided"] > 0
    ended = run("compare", "bot:random", "people.py:FINE", *words, "always.py:ALWAYS", "--db", "other.db", code=1)
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    assert "pairs in a row were voided, the last because the game broke" in line
    assert "in apply: RuntimeError: the count got lost (always.py, line " in line and "cornerman game-check" in line


def test_a_colosseum_with_both() -> None:
    lines = [f'[[players]]\nplayer = "{name}"' for name in ("people.py:FINE", "bot:random", "people.py:ALWAYS")]
    Path("three.toml").write_text("\n".join(lines), encoding="utf-8")
    Path("two.toml").write_text("\n".join(lines[:2]), encoding="utf-8")
    found, said = shown("colosseum", "three.toml", "--pairs", 8, "--game", "sometimes.py:ODD")
    assert found["voided"] > 0 and found["faulted"] > 0 and found["episodes"] > 0
    assert "the game twenty-one broke" in said and "broke at turn" in said
    assert found["players"][-1]["player"] == "people.py:ALWAYS"
    void, _ = shown("colosseum", "two.toml", "--pairs", 3, "--game", "always.py:ALWAYS", "--db", "other.db", code=1)
    assert (void["voided"], void["episodes"], void["absent"]) == (3, 0, ["bot:random", "people.py:FINE"])


def test_a_night_with_an_opponent_that_raises() -> None:
    Path("cornerman.toml").write_text(
        'game = "openspiel:roshambo"\n[player]\nmodel = "follower"\n[night]\nopponents = ["people.py:ALWAYS"]\n',
        encoding="utf-8",
    )
    found, said = shown("night", "--size", "smoke")
    assert found["status"] == "done"
    assert said.count("the player people.py:ALWAYS broke") == 1
    page = Path(found["report"]).read_text(encoding="utf-8")
    (lost,) = sql("select sum(times) from faults where night_id is not null")[0]
    assert f"Code of plug-ins broke: 0 games void, {lost:,} decisions lost." in page
    run("verify")


def test_a_night_of_a_game_that_breaks() -> None:
    Path("cornerman.toml").write_text('[player]\nmodel = "follower"\n', encoding="utf-8")
    found, said = shown("night", "--size", "smoke", "--game", "sometimes.py:ODD")
    assert found["status"] == "done" and said.count("the game twenty-one broke") == 1
    void = sql("select count(*) from faults where \"where\" = 'game'")[0][0]
    assert void > 0
    assert "Code of plug-ins broke: " in Path(found["report"]).read_text(encoding="utf-8")
    ended = run("night", "--size", "smoke", "--game", "always.py:ALWAYS", "--db", "other.db", code=1)
    assert "pairs in a row were voided, the last because the game broke" in ended.stderr


def test_reflection_in_a_game_that_has_no_words() -> None:
    Path("cornerman.toml").write_text('[player]\nmodel = "follower"\n', encoding="utf-8")
    Path("wordless.py").write_text(
        "from episodes.games.duel import Duel\n\n\nclass Wordless(Duel):\n"
        "    def phrase(self, feature, value):\n        return self.words[value]\n\n\nODD = Wordless()\n",
        encoding="utf-8",
    )
    run("play", "follower@base", "bot:random", "--game", "wordless.py:ODD", "--episodes", 12)
    result = run("reflect", "base", "--game", "wordless.py:ODD", "--size", "demo")
    assert "- When distance is " in result.stdout
    assert result.stderr.count("the game duel broke in phrase: AttributeError") == 1
    assert "situations are told by their names" in result.stderr
    ((kind, turn, traceback),) = sql("select kind, turn, traceback from faults")
    assert (kind, turn) == ("AttributeError", None) and "return self.words[value]" in traceback
    assert "the game raised AttributeError" in run("game-check", "wordless.py:ODD", code=1).output


def here(name: str, *, game: str) -> Player:
    found = open_simple(name, load_game(game))
    assert found is not None
    return found


@pytest.mark.parametrize("workers", [0, 1])
def test_teacher_games_of_both(workers: int) -> None:
    place = str(Path("sometimes.py").resolve()) + ":ODD"
    clumsy = str(Path("people.py").resolve()) + ":THIRD"
    lessons = Lessons(load_game(place), "search:20", (clumsy, "bot:random"), tuple(range(6)), f"w{workers}", "n")
    with Store.open("s.db") as store:
        told: list[str] = []
        store.on_fault = lambda place, fault: told.append(fault.where)
        report = asyncio.run(teach(store, lessons, partial(here, game=place), workers=workers))
        assert 0 < len(report.episodes) < lessons.games and report.faults
        assert all(fault.startswith("GameFault: in ") for fault in report.faults)
        void, lost = store.fault_counts("n")
        assert void > 0 and lost > 0
        assert {"game", "player"} == set(told)


def test_a_worker_of_ray_sends_both_as_data() -> None:
    """Called as Ray would, without it."""

    async def played(game: str, *specs: str) -> Reply:
        config = Config(game=game)
        hired = Worker(encode(Setup(config.model_dump_json(), config.game, str(Path.cwd()), 1, False, False)))
        match = {"seed": 1, "pair_id": "p"}
        asked = Ticket(game, tuple(PlayerCard(spec) for spec in specs), "paused", match)
        return decode(Reply, await hired.play(encode(asked)))

    lost = asyncio.run(played("duel", "people.py:ALWAYS", "bot:random"))
    assert lost.record is not None and lost.record.faults[0].player == "people.py:ALWAYS"
    void = asyncio.run(played("always.py:ALWAYS", "people.py:FINE", "bot:random"))
    assert void.record is None and void.fault is not None and void.fault.kind == "GameFault"
    assert [fault.kind for fault in void.fault.guests] == ["RuntimeError"]


def test_game_check_teaches_as_ever() -> None:
    found, said = shown("game-check", "always.py:ALWAYS", code=1)
    assert any("the game raised RuntimeError: the count got lost" in problem for problem in found["problems"])
    assert said == ""
