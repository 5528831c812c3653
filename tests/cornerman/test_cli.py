"""The command line's contract: one object on standard output, exit codes, one line for every mistake."""

import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from cornerman.cli import app, verdict
from cornerman.commands import GROUPS, SINGLE
from cornerman.reference import reference
from cornerman.terminal import console, live
from episodes.games.duel import GAME
from models.errors import BadInput, BudgetExhausted, GameFault

ROOT = Path(__file__).parents[2]
NAMES = [[name] for name in SINGLE] + [[noun, verb] for noun, (_, verbs) in GROUPS.items() for verb in verbs]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command runs in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CORNERMAN_DEBUG", raising=False)
    monkeypatch.delenv("CORNERMAN_CONFIG", raising=False)


def run(*words: object, code: int = 0, typed: str | None = None) -> Any:
    result = CliRunner().invoke(app, [str(word) for word in words], input=typed)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def run_json(*words: object, code: int = 0) -> dict[str, Any]:
    result = run(*words, "--json", code=code)
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


def sql(statement: str) -> list[tuple[Any, ...]]:
    """What a stranger does to the store behind our back."""
    with closing(sqlite3.connect("cornerman.db")) as db, db:
        return db.execute(statement).fetchall()


def refused(*words: object) -> str:
    """The one line of a bad input."""
    result = run(*words, code=2)
    assert result.stdout == ""
    lines = str(result.stderr).strip().splitlines()
    assert lines[-1].startswith("error: "), lines
    assert len([line for line in lines if line.startswith("error")]) == 1
    return lines[-1]


@pytest.mark.parametrize("words", NAMES, ids=" ".join)
def test_every_command_has_help_with_an_example_json_and_db(words: list[str]) -> None:
    shown = run(*words, "--help").stdout
    assert f"Example: cornerman {' '.join(words)}" in " ".join(shown.split())
    assert "--json" in shown
    assert "--db" in shown


def test_a_fault_that_voids_games_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(
        "from models.errors import Unavailable\n"
        "class Broken:\n"
        "    name = model = 'broken'\n"
        "    prompt_id = None\n"
        "    async def act(self, observation, context):\n"
        "        raise Unavailable('the server is on fire')\n"
        "player = Broken()\n"
    )
    result = run("play", "broken.py:player", "bot:random", "--episodes", 2, code=1)
    assert "voided by faults: 2 episodes, the first: the server is on fire" in result.output


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    code = (
        "import sys\nfrom cornerman.cli import app\n"
        "heavy = {'torch', 'transformers', 'dspy', 'scipy', 'numpy', 'pydantic', 'sqlite_utils', 'openai', 'pyspiel'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert shown.stdout.strip() == "[]"


def test_the_reference_page_is_what_the_help_says() -> None:
    page = (ROOT / "docs" / "commands.md").read_text()
    assert page == reference(), "run `make docs`"


def test_play_prints_the_promised_keys_and_plays_nothing_twice() -> None:
    words = ("play", "bot:turtle", "bot:rushdown", "--game", "duel", "--episodes", 4, "--clock", "paused", "--seed", 3)
    first = run_json(*words)
    assert first.keys() >= {
        "episodes", "pairs", "counts", "score", "low", "high",
        "illegal", "refused", "timeouts", "turns", "seconds", "cost_usd",
    }  # fmt: skip
    assert (first["episodes"], first["pairs"], sum(first["counts"])) == (4, 2, 2)
    assert first["low"] <= first["score"] <= first["high"]
    again = run_json(*words)
    assert {**first, "seconds": 0} == {**again, "seconds": 0}
    assert sql("select count(*) from episodes") == [(4,)]
    assert run_json("episodes", "replay", "--verify") == {"episodes": 4, "turns": first["turns"], "differences": 0}
    assert run_json("verify")["differences"] == 0


def test_an_odd_number_of_episodes_leaves_no_half_pair_in_the_score() -> None:
    found = run_json("play", "bot:zoner", "bot:random", "--episodes", 3, "--game", "duel")
    assert (found["episodes"], found["pairs"], sum(found["counts"])) == (3, 1, 1)


def test_compare_prints_the_promised_keys_and_resumes() -> None:
    words = ("compare", "bot:rushdown", "bot:random", "--max-pairs", 40, "--confirm-pairs", 10)
    found = run_json(*words)
    assert found["verdict"] == "better"
    assert found["pairs"] == sum(found["counts"])
    assert found["gain_low"] <= found["gain"] <= found["gain_high"]
    for key in ("latency_ms", "tokens", "cost_usd"):
        assert found[key].keys() == {"a", "b"}
    assert run_json(*words) == found
    assert run_json("verify")["by_kind"]["comparisons"] == 1


def test_compare_shows_the_evidence_for_what_it_says() -> None:
    pairs = ("--max-pairs", 40, "--confirm-pairs", 2)
    better = run("compare", "bot:rushdown", "bot:random", *pairs).stdout
    worse = run("compare", "bot:random", "bot:rushdown", *pairs).stdout
    for shown, said in ((better, "better"), (worse, "worse")):
        assert f" is {said} against " in shown
        evidence = re.search(r"^e-value ([\d,]+), decided at 20$", shown, re.M)
        assert evidence and int(evidence[1].replace(",", "")) >= 20
    one = run("compare", "bot:rushdown", "bot:random", "--max-pairs", 1, "--confirm-pairs", 0).stdout
    assert re.search(r"^e-value [\d.]+ that A is better, [\d.]+ that it is worse; 20 would decide$", one, re.M)
    assert "; 1 pair\n" in one
    assert "lost decisions: A none, B none" in one


def test_verify_notices_a_changed_number() -> None:
    run("compare", "bot:rushdown", "bot:random", "--max-pairs", 16, "--confirm-pairs", 4)
    sql("update comparisons set n4 = n4 + 1")
    found = run_json("verify", code=1)
    assert found["differences"] >= 1


def test_play_says_what_each_seat_is_worth() -> None:
    """In tic-tac-toe with both sides played by chance the first seat wins 58.5 % and loses 28.8 %: +0.297 a game."""
    found = run_json("play", "bot:random", "bot:random", "--episodes", 400, "--game", "openspiel:tic_tac_toe")
    first, second = found["returns"]
    assert first == -second
    assert abs(first - 0.297) < 4 * 0.89 / 200**0.5  # the two games of a pair are the same game here


def test_an_episode_shows_values_and_thoughts_beside_replies() -> None:
    run("play", "search:20", "bot:random", "--episodes", 1, "--game", "openspiel:tic_tac_toe")
    sql("insert into texts values ('t1', 'I should\x1b[31m take the centre')")
    sql("update turns set thought_id = 't1' where n = 1")
    found = run_json("episodes", "list")
    (episode,) = (one["id"] for one in found["episodes"])
    shown = run("episodes", "show", episode).stdout
    assert "\nthought: I should" in shown and "\x1b" not in shown
    first, second, *_ = run_json("episodes", "show", episode)["turns_list"]
    best, *_ = first["values"]
    assert f"\nvalues: {best} {first['values'][best]:+.3f}, " in shown
    assert (second["thought"], second["values"], second["listed"]) == ("I should\x1b[31m take the centre", {}, True)


def test_replay_notices_a_changed_move() -> None:
    run("play", "bot:rushdown", "bot:zoner", "--episodes", 1)
    sql("update turns set move = 'retreat' where n = 5")
    assert run_json("episodes", "replay", "--verify", code=1)["differences"] >= 1


def test_prompts_go_out_to_a_file_and_come_back() -> None:
    run("play", "bot:random", "bot:random", "--episodes", 1)
    run("prompts", "export", "base", "--to", "mine.md")
    text = Path("mine.md").read_text()
    Path("mine.md").write_text(text + "- When the opponent is far, use fireball.\n")
    made = run_json("prompts", "import", "mine.md", "--as", "mine")
    assert made["items"] == 1
    shown = run_json("prompts", "show", "mine")
    assert shown["id"] == made["id"]
    assert "When the opponent is far, use fireball." in shown["text"]
    assert any(
        line.startswith("+") and "fireball" in line for line in run_json("prompts", "diff", "base", "mine")["lines"]
    )
    assert [row["id"] for row in run_json("prompts", "list")["prompts"]] == [made["id"]]
    assert run_json("prompts", "set", "other", made["id"][:6])["prompt_id"] == made["id"]
    assert "was never anything else" in refused("prompts", "rollback", "other")


def test_guidance_is_edited_and_retired_in_the_working_prompt() -> None:
    run("play", "bot:random", "bot:random", "--episodes", 1)
    run("prompts", "export", "base", "--to", "mine.md")
    with Path("mine.md").open("a") as file:
        file.write("- When the opponent is far, use fireball.\n- When the opponent is near, use heavy.\n")
    run("prompts", "import", "mine.md", "--as", "working")
    items = {row["text"]: row["id"] for row in run_json("guidance", "list")["guidance"]}
    edited = run_json(
        "guidance", "edit", items["When the opponent is near, use heavy."], "When you were hurt, use guard."
    )
    assert edited["changed"]
    retired = run_json("guidance", "retire", items["When the opponent is far, use fireball."])
    assert retired["changed"]
    rules = [item["text"] for item in run_json("prompts", "show", "working")["items"]]
    assert rules == ["When you were hurt, use guard."]
    assert run_json("guidance", "show", retired["id"])["status"] == "retired"
    run("prompts", "rollback", "working")
    assert len(run_json("prompts", "show", "working")["items"]) == 2


def test_stats_answer_from_counts_alone() -> None:
    found = run_json("stats", "eprocess", 2, 6, 20, 18, 14)
    assert found["e"] == pytest.approx(996.59, abs=0.01)
    assert found.keys() >= {"e", "e_lower", "low", "high", "elo_low", "elo_high"}
    test = run_json("stats", "sprt", 2, 6, 20, 18, 14, "--elo0", 0, "--elo1", 50, "--model", "logistic")
    assert test["llr"] == pytest.approx(5.56, abs=0.01)
    assert test["verdict"] == "accepted"
    Path("table.csv").write_text("a,b,score\nx,y,1\ny,z,0.5\n")
    assert run_json("stats", "ratings", "table.csv")["ratings"][0]["player"] == "x"


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ((2, 6, 20, 18, 14), ("e-value against no better  997", "Elo    +108  [+28, +192]")),
        ((10, 0, 0, 0, 0), ("e-value against +50 Elo    759", "Elo    -infinite  [-infinite, -67]")),
        ((0, 0, 0, 0, 1000), ("e-value against no better  10^294", "Elo    +infinite  [+907, +infinite]")),
        ((0, 0, 0, 0, 0), ("e-value against no better  1", "Elo    +0  [-infinite, +infinite]")),
    ],
)
def test_stats_are_written_as_everywhere(counts: tuple[int, ...], said: tuple[str, ...]) -> None:
    shown = run("stats", "eprocess", *counts).stdout.splitlines()
    assert set(said) <= set(shown)


def test_games_players_and_doctor_list_what_there_is() -> None:
    listed = {game["name"]: game for game in run_json("games")["games"]}
    assert listed["duel"]["can_clone"] is True
    assert listed["duel"]["capabilities"] == json.loads(json.dumps(asdict(GAME.capabilities)))
    assert listed["duel"]["tick_rate"] == 60
    assert "bot:turtle" in run_json("players")["house"]
    found = CliRunner().invoke(app, ["doctor", "--json"])
    assert {finding["what"] for finding in json.loads(found.stdout)["findings"]} >= {"Python", "SQLite", "disk"}


def test_episodes_go_out_to_a_file_and_come_back() -> None:
    run("play", "bot:turtle", "bot:random", "--episodes", 2)
    for name in ("games.jsonl", "games.parquet"):
        assert run_json("episodes", "export", name)["episodes"] == 2
        assert run_json("episodes", "import", name, "--db", f"{name}.db") == {"path": name, "episodes": 2, "new": 2}
        assert run_json("episodes", "import", name)["new"] == 0
        assert run_json("episodes", "replay", "--verify", "--db", f"{name}.db")["differences"] == 0
    found = run_json("episodes", "list", "--player", "bot:turtle")["episodes"]
    assert len(found) == 2
    shown = run_json("episodes", "show", found[0]["id"])
    assert shown["turns_list"][0]["reply_class"] == "move"
    assert run_json("episodes", "replay", found[0]["id"])["frames"][-1]["who"] == "end"


def test_a_game_is_checked_against_the_contract() -> None:
    assert run_json("game-check", "openspiel:tic_tac_toe") == {
        "game": "openspiel:tic_tac_toe",
        "ok": True,
        "problems": [],
    }


def test_doctor_says_whether_a_key_is_set_and_never_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    shown = CliRunner().invoke(app, ["doctor"]).output
    assert "OPENAI_API_KEY: is set" in shown
    assert "very-secret" not in shown


def test_init_writes_a_file_once() -> None:
    run("init")
    assert "exists" in refused("init") or "there already" in refused("init")
    run("init", "--force", "--db", "other.db")
    assert 'db = "other.db"' in Path("cornerman.toml").read_text()


def test_a_person_plays_at_the_terminal() -> None:
    words = ("play", "human", "bot:random", "--game", "openspiel:tic_tac_toe", "--episodes", 1, "--json")
    result = run(*words, typed="centre\n" * 9)
    assert json.loads(result.stdout)["episodes"] == 1
    assert "standard input ended" in refused(*words, "--seed", 2)


class TestBadInput:
    """The mistakes that users make, each with one line that names the way out."""

    def test_an_unknown_player(self) -> None:
        assert "did you mean rookie" in refused("play", "rooky@base", "bot:turtle")
        assert "bot:turtle" in refused("play", "bot:turtel", "bot:turtle")
        assert "search:400" in refused("play", "search:much", "bot:turtle")
        assert "no student" in refused("compare", "student:ab", "bot:turtle")
        assert "names no model" in refused("play", "openai:@base", "bot:turtle")
        assert "knows duel only" in refused("play", "bot:zoner", "bot:random", "--game", "openspiel:tic_tac_toe")

    def test_an_unknown_game_clock_or_command(self) -> None:
        assert "unknown game 'dule'" in refused("play", "bot:random", "bot:random", "--game", "dule")
        assert "unknown clock" in refused("play", "bot:random", "bot:random", "--clock", "slow")
        assert "Did you mean 'night'" in run("nigth", code=2).output
        assert "unknown size" in refused("night", "--size", "huge")

    def test_an_unknown_key_in_the_file(self) -> None:
        Path("cornerman.toml").write_text("[night]\nalhpa = 0.1\n")
        line = refused("play", "bot:random", "bot:random")
        assert "cornerman.toml" in line
        assert "'alpha'" in line

    def test_a_missing_key_names_its_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        assert "OPENAI_API_KEY" in refused("play", "openai:gpt-5-nano@base", "bot:turtle")

    def test_a_broken_markdown_prompt(self) -> None:
        Path("broken.md").write_text("no front matter\n")
        assert "broken.md:1" in refused("prompts", "import", "broken.md")
        assert "no such file" in refused("prompts", "import", "none.md")

    def test_a_database_from_a_newer_version(self) -> None:
        run("play", "bot:random", "bot:random", "--episodes", 1)
        sql("pragma user_version = 99")
        for words in (["play", "bot:random", "bot:random"], ["episodes", "list"], ["verify"]):
            assert "newer cornerman" in refused(*words)

    def test_a_file_that_is_no_database(self) -> None:
        Path("text.db").write_text("this is not a database, whatever its name says" * 20)
        assert "text.db" in refused("episodes", "list", "--db", "text.db")

    def test_a_store_that_is_not_there(self) -> None:
        assert "there is no store" in refused("episodes", "list")
        assert "no folder" in refused("play", "bot:random", "bot:random", "--db", "no/such/place.db")

    def test_a_model_folder_with_pickled_weights(self) -> None:
        folder = Path("model")
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")
        assert "pickle" in refused("play", "local:model@base", "bot:turtle")

    def test_a_port_in_use(self) -> None:
        folder = Path("student")
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        (folder / "model.safetensors").write_bytes(b"")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            assert str(port) in refused("serve", folder, "--port", port)

    def test_students_that_are_not_there(self) -> None:
        run("play", "bot:random", "bot:random", "--episodes", 1)
        for words in (["export", "ab", "--to", "x"], ["serve", "ab"], ["students", "show", "ab"]):
            assert "no student 'ab'" in refused(*words)
        assert run_json("students", "list") == {"students": []}

    def test_nothing_to_reflect_on_and_nothing_to_try(self) -> None:
        run("play", "bot:random", "bot:random", "--episodes", 1)
        assert "no stored game of rookie" in refused("reflect", "--size", "smoke")
        assert "no candidate" in refused("optimize", "--size", "smoke")
        assert "unknown size" in refused("reflect", "--size", "huge")

    def test_counts_and_tables_that_make_no_sense(self) -> None:
        assert "negative" in refused("stats", "eprocess", "--", -1, 6, 20, 18, 14)
        Path("table.csv").write_text("a,b,score\nx,y,7\n")
        assert "line 2" in refused("stats", "ratings", "table.csv")


def test_no_disk_space_is_one_line(tmp_path: Path) -> None:
    """A limit on the size of files stands in for a full disk: SQLite and Python meet it at the same calls."""
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); "
        "import sys; sys.argv = ['cornerman', 'play', 'bot:random', 'bot:random', '--episodes', '20']; "
        "from cornerman.cli import main; main()"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=120,
        check=False,
    )
    assert found.returncode == 2, found.stderr
    last = found.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert "full" in last or "space" in last
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (BadInput("x"), 2, "error: x"),
        (BudgetExhausted("spent"), 1, "error: spent"),
        (GameFault("in phrase: KeyError: 'far' (mine.py, line 4)"), 1, "the game broke in phrase: KeyError: 'far'"),
        (KeyboardInterrupt(), 130, "goes on where it stopped"),
        (OSError(28, "No space left on device"), 2, "no space left"),
        (OSError(98, "Address already in use"), 2, "--port"),
        (PermissionError(13, "Permission denied", "x.md"), 2, "x.md: permission denied"),
        (sqlite3.OperationalError("database or disk is full"), 2, "no space left"),
        (ExceptionGroup("several", [BadInput("inner")]), 2, "error: inner"),
        (ZeroDivisionError("oh"), 1, "--debug"),
    ],
)
def test_every_error_is_one_line_with_its_code(error: BaseException, code: int, words: str) -> None:
    line, found = verdict(error)
    assert found == code
    assert words in line
    assert "\n" not in line


def test_names_are_shown_as_they_are(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither as markup nor as little pictures, in lines that stay and in lines that change in place."""
    odd = "against bot:turtle: and [bold]x[/bold]"
    console().print(odd)
    assert capsys.readouterr().err == f"{odd}\n"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with live(odd):
        pass
    assert odd in capsys.readouterr().err


def test_a_busy_port_is_one_line() -> None:
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        first.listen()
        with pytest.raises(OSError) as caught:
            second.bind(first.getsockname())
    assert verdict(caught.value) == ("error: the port is in use; choose another with --port", 2)


def test_debug_shows_where(monkeypatch: pytest.MonkeyPatch) -> None:
    result = CliRunner().invoke(app, ["--debug", "play", "nobody", "bot:turtle"])
    monkeypatch.delenv("CORNERMAN_DEBUG", raising=False)
    assert result.exit_code == 2
    assert "Traceback" in result.output


def test_the_app_is_typers() -> None:
    assert isinstance(app, typer.Typer)
