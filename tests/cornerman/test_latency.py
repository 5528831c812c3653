"""``cornerman latency``: the curve of a score over multiples of the latency, and what it says."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cornerman.cli import app
from cornerman.latency import LatencyCurve, Point, wins_by
from cornerman.report.curve import draw_curve
from optimize.sides import Both

PLAYERS = '''
from episodes.player import Decision

class Slow:
    """Takes what it is worth; claims ``latency`` seconds a decision."""
    model, prompt_id = "told", None

    def __init__(self, name, latency, wise):
        self.name, self.latency, self.wise = name, latency, wise

    async def act(self, observation, context):
        seen = observation.situation
        move = "advance"
        if self.wise and seen["opponent"] == "jumping":
            move = "uppercut"
        elif seen["distance"] == "touching":
            move = "jab" if self.wise or context.turn % 2 else "heavy"
        elif self.wise and seen["opponent"] == "striking":
            move = "guard"
        return Decision(move, move, self.latency)

THINKER = Slow("thinker", 0.9, True)
QUICK = Slow("quick", 0.01, False)
'''


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "two.py").write_text(PLAYERS)
    return tmp_path


def run(*words: str, code: int = 0) -> Any:
    result = CliRunner().invoke(app, ["latency", *words])
    assert result.exit_code == code, result.output
    return result


def test_a_thinker_loses_what_thought_won_once_time_is_charged(folder: Path) -> None:
    words = ("two.py:THINKER", "two.py:QUICK", "--pairs", "12", "--factors", "0,1,4", "--out", "curve.svg", "--json")
    found = json.loads(run(*words).stdout)
    points = {point["factor"]: point for point in found["points"]}
    assert list(points) == [0, 1, 4]
    assert points[0]["clock"] == "paused"
    assert points[4]["clock"] == "measured*4"
    assert points[0]["score"] > 0.8 > points[4]["score"]
    assert points[4]["moves_a"] < points[0]["moves_a"] / 2
    assert found["wins_by"]["a"] in ("thought", "both")
    drawn = ET.parse(folder / "curve.svg").getroot()
    assert len([part for part in drawn.iter() if part.tag.endswith("circle")]) == 3
    again = json.loads(run(*words).stdout)  # nothing is played again, and the figures are the same
    assert again["points"] == found["points"]


def point(factor: float, low: float, high: float) -> Point:
    return Point(factor, "", 10, 0, (low + high) / 2, low, high, 1, 1, 0)


@pytest.mark.parametrize(
    ("points", "a", "b"),
    [
        ([point(0, 0.6, 0.9), point(1, 0.4, 0.7)], "thought", "undecided"),
        ([point(0, 0.4, 0.6), point(1, 0.6, 0.9)], "speed", "undecided"),
        ([point(0, 0.6, 0.9), point(2, 0.6, 0.9)], "both", "undecided"),
        ([point(0, 0.6, 0.9), point(4, 0.1, 0.3)], "thought", "speed"),
        ([point(0, 0.4, 0.6), point(0.5, 0.8, 0.9)], "undecided", "undecided"),
    ],
)
def test_what_the_curve_says(points: list[Point], a: str, b: str) -> None:
    assert wins_by(points) == Both(a, b)


def test_names_are_text_on_the_picture() -> None:
    row = point(1, 0.4, 0.6)
    drawn = draw_curve(LatencyCurve("<script>", "\x1b[31mb&", "g", (row, replace(row, score=None))))
    assert "<script>" not in drawn
    assert "\x1b" not in drawn
    ET.fromstring(drawn)


def test_turn_based_games_need_a_time_control() -> None:
    game = ("--game", "openspiel:tic_tac_toe")
    result = run("bot:random", "bot:random", *game, code=2)
    assert "add a time control, as in measured/60+2" in result.stderr
    run("bot:random", "bot:random", *game, "--clock", "simulated:100/60", "--pairs", "1")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--clock", "paused"], "latency costs nothing"),
        (["--factors", "1,x"], "no multiples of a latency"),
        (["--factors", "-1"], "no multiples of a latency"),
        (["--out", "no/such/folder/x.svg"], "there is no folder"),
    ],
)
def test_mistakes(words: list[str], says: str) -> None:
    assert says in run("bot:random", "bot:turtle", *words, code=2).stderr
