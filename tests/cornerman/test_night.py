"""A whole night of the smallest size on the built-in parts: what it prints, keeps and repeats.

Invariants:
1. Every stage runs, and the figures of the night come out again from the stored games.
2. The same seed, configuration and models give the same night in another folder, though that one is killed in the
   middle of its stages: pair by pair.
"""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from waiting import rows_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

PROGRAM = str(Path(sys.executable).with_name("cornerman"))
KILLED = Path(__file__).parents[1] / "support" / "killed_night.py"
KILLS = (("play.1", 3), ("reflect.1", 0), ("trial.1", 5), ("effects", 3), ("teach", 3), ("train", 0), ("check", 3))
"""A stage that is killed, and how many episodes it has stored by then: what is under way is lost in its middle."""

GAMES = (
    "select e.id, e.purpose, e.seed, e.pair_id, e.ticks, e.final_fingerprint, s.seat, s.player, s.prompt_id, s.score, "
    "s.turns from episodes e join seats s on s.episode_id = e.id where e.clock != 'measured' order by e.id, s.seat"
)
COMPARISONS = (
    "select id, a, b, n0, n1, n2, n3, n4, e_value, verdict, gain from comparisons where purpose != 'check' order by id"
)
PROMPTS = "select name, model, prompt_id from aliases order by name, model"
STUDENTS = "select id, base_model, dataset_id from students"


def run(folder: Path, *words: str) -> dict[str, Any]:
    done = subprocess.run([*words, "--json"], check=False, cwd=folder, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def kept(folder: Path) -> list[Any]:
    """Everything of a night that must not depend on how it went."""
    with sqlite3.connect(folder / "cornerman.db") as connection:
        return [connection.execute(query).fetchall() for query in (GAMES, COMPARISONS, PROMPTS, STUDENTS)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("night")
    return folder, run(folder, PROGRAM, "night", "--size", "smoke")


def test_a_night_runs_every_stage_and_says_what_came_of_it(finished: tuple[Path, dict[str, Any]]) -> None:
    folder, result = finished
    assert result["status"] == "done"
    assert {"night", "working", "certified", "promotions", "student", "report", "seconds"} <= result.keys()
    assert result["answers"]["rookie"]["held"] == "moves"
    assert result["answers"]["rookie"]["lost"]["turns"] > 100
    assert not any(kind != "turns" and n for kind, n in result["answers"]["rookie"]["lost"].items())
    page = folder / result["report"]
    assert "<html" in page.read_text(encoding="utf-8")
    with sqlite3.connect(folder / "cornerman.db") as connection:
        purposes = {row[0] for row in connection.execute("select distinct purpose from episodes")}
        assert {"play", "gate", "confirm", "teach", "check", "league"} <= purposes
        states = connection.execute("select distinct state from steps").fetchall()
        assert states == [("done",)]
        assert connection.execute("select count(*) from students").fetchone()[0] == 1


def test_the_figures_of_a_night_come_out_again(finished: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = finished
    verified = run(folder, PROGRAM, "verify")
    assert verified["checked"] > 0
    assert verified["differences"] == 0
    replayed = run(folder, PROGRAM, "episodes", "replay", "--verify")
    assert replayed["episodes"] > 0
    assert replayed["differences"] == 0


def test_a_night_killed_again_and_again_is_the_same_night(
    finished: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, whole = finished
    kills = ",".join(f"{stage}:{episodes}" for stage, episodes in KILLS)
    result = run(tmp_path, sys.executable, str(KILLED), kills, "night", "--size", "smoke")
    assert result["status"] == "done"
    assert result["night"] == whole["night"]
    assert kept(tmp_path) == kept(folder)
    attempts = dict(rows_of(tmp_path / "cornerman.db", "select key, attempts from steps"))
    killed = [stage for stage, _ in KILLS]
    assert attempts == {stage: 2 if stage in killed else 1 for stage in attempts}
