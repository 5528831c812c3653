"""What ``--json`` prints is a contract: the keys of every command, and the types of their values.

Commands that take seconds are run on a tiny store; of the others (a night, a training, a server) the record is made by
hand that the command prints. ``python tests/cornerman/test_json_shapes.py`` writes ``tests/golden/json_shapes.json``
again; look at the difference before you commit it: a key that goes or changes its type breaks who reads it.
"""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cornerman.checkup import Checkup
from cornerman.cli import app
from cornerman.commands import GROUPS, SINGLE
from cornerman.commands.export import Served
from cornerman.desk import Candidate, OptimizeResult, ReflectResult, Rule
from cornerman.distilling import DistilResult
from cornerman.doctor import DoctorReport, Finding
from cornerman.drafting import DraftStudent, ImportResult, ScoreResult
from cornerman.listing import StudentRow, StudentShown
from cornerman.losing import Answers
from cornerman.night.run import NightResult
from cornerman.result import FLAT, HIDDEN, IF_ANY, TEXT, Result, as_json
from cornerman.stored import FaultShown, VoidShown
from distill.check import CheckReport, Kept
from distill.dataset import DatasetReport, Recipe
from distill.export import ExportResult
from distill.method import Method
from distill.student import Lineage
from distill.train import Fit
from episodes.fault import FaultPlace, GuestFault
from episodes.games.draft.agreement import KINDS, Agreement
from episodes.store.lost import Lost
from optimize.stats.pairs import Counts

GOLDEN = Path(__file__).parents[1] / "golden" / "json_shapes.json"
BY_NAME = {
    "scores",
    "features",
    "missing",
    "by_kind",
    "by_shape",
    "left_out",
    "situation",
    "phases",
    "student_scores",
    "answers",
}
"""Objects whose keys are data: names of players, of games, of features."""
ROSTER = "".join(f'[[players]]\nplayer = "{name}"\n' for name in ("bot:turtle", "bot:rushdown", "broken.py:player"))
BROKEN = """
from models.errors import Unavailable
class Broken:
    name = model = "broken"
    prompt_id = None
    async def act(self, observation, context):
        raise Unavailable("the server is on fire")
player = Broken()
"""
RULES = "- When the opponent is far, use fireball.\n- When the opponent is near, use heavy.\n"


def shape(value: Any, name: str = "") -> Any:
    """``value`` with types in place of values; of a list, what its first element is."""
    if isinstance(value, dict):
        shapes = {key: shape(one, key) for key, one in value.items()}
        return {"*": next(iter(shapes.values()))} if name in BY_NAME and shapes else shapes
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "null" if value is None else type(value).__name__


def printed(*words: str) -> dict[str, Any]:
    """What a command prints with ``--json``."""
    result = CliRunner().invoke(app, [*words, "--json"])
    assert result.stdout, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def commands() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every quick command in an empty folder: its name, with what is special about this call, and what it prints."""
    Path("broken.py").write_text(BROKEN)
    Path("players.toml").write_text(ROSTER)
    Path("results.csv").write_text("a,b,score\nx,y,1\ny,z,0.5\n")
    small = ("--max-pairs", "8", "--confirm-pairs", "2")
    yield "init", printed("init", "--force")
    yield "play", printed("play", "bot:turtle", "bot:rushdown", "--episodes", "2")
    yield "play, void", printed("play", "broken.py:player", "bot:random", "--episodes", "2")
    yield "compare", printed("compare", "bot:rushdown", "bot:random", *small)
    yield (
        "compare, unmeasured",
        printed("compare", "bot:turtle", "bot:random", "--max-pairs", "1", "--confirm-pairs", "0"),
    )
    yield "compare --against", printed("compare", "bot:rushdown", "bot:random", "--against", "bot:zoner", *small)
    slow = ("latency", "bot:turtle", "bot:rushdown", "--clock", "simulated:200", "--pairs", "1", "--factors", "0,1")
    yield "latency", printed(*slow)
    yield "latency --out", printed(*slow, "--out", "curve.svg")
    yield "colosseum", printed("colosseum", "players.toml", "--pairs", "1")
    yield "ladder", printed("ladder")
    yield "prompts export", printed("prompts", "export", "base", "--to", "mine.md")
    with Path("mine.md").open("a") as file:
        file.write(RULES)
    yield "prompts import", printed("prompts", "import", "mine.md", "--as", "working")
    yield "prompts list", printed("prompts", "list")
    yield "prompts show", printed("prompts", "show", "working")
    yield "prompts diff", printed("prompts", "diff", "base", "working")
    yield "prompts set", printed("prompts", "set", "working", "base")
    yield "prompts rollback", printed("prompts", "rollback", "working")
    yield "guidance list", (listed := printed("guidance", "list"))
    first, second = (item["id"] for item in listed["guidance"])
    yield "guidance show", printed("guidance", "show", first)
    yield "guidance edit", printed("guidance", "edit", first, "When you were hurt, use guard.")
    for verb in ("retire", "restore", "pin", "unpin"):
        yield f"guidance {verb}", printed("guidance", verb, second)
    yield "stats eprocess", printed("stats", "eprocess", "2", "6", "20", "18", "14")
    yield "stats sprt", printed("stats", "sprt", "2", "6", "20", "18", "14")
    yield "stats ratings", printed("stats", "ratings", "results.csv", "--samples", "10")
    yield "games", printed("games")
    yield "players", printed("players")
    yield "game-check", printed("game-check", "openspiel:tic_tac_toe")
    yield "player-check", printed("player-check", "bot:random", "--game", "openspiel:tic_tac_toe")
    yield "bench null", printed("bench", "null", "--nights", "1")
    yield "verify", printed("verify")
    yield "episodes list", (found := printed("episodes", "list", "--purpose", "play"))
    episode = found["episodes"][0]["id"]
    yield "episodes show", printed("episodes", "show", episode)
    yield "episodes replay", printed("episodes", "replay", episode)
    yield "episodes replay --verify", printed("episodes", "replay", episode, "--verify")
    yield "episodes export", printed("episodes", "export", "games.jsonl")
    yield "episodes import", printed("episodes", "import", "games.jsonl")
    yield "explain", printed("explain", episode, "4")
    yield "students list", printed("students", "list")
    for game in ("openspiel:tic_tac_toe", "openspiel:kuhn_poker"):
        printed("play", "bot:random", "bot:random", "--game", game, "--episodes", "2")
        yield f"oracle, {game}", printed("oracle", "--game", game)


def shapes(folder: Path) -> dict[str, Any]:
    """The shapes of all quick commands, run in ``folder``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("CORNERMAN_CONFIG", raising=False)
        return {name: shape(found) for name, found in commands()}


AGREED = Agreement(117, 0.15, 0.12, 0.18, 0.17)
LEARNED = DatasetReport(8, 1, 200, 300, 100, 40, 0, 90)
MEASURED = {
    "before": {"loss": 2.0, "agreement": 0.2},
    "after": {"loss": 1.0, "agreement": 0.7},
    "steps": 360,
    "train_tokens": 1000,
    "train_seconds": 2.5,
    "tokens_per_second": 400.0,
    "worth": {"before": 0.1, "after": 0.2},
}
ANSWERS = {"rookie": Answers("moves", Lost(200), "moves")}
CHECKED = CheckReport(
    verdict="undecided",
    counts=(0, 0, 1, 1, 0),
    e_value=1.1,
    comparison_id="c1",
    confirmation_counts=(0, 1, 0, 1, 0),
    gain=0.0,
    gain_low=-0.4,
    gain_high=0.4,
    kept=Kept({"bot:turtle": 0.5}, {"bot:turtle": 1.0}, 0.5, 0.2, 0.8, {"student": ["e1"], "teacher": ["e2"]}),
    latency_p50_ms=2.0,
    champion_p50_ms=4.0,
    teacher_p50_ms=130.0,
    faster=65.0,
)


def made() -> Iterator[tuple[str, dict[str, Any]]]:
    """What the slow commands print, from records like theirs."""
    rule = Rule("r1", "Always use jab.", (("e1", 3),))
    yield "reflect", as_json(ReflectResult("rookie@base", "p1", 4, 4, (Candidate("p2", (rule,)),)))
    yield "optimize", as_json(OptimizeResult(("p2",), "p1", "p2", "p2", "c1", ("c1",), (0.4, 0.1, 0.5), ANSWERS))
    yield "night", as_json(NightResult("n1", "done", "p1", "p2", ["c1"], "s1", "report.html", 2.5, ANSWERS))
    before, after = Fit(2.0, 0.2), Fit(1.0, 0.7)
    drafter = DraftStudent("s1", Path("x"), "draft:x", "human:17lands", "d1", LEARNED, MEASURED, before, after)
    yield "drafts distill", as_json(drafter)
    student = DistilResult("s1", Path("x"), "search:20", 0.9, "d1", LEARNED, MEASURED, CHECKED, before, after, ANSWERS)
    yield "distill", as_json(student)
    row = StudentRow("s1", "duel", "rookie", "{}", "d1", "x", None, 2.0, "2026-11-27T18:28:13+00:00")
    learned = Lineage(
        "s1", "rookie", "b1", "d1", "duel", "search:20", ("bot:turtle",), Recipe(), Method(), "p1", LEARNED
    )
    yield "students show", as_json(StudentShown(row, learned, MEASURED))
    yield "export", as_json(ExportResult(Path("x"), ("model.safetensors",), "vllm serve x", 1e-6))
    yield "serve", as_json(Served("http://127.0.0.1:8000", "student-s1", "vllm:http://127.0.0.1:8000#student-s1@base"))
    asked = Checkup("player", "rookie", True, answered=3, readable=3, latency_ms=4.5, price=(0.0, 0.0), held="moves")
    findings = (Finding("ok", "Python", "3.11"), Finding("fail", "disk", "full"))
    yield "doctor", as_json(DoctorReport(findings, (replace(asked, notes=("a note",)),)))
    imported = ImportResult(Path("x"), "draft:x", "human:17lands", 5, 5, 3360, 80, 67, 60, 7, {}, odd_pools=0)
    yield "drafts import", as_json(imported)
    kinds, phases = dict.fromkeys(KINDS, AGREED), {"early": AGREED}
    scored = ScoreResult("bot:random", "draft:x", 3, AGREED, kinds, phases, 0, 0, 0, 0, 0.1, 0.0, voided=0, faults=())
    yield "drafts score", as_json(scored)
    place, broke = FaultPlace("e1", "duel", "p1", None), GuestFault("game", "KeyError", "in apply: 3", "Traceback", 0)
    yield "episodes show, void", as_json(VoidShown("e1", (FaultShown(place, broke),)))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return shapes(tmp_path_factory.mktemp("shapes")) | {name: shape(one) for name, one in made()}


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return kept


def test_every_command_prints_what_it_always_did(found: dict[str, Any], golden: dict[str, Any]) -> None:
    for name in found.keys() | golden.keys():
        assert found.get(name) == golden.get(name), name


def test_no_command_is_left_out(golden: dict[str, Any]) -> None:
    words = [*SINGLE, *(f"{noun} {verb}" for noun, (_, verbs) in GROUPS.items() for verb in verbs)]
    kept = [name.partition(",")[0].partition(" --")[0] for name in golden]
    assert set(words) == set(kept)


@dataclass(frozen=True, slots=True)
class Inner:
    low: float
    file: Path


@dataclass(frozen=True, slots=True)
class Made(Result):
    counts: Counts
    inner: Inner = field(metadata=FLAT)
    words: tuple[Inner, ...] = field(metadata=TEXT)
    secret: int = field(metadata=HIDDEN)
    there: str | None = field(default="x", metadata=IF_ANY)
    away: str | None = field(default=None, metadata=IF_ANY)
    nothing: float | None = None

    @property
    def pairs(self) -> int:
        return self.counts.total


def test_a_record_becomes_json_in_one_way() -> None:
    inner = Inner(0.5, Path("a/b"))
    assert as_json(Made(Counts(1, 0, 2), inner, (inner,), 7)) == {
        "counts": [1, 0, 2, 0, 0],
        "low": 0.5,
        "file": "a/b",
        "words": [str(inner)],
        "there": "x",
        "nothing": None,
        "pairs": 3,
    }
    with pytest.raises(TypeError, match="JSON has no word for"):
        as_json(Made(Counts(), inner, (), 7, nothing=object()))  # type: ignore[arg-type]  # what a mistake would pass


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        every = shapes(Path(folder)) | {name: shape(one) for name, one in made()}
    GOLDEN.write_text(json.dumps(every, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"wrote {GOLDEN}")
