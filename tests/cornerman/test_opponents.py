"""Nights about opponents: rock-paper-scissors over thirty rounds against the bots of the RoShamBo competitions.

Invariants:
1. The night finds the counters of opponents that have habits, and its prompt wins on fresh games.
2. Against an opponent that has none nothing is promoted, and a player against itself comes out even.
3. Its figures come out of the store again, and an interrupted night ends as the one that was not.
"""

import json
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cornerman.cli import app
from cornerman.config import Config, NightSection, PlayerSection, StudentSection
from cornerman.night.run import NightResult, run_night
from cornerman.players import Players
from cornerman.verify import verify
from cornerman.workplace import Workplace
from distill.rookie.train import new_model, write_model
from episodes.clock import Clock
from episodes.games import load_game
from episodes.players.roshambo import roshambo_bots
from episodes.store.store import Store
from models.errors import BadInput
from optimize.arena import Arena, Series
from optimize.seeds import Seeds
from optimize.stats.eprocess import interval
from optimize.stats.pairs import Counts

GAME = "openspiel:roshambo"
SMALL_GAMES = Path(__file__).parents[1] / "support"


@dataclass
class Heard:
    """Listens to a night; ``stop`` may end it at a stage."""

    stop: Callable[[str], bool] = lambda title: False
    lines: list[str] = field(default_factory=list)

    def stage(self, title: str) -> None:
        self.lines.append(title)
        if self.stop(title):
            raise KeyboardInterrupt

    def progress(self, done: int, total: int, detail: str = "") -> None:
        pass

    def say(self, line: str) -> None:
        self.lines.append(line)


def configured(folder: Path, *opponents: str, seed: int = 1, game: str = GAME, model: str = "follower") -> Config:
    night = NightSection(seed=seed, opponents=opponents, folder=folder / "nights")
    return Config(game=game, db=folder / "cornerman.db", player=PlayerSection(model=model), night=night)


def night(config: Config, heard: Heard | None = None) -> NightResult:
    game = load_game(config.game)
    with Store.open(config.db) as store:
        place = Workplace(config, store, game, Players(config, store))
        return place.run(lambda: run_night(place, "smoke", heard or Heard()))


def score(config: Config, player: str, opponent: str, pairs: int = 12) -> float:
    """The mean pair score on seeds that no night had."""
    return counts(config, player, opponent, pairs).mean


def counts(config: Config, player: str, opponent: str, pairs: int, game: str = GAME) -> Counts:
    with Store.open(config.db) as store:
        players, rules = Players(config, store), load_game(game)
        arena = Arena(rules, Clock("paused"), store, scope="afterwards")
        a, b = (players.open(name, rules) for name in (player, opponent))
        lane = Series(arena, a, b, Seeds("afterwards", "play"), "play")

        async def play() -> Counts:
            await lane.play(pairs)
            return lane.sample.counts

        return Workplace(config, store, rules, players).run(play)


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, NightResult, Heard]:
    """A night against who always throws rock."""
    config, heard = configured(tmp_path_factory.mktemp("rockbot"), "roshambo:rockbot"), Heard()
    return config, night(config, heard), heard


def test_the_night_learns_that_paper_beats_rock(learned: tuple[Config, NightResult, Heard]) -> None:
    config, result, _ = learned
    assert result.status == "done" and len(result.promotions) == 1
    with Store.open(config.db, write=False) as store:
        prompt = Players(config, store).library.resolve("certified", load_game(GAME), "follower")
        assert prompt.id == result.certified
        situations = [
            json.loads(row[0]) for row in store.db.execute("select distinct situation from turns where move = 'rock'")
        ]
    chosen = [next((rule.move for rule in prompt.rules if rule.matches(one)), None) for one in situations]
    assert len(chosen) > 50
    assert chosen.count("paper") >= 0.95 * len(chosen)
    assert score(config, "follower@certified", "roshambo:rockbot") == 1.0
    assert 0.2 < score(config, "follower@base", "roshambo:rockbot") < 0.8


def test_the_night_says_what_it_was_about_and_what_it_left_out(learned: tuple[Config, NightResult, Heard]) -> None:
    _, result, heard = learned
    told = "\n".join(heard.lines)
    assert "the night is about roshambo:rockbot" in told
    assert "left out: student: the rookie has no words for openspiel:roshambo" in told
    assert "points of 100 more against its opponents than the champion before it" in told
    assert result.student is None
    page = Path(result.report or "").read_text(encoding="utf-8")
    for words in (
        "The night was about roshambo:rockbot.",
        "both against roshambo:rockbot",
        "against follower@base, through roshambo:rockbot",
        "Against the opponents",
        "Left out: student: the rookie has no words",
        "stands in for one",
        "use paper.",
    ):
        assert words in page, words
    assert '"frames": []' in page, "the game is shown in words"


def test_its_figures_come_out_again(learned: tuple[Config, NightResult, Heard]) -> None:
    config, _, _ = learned
    with Store.open(config.db, write=False) as store:
        found = verify(store)
        assert found.differences == ()
        assert found.checked["comparisons"] >= 3
        through = list(store.db.query("select purpose, config from comparisons"))
    for row in through:
        assert (row["config"] is None) == (row["purpose"] == "control"), "only the control plays head to head"


def test_the_pairs_of_a_promotion_are_what_verify_reads(
    learned: tuple[Config, NightResult, Heard], tmp_path: Path
) -> None:
    config, result, _ = learned
    copy = tmp_path / "copy.db"
    with sqlite3.connect(config.db) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    with sqlite3.connect(copy) as db:
        db.execute("update seats set score = 0.5 where player = ?", [f"follower@{result.certified[:8]}"])
    with Store.open(copy, write=False) as store:
        assert any("its episodes give" in line for line in verify(store).differences)


GAMES = (
    "select e.id, e.purpose, e.seed, e.pair_id, s.seat, s.player, s.prompt_id, s.score from episodes e "
    "join seats s on s.episode_id = e.id where e.night_id is not null order by e.id, s.seat"
)
COMPARISONS = (
    "select id, a, b, n0, n1, n2, n3, n4, e_value, verdict, gain, config from comparisons where night_id is not null "
    "order by id"
)


def test_an_interrupted_night_ends_as_the_one_that_was_not(
    learned: tuple[Config, NightResult, Heard], tmp_path: Path
) -> None:
    whole, result, _ = learned
    config = configured(tmp_path, "roshambo:rockbot")
    for part in ("analyst reflects", "race and gate", "fresh seeds", "before and after"):
        with pytest.raises(KeyboardInterrupt):
            night(config, Heard(stop=lambda title, part=part: part in title))  # type: ignore[misc]
    assert night(config).certified == result.certified
    for query in (GAMES, COMPARISONS):
        kept = [sqlite3.connect(one.db).execute(query).fetchall() for one in (whole, config)]
        assert kept[0] == kept[1]


@pytest.mark.parametrize("bot", ["copybot", "rotatebot", "freqbot2"])
def test_the_night_finds_the_counters_of_other_habits(bot: str, tmp_path: Path) -> None:
    opponent = f"roshambo:{bot}"
    assert opponent.removeprefix("roshambo:") in roshambo_bots()
    config = configured(tmp_path, opponent)
    assert night(config).promotions
    assert score(config, "follower@certified", opponent) >= 0.95


@pytest.mark.parametrize(
    ("opponent", "seed"), [("bot:random", 1), ("bot:random", 2), ("roshambo:randbot", 3), ("roshambo:randbot", 4)]
)
def test_the_night_does_not_claim_to_beat_an_equilibrium(opponent: str, seed: int, tmp_path: Path) -> None:
    config, heard = configured(tmp_path, opponent, seed=seed), Heard()
    result = night(config, heard)
    assert result.promotions == []
    assert any(re.match(r"[1-9]\d* candidates?, from ", line) for line in heard.lines), "there were some"
    assert "Nothing was promoted tonight" in Path(result.report or "").read_text(encoding="utf-8")


def test_a_mirror_match_is_even(tmp_path: Path) -> None:
    config = configured(tmp_path)
    found = counts(config, "follower@base", "follower@base", 150, game="openspiel:roshambo(rounds=5)")
    low, high = interval(found)
    assert low <= 0.5 <= high
    assert high - low < 0.2


def test_opponents_with_prompts_stay_what_they_were(tmp_path: Path) -> None:
    """The night's own names move while it runs: an opponent named by one is held at its prompt of the beginning."""
    config = configured(tmp_path, "roshambo:rockbot")
    first = night(config)
    again = configured(tmp_path, "follower@certified")
    heard = Heard()
    night(again, heard)
    assert "the night is about follower@certified" in "\n".join(heard.lines)
    with Store.open(config.db, write=False) as store:
        played = store.db.execute(
            "select distinct s.player, s.prompt_id from seats s join episodes e on e.id = s.episode_id "
            "where e.purpose = 'play' and s.player like 'follower@____________________'"
        ).fetchall()
        assert played == [(f"follower@{first.certified}", first.certified)]
        assert verify(store).differences == ()


# Games in which a night cannot do everything.

SMALL = """
import sys
from dataclasses import dataclass

sys.path.insert(0, {place!r})
from small_games import Heap

from episodes.game import Capabilities


class Free(Heap):
    def read_move(self, reply, observation):
        return next((move for move in ("take-1", "take-2", "take-3") if move in reply), None)


OPEN = Heap(name="small.py:OPEN")
CLOSED = Heap(Capabilities(), name="small.py:CLOSED")
FREE = Free(moves=(), name="small.py:FREE")
"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.py").write_text(SMALL.format(place=str(SMALL_GAMES)))
    return tmp_path


@pytest.mark.parametrize(
    ("game", "left_out"),
    [
        ("small.py:CLOSED", {"what-ifs", "student"}),
        ("small.py:FREE", {"guidance", "student"}),
    ],
)
def test_a_night_runs_whole_where_it_cannot_do_everything(game: str, left_out: set[str], small: Path) -> None:
    config, heard = configured(small, game=game), Heard()
    result = night(config, heard)
    assert result.status == "done" and result.student is None
    assert {line.split(": ")[1] for line in heard.lines if line.startswith("left out: ")} == left_out
    page = Path(result.report or "").read_text(encoding="utf-8")
    assert all(f"Left out: {what}: " in page for what in left_out)
    with Store.open(config.db, write=False) as store:
        assert verify(store).differences == ()
        again = store.db.execute("select count(*) from episodes").fetchone()
    assert again[0] > 0


def test_a_base_that_cannot_learn_the_game_costs_the_student_only(small: Path) -> None:
    config, heard = configured(small, game="small.py:OPEN"), Heard()
    result = night(config.model_copy(update={"student": StudentSection(base="nowhere")}), heard)
    assert result.status == "done" and result.student is None
    assert not any("teaches" in line for line in heard.lines), "it is known before a lesson is played"
    assert any(line.startswith("left out: student: no model 'nowhere'") for line in heard.lines)
    assert "Left out: student: no model &#39;nowhere&#39;" in Path(result.report or "").read_text(encoding="utf-8")


def test_a_student_that_learned_nothing_costs_the_student_only(small: Path) -> None:
    write_model(new_model(1), small / "base")
    config, heard = configured(small, game="small.py:OPEN"), Heard()
    base = StudentSection(base=str(small / "base"), passes=1, learning_rate=1e-7, rank=1)
    result = night(config.model_copy(update={"student": base}), heard)
    assert result.status == "done" and result.student is None
    (line,) = [line for line in heard.lines if line.startswith("left out: student: ")]
    assert "of what it was taught, less than half, and is not kept" in line and "--passes 2" in line
    assert any(line.startswith("training: at most 1 pass of ") for line in heard.lines)


def test_what_cannot_be_a_night_is_refused_before_it_begins(tmp_path: Path) -> None:
    for config, reason in (
        (configured(tmp_path, model="rookie"), "the rookie knows duel's words only"),
        (configured(tmp_path, "roshambo:paperbot"), "no RoShamBo bot 'paperbot'"),
        (configured(tmp_path, "bot:random", "bot:random"), "bot:random is named twice"),
        (configured(tmp_path, "follower@certified"), "has no certified prompt"),
    ):
        with pytest.raises(BadInput, match=reason):
            night(config)
    with Store.open(tmp_path / "cornerman.db") as store:
        assert store.db.execute("select count(*) from nights").fetchone() == (0,)


# The command line.


def run(folder: Path, *words: str, code: int = 0) -> dict[str, Any]:
    done = CliRunner().invoke(app, [*words, "--db", str(folder / "cornerman.db"), "--game", GAME, "--json"])
    assert done.exit_code == code, done.output
    return dict(json.loads(done.stdout)) if code == 0 else {"error": done.stderr}


def test_players_are_compared_through_opponents(learned: tuple[Config, NightResult, Heard]) -> None:
    folder = learned[0].db.parent
    words = ("compare", "follower@certified", "follower@base", "--max-pairs", "40", "--confirm-pairs", "12")
    found = run(folder, *words, "--against", "roshambo:rockbot")
    assert found["verdict"] == "better"
    assert found["against"] == ["roshambo:rockbot"]
    assert found["scores"]["roshambo:rockbot"]["a"] == 1.0
    assert found["scores"]["roshambo:rockbot"]["b"] < 0.75
    assert 0.1 < found["gain"] < 0.4
    assert found["illegal"] == {"a": 0, "b": 0}
    again = run(folder, *words, "--against", "roshambo:rockbot")
    assert again["counts"] == found["counts"] and again["id"] == found["id"]
    assert run(folder, *words, "--max-pairs", "8")["id"] != found["id"]
    assert "cannot be one of the opponents" in run(folder, *words, "--against", "follower@base", code=2)["error"]
    shown = CliRunner().invoke(
        app, [*words, "--against", "roshambo:rockbot", "--db", str(folder / "cornerman.db"), "--game", GAME]
    )
    assert "is better against follower@base, by how both do against roshambo:rockbot" in shown.stdout
    assert "A's score less B's" in shown.stdout
    assert "lead over B +" in shown.stdout
    assert "against roshambo:rockbot: A 100.0%, B " in shown.stdout


def test_the_command_names_the_opponents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cornerman.toml").write_text('[player]\nmodel = "follower"\n[night]\nopponents = ["bot:random"]\n')
    assert (
        "named twice" in run(tmp_path, "night", "--opponent", "bot:random", "--opponent", "bot:random", code=2)["error"]
    )
    result = run(tmp_path, "night", "--size", "smoke", "--opponent", "roshambo:rockbot")
    assert len(result["promotions"]) == 1
    assert result["student"] is None
