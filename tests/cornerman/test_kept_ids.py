"""Ids and seeds that stores hold already: their formulas stay, so that nothing stored is played or made again."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from cornerman.night.steps import digest
from distill.dataset import Dataset, DatasetReport, Recipe
from distill.method import Method
from distill.rows import Row
from distill.student import student_id
from episodes.clock import Clock
from episodes.game import Observation
from episodes.games import load_game
from episodes.games.draft.drafts import Draft
from episodes.games.draft.split import is_unseen, order_of, side_of
from episodes.pairs import Setting, pair_matches
from episodes.play import Match, decision_seed
from episodes.player import Context, Decision
from episodes.store.store import Store, text_id
from models.chat import ChatRequest, Message
from models.engine import uniform
from models.manual import request_hash
from optimize.seeds import Seeds
from prompts.base import Base
from prompts.prompt import GuidanceItem, Prompt
from prompts.rule import Rule
from reflect.rehearsal import derived


@dataclass(frozen=True, slots=True)
class Named:
    """A player that is only named."""

    name: str
    model: str
    prompt_id: str | None = None

    async def act(self, observation: Observation, context: Context) -> Decision:
        raise AssertionError("nothing is played here")


A, B = Named("a", "m", "p"), Named("b", "n")
DUEL = load_game("duel")


def test_episodes_and_pairs(tmp_path: Path) -> None:
    match = Match(DUEL, (A, B), 7, Clock.parse("paused"), "play", "s", swapped=True)
    assert match.id == "00abd42a017be1777ccc"
    with Store.open(tmp_path / "s.db") as store:
        first, second = pair_matches(Setting(DUEL, Clock.parse("simulated:200"), "play", store, scope="s"), A, B, 7)
    assert first.pair_id == second.pair_id == "16ffcab90f18129e"


def test_seeds() -> None:
    assert decision_seed(5, 1, 3) == 7727221413912385032
    assert Seeds("root", "race").take(0, 2) == [220484460365987291, 2606065078661400901]
    assert derived(3, "x") == 7679217449731676284
    assert uniform(3, 4) == pytest.approx(0.0565220856894474, abs=1e-15)


def test_prompts_and_texts() -> None:
    base = Base("g", "full", "t", "{text}", False, True, "h")
    item = GuidanceItem(Rule((("distance", "far"),), "fireball"), "r")
    assert base.id == "29ced5103df0049b9a43"
    assert item.id == "74ed72116bcd7ce897bc"
    assert Prompt(base, (item,)).id == "a3844af24abd3ea7f47b"
    assert text_id("a text") == "706860d9e8c7ee1c65261bc1e5b75631"


def test_datasets_students_and_steps() -> None:
    report = DatasetReport(1, 1, 1, 1, 1, 1, 1, 1)
    rows = (Row("e", 1, "jab", 0.5, "train", "played"),)
    assert Dataset("duel", "search:400", "base", Recipe(), rows, report).id == "1c66fef2a795dbb4c333"
    assert student_id("base", "data", Method(), "prompt") == "6a0f8bac1287400c"
    assert digest(["night", 1]) == "ef5ad5adb3979de5075d"


def test_requests_to_a_person() -> None:
    assert request_hash(ChatRequest((Message("user", "hi"),), ("a", "b"))) == "7aad4d3953f8297a9223"


def test_the_sides_of_drafts() -> None:
    assert [card for card in map(str, range(40)) if is_unseen(card)] == ["14", "17", "21", "33"]
    drafts = [Draft("d", f"2024-05-06 {hour:02}:08:09", "e", "ev", "gold", 100, 0.6, ()) for hour in range(24)]
    assert [hour for hour, draft in enumerate(drafts) if side_of(draft) == "held-out"] == [2, 10, 20]
    assert order_of(drafts[0]) == 9072576493722557891
