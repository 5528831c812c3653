"""Runs are recognised by what shapes their games, keep the plan that they began with, and stores of before have them.

Invariants:
1. What shapes no game (limits, prices, keys, folders, time limits) never makes another run of it.
2. What shapes games does, and so do other models behind the same names.
3. A night's id and seeds are those of the first version, for configurations of the first version.
"""

import dataclasses
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cornerman.config import Config
from cornerman.night.recognition import Plan, begin_night, begin_stage, plan_of
from cornerman.night.sizes import SIZES
from cornerman.night.steps import Steps, digest
from episodes.store import schema
from episodes.store.runs import Run, Runs
from episodes.store.store import Store
from models.errors import BadInput
from models.ledger import Total

ROOT = "night 1 1 0d806e35a12cae907006"
"""Of the first night of size demo with the default configuration, as the first version had it."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "s.db") as opened:
        yield opened


def changed(**sections: Any) -> Config:
    """The default configuration with some keys of its sections changed."""
    values = Config().model_dump()
    for name, found in sections.items():
        values[name] = values[name] | found if isinstance(values[name], dict) else found
    return Config.model_validate(values)


def test_the_default_night_has_the_seeds_of_the_first_version(store: Store) -> None:
    begun = begin_night(store, Config(), "demo", {})
    assert (begun.plan.root, begun.resumed, begun.run.number) == (ROOT, False, 1)
    assert begun.run.id == digest(["night", ROOT])
    Runs(store).end(begun.run.id, "done")
    assert begin_night(store, Config(), "smoke", {}).plan.root == "night 1 2 2fb27939545e5c11fd9d"


@pytest.mark.parametrize(
    "unshaping",
    [
        {"budget": {"usd": 50.0, "tokens": 1}},
        {"player": {"api_key_env": "OTHER", "time_limit": 5.0, "requests_per_minute": 3.0, "concurrency": 2}},
        {"reflector": {"tokens_per_minute": 1000.0}},
        {"night": {"folder": Path("elsewhere")}},
        {"prices": {"openai:m": (1.0, 4.0)}},
        {"db": Path("other.db")},
        {"player": {"price": (1.0, 4.0)}, "teacher": {"price": (1.0, 4.0)}},
        {"night": {"size": "smoke"}},  # the command names the size
        {"player": {"device": "cpu"}},  # what runs unless another is named
    ],
)
def test_a_raised_limit_or_a_declared_price_continues_the_night(store: Store, unshaping: dict[str, Any]) -> None:
    begun = begin_night(store, Config(), "demo", {"player": "m"})
    Runs(store).end(begun.run.id, "stopped", "the budget")
    again = begin_night(store, changed(**unshaping), "demo", {"player": "m"})
    assert again.resumed
    assert (again.run.id, again.plan) == (begun.run.id, begun.plan)
    kept = Runs(store).night(begun.run.id)
    assert (kept.status, kept.error) == ("running", None)
    assert Config.model_validate_json(kept.config) == changed(**unshaping)


@pytest.mark.parametrize(
    "shaping",
    [
        {"player": {"temperature": 0.5}},
        {"player": {"model": "openai:m"}},
        {"player": {"effort": "low"}},
        {"player": {"max_tokens": 64}},
        {"player": {"base_url": "http://127.0.0.1:9/v1"}},
        {"reflector": {"extra": {"top_p": 0.5}}},
        {"teacher": {"prompt": "base"}},
        {"student": {"base": "folder"}},
        {"night": {"alpha": 0.01}},
        {"night": {"opponents": ("bot:turtle",)}},
        {"game": "openspiel:tic_tac_toe"},
    ],
)
def test_what_shapes_games_begins_another_night(store: Store, shaping: dict[str, Any]) -> None:
    begun = begin_night(store, Config(), "demo", {"player": "m"})
    other = begin_night(store, changed(**shaping), "demo", {"player": "m"})
    assert not other.resumed
    assert (other.run.number, other.plan.root != begun.plan.root) == (2, True)


def test_other_models_behind_the_names_or_another_size_begin_another_night(store: Store) -> None:
    begin_night(store, Config(), "demo", {"player": "weights 1"})
    assert not begin_night(store, Config(), "demo", {"player": "weights 2"}).resumed
    assert not begin_night(store, Config(), "smoke", {"player": "weights 2"}).resumed
    assert begin_night(store, Config(), "smoke", {"player": "weights 2"}).resumed


def test_a_night_that_is_done_is_followed_by_another(store: Store) -> None:
    begun = begin_night(store, Config(), "smoke", {})
    Runs(store).end(begun.run.id, "done")
    assert begin_night(store, Config(), "smoke", {}).run.number == 2


def test_the_plan_is_frozen_when_the_night_begins(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A later version may have other sizes: a night goes on with the bounds, and with K, that it began with."""
    begun = begin_night(store, Config(), "demo", {})
    assert begun.plan == Plan(ROOT, SIZES["demo"], chances=14)
    monkeypatch.setitem(SIZES, "demo", dataclasses.replace(SIZES["demo"], rounds=5, candidates=9))
    assert begin_night(store, Config(), "demo", {}).plan == begun.plan
    kept = plan_of(Runs(store).night(begun.run.id))
    assert kept == begun.plan
    Runs(store).end(begun.run.id, "done")
    assert begin_night(store, Config(), "demo", {}).plan.chances == 50


def test_a_stage_goes_on_with_its_run_and_never_with_one_of_another_shape(store: Store) -> None:
    size = SIZES["smoke"]
    begun = begin_stage(store, Config(), "d1", size, {"player": "weights 1"}, "reflect", "p1")
    assert begun.run.id == "d1"
    Runs(store).end("d1", "done")
    again = begin_stage(store, changed(budget={"usd": 9.0}), "d1", size, {"player": "weights 1"}, "reflect", "p1")
    assert (again.run.id, again.resumed) == ("d1", True)
    other = begin_stage(store, Config(), "d1", size, {"player": "weights 2"}, "reflect", "p1")
    assert not other.resumed
    assert other.run.id != "d1"
    assert other.plan.root != begun.plan.root
    assert begin_stage(store, Config(), "d1", size, {"player": "weights 2"}, "reflect", "p1").run.id == other.run.id


def test_spending_and_steps_belong_to_their_run(store: Store) -> None:
    runs = Runs(store)
    spent = {"openai:m": Total(3, 200, 30, 0.25, priced=False)}
    runs.keep_spending("r1", spent)
    assert runs.spending("r1") == spent
    assert runs.spending("r2") == {}
    runs.begin_step("r1", "play.1", "h")
    runs.begin_step("r1", "play.1", "h")
    row = runs.step("r1", "play.1")
    assert row is not None
    assert (row.state, row.attempts, row.result) == ("running", 2, None)
    runs.finish_step("r1", "play.1", "{}")
    assert [step.key for step in runs.finished_steps("r1", "play.")] == ["play.1"]
    assert runs.finished_steps("r1", "play_") == []
    with pytest.raises(BadInput, match="there is no night r1"):
        runs.night("r1")


OLD_CONFIG = {
    **{"game": "duel", "db": "cornerman.db", "prices": {}, "budget": {"usd": 5.0, "tokens": 20_000_000}},
    "player": {"model": "rookie", "temperature": 1.0, "max_tokens": 128, "time_limit": 60.0},
    "reflector": {"model": "analyst", "temperature": 1.0, "max_tokens": 8000, "time_limit": 300.0},
    "teacher": {"model": "search", "prompt": "certified"},
    "student": {"base": "rookie"},
    "night": {"size": "demo", "alpha": 0.05, "seed": 1, "clock": "paused", "folder": "nights"},
}
"""As a night of version 4 kept its configuration, but for keys that were not set."""


def old_store(path: Path) -> None:
    """A store of version 4: a night that is done and one that was stopped, a stage by hand, a Swiss colosseum."""
    connection = sqlite3.connect(path, isolation_level=None)
    schema.migrate(connection, 4)
    for n, status in ((1, "done"), (2, "stopped")):
        connection.execute(
            "insert into nights (id, started, status, config, size, seed, game, error) values (?,?,?,?,'demo',1,?,?)",
            [f"n{n}", f"2026-11-2{n}", status, json.dumps(OLD_CONFIG), "duel", "the budget" if n == 2 else None],
        )
    for night, key, state in (
        ("n2", "begin", "done"),
        ("d1", "what-if.1", "done"),
        ("d1", "reflect.1", "running"),
        ("colosseum-c1", "round 1", "done"),
    ):
        connection.execute(
            "insert into steps (night_id, key, input_hash, state, result, attempts, started) values (?,?,'h',?,?,1,?)",
            [night, key, state, '{"working": "p", "certified": "p", "past": [], "more": 1}', "2026-11-22"],
        )
    connection.close()


def test_a_store_of_before_has_its_runs(tmp_path: Path) -> None:
    old_store(tmp_path / "old.db")
    with Store.open(tmp_path / "old.db") as store:
        runs = Runs(store)
        kept = [*runs.all("night"), *runs.all("stage"), *runs.all("colosseum")]
        found = [(run.id, run.kind, run.number, run.status) for run in kept]
        assert found == [
            ("n1", "night", 1, "done"),
            ("n2", "night", 2, "stopped"),
            ("d1", "stage", 1, "stopped"),
            ("colosseum-c1", "colosseum", 1, "done"),
        ]
        view = [tuple(row) for row in store.db.execute("select id, status, size, seed, game from nights order by id")]
        assert view == [("n1", "done", "demo", 1, "duel"), ("n2", "stopped", "demo", 1, "duel")]
        # A stopped night of before goes on, whatever its limits are now, with the seeds that it had.
        again = begin_night(store, changed(budget={"usd": 50.0}), "demo", {"player": "weights"})
        assert (again.run.id, again.resumed) == ("n2", True)
        assert again.plan.root.startswith("night 1 2 ")
        assert begin_stage(store, Config(), "d1", SIZES["smoke"], {}, "reflect").plan.root == "desk d1"


def test_a_night_of_before_with_another_temperature_is_another(tmp_path: Path) -> None:
    old_store(tmp_path / "old.db")
    with Store.open(tmp_path / "old.db") as store:
        assert begin_night(store, changed(player={"temperature": 0.2}), "demo", {}).run.number == 3


def test_a_night_of_before_of_another_size_is_another(tmp_path: Path) -> None:
    old_store(tmp_path / "old.db")
    with Store.open(tmp_path / "old.db") as store:
        assert begin_night(store, Config(), "smoke", {}).run.number == 3


def test_results_of_steps_are_typed_and_read_what_older_versions_kept(tmp_path: Path) -> None:
    from cornerman.night.results import Began

    old_store(tmp_path / "old.db")
    with Store.open(tmp_path / "old.db") as store:
        steps = Steps(store, "n2")
        assert steps.result("begin", Began) == Began("p", "p", ())
        assert steps.result("never", Began) is None


def test_a_run_survives_its_row(store: Store) -> None:
    run = Run("r", "colosseum", 3, "2026-11-27", "done", "{}", "duel", None, 7, "s", "p", "2026", "page", "none")
    Runs(store).begin(run)
    assert Runs(store).find("r") == run
    assert Runs(store).all("colosseum") == [run]
