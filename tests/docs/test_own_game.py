"""The game of docs/own-game.md, installed as its readers would install it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "own-game.md").read_text(encoding="utf-8")
CODE = re.findall(r"```python\n(.*?)^```$", PAGE, re.S | re.M)[0]
PROJECT = re.findall(r"```text\n(.*?)^```$", PAGE, re.S | re.M)[0]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package and what pip made of it."""
    folder = tmp_path_factory.mktemp("package")
    (folder / "twenty_one.py").write_text(CODE, encoding="utf-8")
    (folder / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    target = folder / "site"
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--target", str(target), "."], cwd=folder, check=True, timeout=120)
    return target


Cornerman = Callable[..., str]


@pytest.fixture
def cornerman(shell: dict[str, str], tmp_path: Path) -> Cornerman:
    """Runs a command in a folder of its own, with the package in ``site``; returns what it prints."""

    def run(site: Path, *words: str) -> str:
        environment = shell | {"PYTHONPATH": os.pathsep.join([shell["PYTHONPATH"], str(site)])}
        done = subprocess.run(
            ["cornerman", *words],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_a_game_takes_less_than_eighty_lines() -> None:
    assert len(CODE.splitlines()) < 80


def test_an_installed_game_is_found_checked_and_played(cornerman: Cornerman, installed: Path) -> None:
    assert "twenty-one" in cornerman(installed, "games")
    cornerman(installed, "game-check", "twenty-one")
    found = json.loads(
        cornerman(
            installed,
            "play",
            "search:300",
            "bot:random",
            "--game",
            "twenty-one",
            "--episodes",
            "20",
            "--json",
        )
    )
    assert found["score"] > 0.8
    replayed = json.loads(cornerman(installed, "episodes", "replay", "--verify", "--json"))
    assert (replayed["episodes"], replayed["differences"]) == (20, 0)


def test_without_installing_it_is_played_from_its_file(cornerman: Cornerman, tmp_path: Path) -> None:
    (tmp_path / "twenty_one.py").write_text(CODE, encoding="utf-8")
    cornerman(tmp_path, "game-check", "twenty_one.py:GAME")
