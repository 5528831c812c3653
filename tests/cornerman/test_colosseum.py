"""The colosseum from the outside: its file, its games, its ratings, and what happens when it is interrupted."""

import asyncio
import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
import termios
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from colosseum_games import PLAYERS
from typer.testing import CliRunner
from waiting import episodes_in, wait_until

from cornerman.cli import STOPPED, app
from cornerman.colosseum.entrants import FORMERLY_UNSHAPING, Entrants
from cornerman.colosseum.roster import Entry
from cornerman.night.steps import digest
from cornerman.workplace import Workplace, workplace
from optimize.arena import MAX_FAULTS

ROOT = Path(__file__).parents[2]
GAMES = Path(__file__).parents[1] / "support" / "colosseum_games.py"
BOTS = ("bot:turtle", "bot:rushdown", "bot:zoner", "bot:random")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CORNERMAN_DEBUG", raising=False)
    monkeypatch.delenv("CORNERMAN_CONFIG", raising=False)
    Path("people.py").write_text(PLAYERS)


def roster(*players: str, name: str = "players.toml", **top: object) -> str:
    """Write a file of players; a player is its name alone, or all its lines."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in top.items()]
    for player in players:
        lines += ["[[players]]", player if "=" in player else f'player = "{player}"']
    Path(name).write_text("\n".join(lines))
    return name


def run(*words: object, code: int = 0) -> Any:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def hold(*words: object, code: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("colosseum", *words, "--json", code=code).stdout)
    return found


@contextmanager
def as_the_first_version(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is kept of what answers behind a name, and time limits count as settings."""
    settings = Entrants._settings
    with monkeypatch.context() as patched:
        patched.setattr(Entrants, "_settings", lambda self, entry, *_: settings(self, entry, FORMERLY_UNSHAPING))
        for place in ("episodes.pairs", "episodes.play", "cornerman.colosseum.entrants"):
            patched.setattr(f"{place}.identity_of", lambda player: "")
        yield


def lasting(found: dict[str, Any]) -> dict[str, Any]:
    """The result without what differs from run to run."""
    return {key: value for key, value in found.items() if key not in ("seconds", "page")}


def elo(found: dict[str, Any]) -> dict[str, float]:
    return {row["player"]: row["elo"] for row in found["players"]}


def row(found: dict[str, Any], player: str) -> dict[str, Any]:
    return next(row for row in found["players"] if row["player"] == player)


def sql(statement: str, db: str = "cornerman.db") -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(db)) as connection, connection:
        return connection.execute(statement).fetchall()


def start(*words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", "from cornerman.cli import main; main()", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def games_in(db: str) -> int:
    return episodes_in(Path(db))


def wait_for_games(process: subprocess.Popen[str], db: str, games: int) -> None:
    def there() -> bool:
        assert process.poll() is None, "it ended before it was interrupted"
        return games_in(db) >= games

    wait_until(there, f"{games} games")


def test_everybody_meets_everybody_and_nothing_is_played_twice() -> None:
    words = (roster(*BOTS, game="duel", clock="simulated:100", pairs=2), "--seed", 3)
    found = hold(*words)
    assert (found["status"], found["system"], found["episodes"], found["sittings"]) == ("done", "round-robin", 24, 12)
    assert (found["voided"], found["forfeits"], found["absent"]) == (0, 0, [])
    assert {(one["a"], one["b"]) for one in found["pairings"]} | {
        (one["b"], one["a"]) for one in found["pairings"]
    } == {(a, b) for a in BOTS for b in BOTS if a != b}
    for one in found["players"]:
        assert one["games"] == one["wins"] + one["draws"] + one["losses"] == 12
        assert one["score"] == pytest.approx((one["wins"] + one["draws"] / 2) / 12)
        assert one["score"] == pytest.approx(sum(one["seats"]) / 2)
        assert one["elo_low"] <= one["elo"] <= one["elo_high"]
        assert one["moves"] > 1
    assert [one["rank"] for one in found["players"]] == [1, 2, 3, 4]
    assert sum(one["score"] for one in found["players"]) == pytest.approx(2)
    assert lasting(hold(*words)) == lasting(found)
    assert sql("select count(*), count(distinct seed) from episodes where purpose = 'colosseum'") == [(24, 2)]
    assert Path(found["page"]).read_text().startswith("<!doctype html>")


def test_a_new_player_or_more_pairs_play_only_what_is_new() -> None:
    hold(roster(*BOTS[:3]), "--pairs", 1)
    assert games_in("cornerman.db") == 6
    before = set(sql("select id from episodes"))
    # In another order: the place in the file means nothing.
    hold(roster(*reversed(BOTS)), "--pairs", 1)
    assert games_in("cornerman.db") == 12
    hold(roster(*BOTS), "--pairs", 2)
    assert games_in("cornerman.db") == 24
    assert before < set(sql("select id from episodes"))


def test_a_killed_colosseum_goes_on_to_the_same_result() -> None:
    words = (roster(*BOTS, clock="simulated:60"), "--pairs", 6)
    process = start("colosseum", *words, "--db", "killed.db")
    wait_for_games(process, "killed.db", 8)
    process.kill()
    process.communicate()
    kept = games_in("killed.db")
    assert 8 <= kept < 72
    again = hold(*words, "--db", "killed.db")
    assert games_in("killed.db") == 72
    assert lasting(again) == lasting(hold(*words, "--db", "whole.db"))


def test_ctrl_c_stops_with_one_line() -> None:
    process = start("colosseum", roster(*BOTS, clock="simulated:60"), "--pairs", 200)
    wait_for_games(process, "cornerman.db", 4)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == ""
    assert err.strip().splitlines()[-1] == STOPPED
    assert "Traceback" not in err


def test_on_a_terminal_a_table_follows_the_games() -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 120))
    command = [sys.executable, "-c", "from cornerman.cli import main; main()", "colosseum"]
    command += [roster(*BOTS[:2], 'name = "[b]dice[/b]"\nplayer = "bot:random"'), "--pairs", "2", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=theirs, text=True) as process:
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # what a terminal says when nobody is left to write to it
            while more := os.read(ours, 65536):
                shown += more
        out = process.communicate()[0]
    os.close(ours)
    assert process.returncode == 0
    last = shown.decode().rpartition("of 6 pairs")[2]
    assert json.loads(out)["sittings"] == 6
    assert "[b]dice[/b]" in last and "bot:turtle" in last and "under 0.1 ms" in last


def test_a_large_slow_player_loses_to_a_small_fast_one_and_the_table_shows_why() -> None:
    """On the paused clock the large one is the better player; with its time charged it is not."""
    words = (
        roster('name = "small"\nplayer = "people.py:small_fast"', 'name = "large"\nplayer = "people.py:large_slow"'),
    )
    thought = hold(*words, "--clock", "paused", "--pairs", 8)
    assert elo(thought)["large"] > elo(thought)["small"]
    speed = hold(*words, "--clock", "measured", "--pairs", 8)
    assert elo(speed)["small"] > elo(speed)["large"]
    small, large = row(speed, "small"), row(speed, "large")
    assert (small["latency_ms"], large["latency_ms"]) == (50, 1500)
    assert small["moves"] > 3 * large["moves"]
    assert (large["tokens"], large["cost_usd"]) == (310 * large["decisions"], pytest.approx(large["decisions"] / 1000))
    page = " ".join(Path(speed["page"]).read_text().split())
    assert "Time is charged: small decides in 50 ms and gets in" in page
    assert "large, the slowest, takes 1.50 s and gets in" in page
    shown = run("colosseum", *words, "--clock", "measured", "--pairs", 8).stdout
    assert f"{small['moves']:.1f}" in shown
    assert "1.50 s" in shown


def test_ratings_with_and_without_forfeits() -> None:
    """Clumsy walks furthest and sometimes falls: what it plays out it wins."""
    words = (roster("people.py:clumsy", "people.py:middling", "people.py:slow", game=f"{GAMES}:PAIR"), "--pairs", 12)
    found = hold(*words)
    clumsy = row(found, "people.py:clumsy")
    assert found["forfeits"] == clumsy["forfeits"] > 5
    assert clumsy["rank"] > 1
    clean = {one["player"]: one["without_forfeits"]["elo"] for one in found["players"]}
    assert max(clean, key=lambda name: clean[name]) == "people.py:clumsy"
    assert clumsy["refused"] > 0.1
    assert "Without them the order is another: people.py:clumsy" in Path(found["page"]).read_text()
    assert "played out" in run("colosseum", *words).stdout


def test_swiss_rounds_pair_afresh_and_remember_their_pairings() -> None:
    words = (roster(*BOTS, "bot:grappler", system="swiss", clock="simulated:60"), "--rounds", 4, "--pairs", 1)
    found = hold(*words)
    assert (found["system"], found["sittings"], found["episodes"]) == ("swiss", 8, 16)
    met = Counter(frozenset((one["a"], one["b"])) for one in found["pairings"])
    assert len(met) == 8, "a pairing was repeated"
    rounds = [json.loads(result) for (result,) in sql("select result from steps order by key")]
    assert len({drawn["bye"] for drawn in rounds}) == 4
    assert lasting(hold(*words)) == lasting(found)
    longer = hold(*words[:2], 5, *words[3:])
    assert longer["episodes"] == 20
    assert games_in("cornerman.db") == 20
    runs = sql("select id, kind, number, status, plan from runs")
    assert runs == [(f"colosseum-{found['colosseum']}", "colosseum", 1, "done", "")]
    assert sql("select distinct night_id from steps") == [(runs[0][0],)]
    assert sql("select count(*) from nights") == [(0,)]


def test_void_games_of_a_swiss_round_are_played_later_and_change_no_pairing() -> None:
    Path("flaky.py").write_text(
        "from pathlib import Path\n"
        "from episodes.players.bots import load_bot\n"
        "from models.errors import Unavailable\n"
        "class Flaky:\n"
        "    name = model = 'flaky'\n"
        "    prompt_id = None\n"
        "    async def act(self, observation, context):\n"
        "        if not Path('up').exists():\n"
        "            raise Unavailable('down')\n"
        "        return await load_bot('turtle').act(observation, context)\n"
        "player = Flaky()\n"
    )
    words = (roster(*BOTS[1:], "flaky.py:player", system="swiss"), "--rounds", 3, "--pairs", 2)
    first = hold(*words)
    assert (first["voided"], first["absent"], first["sittings"]) == (6, ["flaky.py:player"], 6)
    drawn = sql("select key, result from steps")
    Path("up").touch()
    second = hold(*words)
    assert (second["voided"], second["absent"], second["sittings"]) == (0, [], 12)
    assert sql("select key, result from steps") == drawn
    assert games_in("cornerman.db") == 24


def test_an_interrupted_swiss_goes_on_to_the_same_result() -> None:
    words = (roster(*BOTS, "bot:grappler", system="swiss", clock="simulated:60"), "--pairs", 6)
    process = start("colosseum", *words, "--rounds", 4, "--db", "killed.db")
    wait_for_games(process, "killed.db", 30)
    process.kill()
    process.communicate()
    again = hold(*words, "--rounds", 4, "--db", "killed.db")
    assert lasting(again) == lasting(hold(*words, "--rounds", 4, "--db", "whole.db"))


def test_swiss_rounds_are_drawn_anew_where_another_model_answers_behind_a_name() -> None:
    """Its results decide who meets whom, and those of the first model are not the second's."""
    Path("model.jsonl").write_text('{"match": ".", "reply": "guard"}')
    words = (roster(*BOTS, "scripted:model.jsonl@base", system="swiss"), "--rounds", 2, "--pairs", 1)
    drawn = "select key, input_hash from steps order by key"
    hold(*words)
    first = sql(drawn)
    hold(*words)
    assert sql(drawn) == first
    Path("model.jsonl").write_text('{"match": ".", "reply": "jab"}')
    hold(*words)
    assert not set(sql(drawn)) & set(first)


def test_swiss_rounds_of_before_stand_where_a_void_game_counts_today(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn anew from the games that count by now, others would meet, and what was paid for would count no more."""
    Path("down.py").write_text(
        "from episodes.players.bots import load_bot\n"
        "from models.errors import Unavailable\n"
        "class Down:\n"
        "    name = model = 'down'\n"
        "    prompt_id = None\n"
        "    async def act(self, observation, context):\n"
        "        raise Unavailable('down')\n"
        "player = Down()\n"
    )
    Path("model.jsonl").write_text('{"match": ".", "reply": "guard"}')
    words = (roster(*BOTS[1:], PATIENT, "down.py:player", system="swiss"), "--rounds", 3, "--pairs", 1)
    with as_the_first_version(monkeypatch):
        first = hold(*words)
    assert first["voided"]
    games = games_in("cornerman.db")
    mended = "return await load_bot('turtle').act(observation, context)"
    Path("down.py").write_text(Path("down.py").read_text().replace("raise Unavailable('down')", mended))
    second = hold(*words)
    assert second["voided"] == 0
    assert games_in("cornerman.db") == games + 2 * first["voided"]


def test_swiss_rounds_of_players_whose_names_say_everything_keep_their_inputs() -> None:
    hold(roster(*BOTS, system="swiss"), "--rounds", 2, "--pairs", 1)
    assert sql("select distinct input_hash from steps") == [(digest("drawn once"),)]


def test_three_seats_are_played_in_all_rotations_and_ranked() -> None:
    people = ("people.py:fast", "people.py:middling", "people.py:slow", 'name = "other"\nplayer = "bot:random"')
    found = hold(roster(*people, game=f"{GAMES}:RACE"), "--pairs", 20, "--rating", "openskill")
    assert (found["sittings"], found["episodes"]) == (20, 60)
    assert found["players"][0]["player"] == "people.py:fast"
    assert found["players"][-1]["player"] == "people.py:slow"
    for one in found["players"]:
        assert one["games"] == 45
        assert len(one["seats"]) == 3
        assert one["score"] == pytest.approx(sum(one["seats"]) / 3)
    # Every seating of a table on a seed is there once.
    seated = sql(
        "select pair_id, seat, count(distinct player) from episodes join seats on episode_id = id group by 1, 2"
    )
    assert {count for _, _, count in seated} == {3}
    skills = {one["player"]: one["openskill"]["mu"] for one in found["players"]}
    assert max(skills, key=lambda name: skills[name]) == "people.py:fast"
    assert min(skills, key=lambda name: skills[name]) == "people.py:slow"
    assert lasting(hold("players.toml", "--pairs", 20, "--rating", "openskill")) == lasting(found)


def test_alone_everybody_plays_the_same_seeds() -> None:
    found = hold(roster("people.py:fast", "people.py:middling", "people.py:slow", game=f"{GAMES}:ALONE"), "--pairs", 10)
    assert (found["episodes"], found["players"][0]["player"]) == (30, "people.py:fast")
    best = found["players"][0]
    assert best["games"] == 10
    assert best["wins"] + best["draws"] + best["losses"] == 20, "it is compared with two others on each seed"
    assert 0.5 < best["score"] <= 1
    assert sql("select count(distinct seed), count(distinct pair_id) from episodes") == [(10, 10)]
    assert json.loads(run("ladder", "--json").stdout)["ladders"][0]["players"] == found["players"]


def test_a_broken_player_voids_its_pairs_and_is_left_out() -> None:
    words = (roster("people.py:broken", *BOTS[:2], clock="simulated:60"), "--pairs", 12)
    result = run("colosseum", *words)
    asked = result.stdout.count("asked ")
    # All its first games begin at once; after that nobody asks it.
    assert MAX_FAULTS <= asked < 64
    assert "voided by faults: 24, the first: the server is on fire" in result.stdout
    assert "without a game that counts: people.py:broken" in result.stdout
    found = json.loads(run("ladder", "--json").stdout)["ladders"][0]
    assert {one["player"]: one["games"] for one in found["players"]} == {BOTS[0]: 24, BOTS[1]: 24}


def test_a_colosseum_in_which_nothing_counts_has_failed() -> None:
    result = run("colosseum", roster("people.py:broken", "bot:random"), "--pairs", 2, "--out", "page.html", code=1)
    assert "voided by faults: 2" in result.stdout
    assert not Path("page.html").exists()


def test_an_exhausted_budget_stops_it_and_the_result_so_far_is_told() -> None:
    Path("spent.py").write_text(
        "from episodes.players.bots import load_bot\n"
        "from models.errors import BudgetExhausted\n"
        "class Spent:\n"
        "    name = model = 'spent'\n"
        "    prompt_id = None\n"
        "    calls = 0\n"
        "    async def act(self, observation, context):\n"
        "        self.calls += 1\n"
        "        if self.calls > 150:\n"
        "            raise BudgetExhausted('the limit of $1 is reached')\n"
        "        return await load_bot('turtle').act(observation, context)\n"
        "player = Spent()\n"
    )
    found = hold(roster("spent.py:player", "bot:rushdown", clock="measured"), "--pairs", 40, code=1)
    assert (found["status"], found["stopped"]) == ("stopped", "the limit of $1 is reached")
    assert 0 < found["sittings"] < 40
    assert sum(one["games"] for one in found["players"]) == 2 * found["episodes"]


def test_the_same_model_may_play_under_two_settings() -> None:
    Path("model.jsonl").write_text('{"match": "Time left", "reply": "guard"}')
    hot = 'name = "hot"\nplayer = "scripted:model.jsonl@base"\ntemperature = 1.5\nmax_tokens = 7'
    cold = 'name = "cold"\nplayer = "scripted:model.jsonl@base"\ntemperature = 0'
    clock = "simulated:300"
    first = hold(roster(hot, cold, clock=clock), "--pairs", 1)
    assert {one["player"] for one in first["players"]} == {"hot", "cold"}
    assert all(one["prompt_id"] for one in first["players"])
    assert games_in("cornerman.db") == 2
    # A setting that is written out and changes nothing makes no new player; a changed one does.
    hold(roster(hot + "\ntime_limit = 60.0", cold, clock=clock), "--pairs", 1)
    assert games_in("cornerman.db") == 2
    hold(roster(hot.replace("1.5", "0.5"), cold, clock=clock), "--pairs", 1)
    assert games_in("cornerman.db") == 4


PATIENT = 'name = "model"\nplayer = "scripted:model.jsonl@base"\ntime_limit = 50.0'


def test_a_time_limit_makes_no_other_colosseum() -> None:
    Path("model.jsonl").write_text('{"match": ".", "reply": "guard"}')
    first = hold(roster(PATIENT.replace("\ntime_limit = 50.0", ""), "bot:turtle"), "--pairs", 1)
    assert lasting(hold(roster(PATIENT, "bot:turtle"), "--pairs", 1)) == lasting(first)
    assert games_in("cornerman.db") == 2
    assert sql("select count(*) from runs") == [(1,)]


def test_games_of_before_are_found_where_a_time_limit_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("model.jsonl").write_text('{"match": ".", "reply": "guard"}')
    with as_the_first_version(monkeypatch):
        hold(roster(PATIENT, "bot:turtle"), "--pairs", 1)
    before = sql("select id from episodes order by id")
    hold(roster(PATIENT, "bot:turtle"), "--pairs", 1)
    assert sql("select id from episodes order by id") == before
    hold(roster(PATIENT, "bot:turtle"), "--pairs", 2)
    assert games_in("cornerman.db") == 4


def test_a_price_and_limits_are_no_settings_of_a_player(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    Path("cornerman.toml").write_text("[budget]\nusd = inf\n")
    options: dict[str, object] = {
        "price": [1.0, 2.0],
        "requests_per_minute": 900.0,
        "tokens_per_minute": 9e6,
        "concurrency": 8,
        "time_limit": 50.0,
        "api_key_env": "OPENAI_API_KEY",
    }
    shaping: dict[str, object] = {
        "temperature": 0.5,
        "max_tokens": 7,
        "base_url": "http://127.0.0.1:9/v1",
        "extra": {"top_p": 0.5},
    }

    async def settings(place: Workplace) -> list[str]:
        entrants = Entrants(place)
        given = [{}, *({key: value} for key, value in (options | shaping).items())]
        found = entrants.open([Entry("m", "openai:m@base", one) for one in given])
        await entrants.close()
        return [one.settings for one in found]

    with workplace(Path("cornerman.db")) as place:
        plain, *others = asyncio.run(settings(place))
    assert set(others[: len(options)]) == {plain}
    assert len({plain, *others[len(options) :]}) == 1 + len(shaping)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no players: a colosseum needs two or more"),
        ('[[players]]\nplayer = "bot:turtle"', "1 player: a colosseum needs two or more"),
        ('[[players]]\nplayer = "bot:turtle"\n' * 2, "players.2: 'bot:turtle' is there twice (see players.1)"),
        (
            '[[players]]\nname = "x"\nplayer = "bot:turtle"\n[[players]]\nname = "x"\nplayer = "bot:zoner"',
            "players.2: 'x' is there twice",
        ),
        (
            '[[players]]\nname = "x"\nplayer = "bot:turtle"\n[[players]]\nname = "y"\nplayer = "bot:turtle"',
            "players.2: 'y' is there twice (see players.1)",
        ),
        (
            "".join(
                f'[[players]]\nname = "{name}"\nplayer = "openai:m@base"\nprice = [1, 2]\nextra = {{ top_p = 0.9 }}\n'
                for name in "xy"
            ),
            "players.2: 'y' is there twice (see players.1)",
        ),
        ('[[player]]\nplayer = "bot:turtle"', "unknown key 'player'; the nearest known one is 'players'"),
        ('[[players]]\nplayr = "bot:turtle"', "unknown key 'players.1.playr'; the nearest known one is 'player'"),
        ('[[players]]\nplayer = "rookie"\nmodel = "x"', "unknown key 'players.1.model'"),
        ('[[players]]\nplayer = "rookie"\napi_key = "sk-1"', "keys come from the environment"),
        ('[[players]]\nname = "x"', "players.1.player: a text is needed"),
        ("[[players]]\nplayer = 3", "players.1.player: a text is needed"),
        ('[[players]]\nname = "\\u001b[31m"\nplayer = "rookie"', "has characters that cannot be shown"),
        ('[[players]]\nplayer = "bot:turtle"\ntemperature = 1', "bot:turtle is no chat model and has no such setting"),
        ('[[players]]\nplayer = "rookie"\ntemperature = 9', "players.1.temperature: Input should be less than"),
        ('players = ["rookie", "bot:turtle"]', "write each one as [[players]]"),
        ('pairs = "many"', "pairs: a whole number is needed"),
        ("pairs = 0\n[[players]]\nplayer = 'a'\n[[players]]\nplayer = 'b'", "pairs: at least 1"),
        ("system = 'knockout'\n[[players]]\nplayer = 'a'\n[[players]]\nplayer = 'b'", "unknown system 'knockout'"),
        ("[[players", "not a TOML file"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_is_one_line(text: str, message: str) -> None:
    if text.startswith('pairs = "'):
        text += '\n[[players]]\nplayer = "a"\n[[players]]\nplayer = "b"'
    Path("players.toml").write_text(text)
    result = run("colosseum", "players.toml", code=2)
    assert result.stdout == ""
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("error: players.toml: ")
    assert message in line
    assert not Path("cornerman.db").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("none.toml",), "none.toml: no such file"),
        ((".",), "is a folder"),
        (("players.toml", "--system", "cup"), "unknown system 'cup'"),
        (("players.toml", "--rounds", "3"), "rounds are for swiss"),
        (("players.toml", "--rating", "elo"), "unknown rating 'elo'"),
        (("players.toml", "--clock", "sundial"), "unknown clock 'sundial'"),
        (("players.toml", "--game", "chess2"), "unknown game 'chess2'"),
        (("players.toml", "--game", f"{GAMES}:RACE"), "has 3 seats and the file 2 players: add 1"),
        (("players.toml", "--game", f"{GAMES}:ALONE", "--system", "swiss"), "swiss pairs two players"),
        (("players.toml", "--out", "nowhere/page.html"), "there is no folder nowhere"),
    ],
)
def test_what_cannot_be_played_is_one_line(words: tuple[str, ...], message: str) -> None:
    roster("bot:random", "people.py:middling")
    result = run("colosseum", *words, code=2)
    assert result.stdout == ""
    (line,) = result.stderr.strip().splitlines()
    assert message in line


def test_the_ladder_keeps_games_and_clocks_apart() -> None:
    assert "no colosseum games in the store yet" in run_ladder_before_any()
    roster(*BOTS[:3])
    hold("players.toml", "--pairs", 1)
    found = hold("players.toml", "--pairs", 2, "--clock", "simulated:90")
    run("play", *BOTS[:2], "--episodes", 4)
    ladders = json.loads(run("ladder", "--json").stdout)["ladders"]
    assert [(one["game"], one["clock"], one["episodes"]) for one in ladders] == [
        ("duel", "simulated:90", 12),
        ("duel", "paused", 6),
    ]
    assert ladders[0]["players"] == found["players"]
    (only,) = json.loads(run("ladder", "--clock", "paused", "--game", "duel", "--json").stdout)["ladders"]
    assert only == ladders[1]
    assert "duel, paused clock, 6 games" in run("ladder").stdout
    assert "no colosseum games of go yet" in run("ladder", "--game", "go", code=2).stderr


def run_ladder_before_any() -> str:
    run("play", *BOTS[:2], "--episodes", 2)
    return str(run("ladder", code=2).stderr)


def test_half_a_pair_counts_nowhere() -> None:
    hold(roster(*BOTS[:2]), "--pairs", 2)
    (gone,) = sql("select min(id) from episodes")[0]
    for table, column in (
        ("episodes", "id"),
        ("seats", "episode_id"),
        ("turns", "episode_id"),
        ("inputs", "episode_id"),
    ):
        sql(f"delete from {table} where {column} = '{gone}'")
    assert json.loads(run("ladder", "--json").stdout)["ladders"][0]["episodes"] == 2
