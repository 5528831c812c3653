"""What ``guidance retire`` does to the store, to the working prompt and to the next listing, and what it leaves."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cornerman.cli import app
from episodes.games.duel import GAME
from episodes.store.store import Store
from prompts.base import default_base
from prompts.library import GuidanceRow, PromptLibrary, Status
from prompts.prompt import GuidanceItem, Prompt
from prompts.rule import Rule

FAR, NEAR, HURT, LOOSE = (
    GuidanceItem(Rule(((feature, value),), move))
    for feature, value, move in (
        ("distance", "far", "fireball"),
        ("distance", "near", "heavy"),
        ("last", "hurt", "guard"),
        ("distance", "midway", "advance"),
    )
)
MODEL = "rookie"
WORKING = Prompt(default_base(GAME, MODEL), (FAR, NEAR, HURT))
STATUS: dict[str, Status] = {FAR.id: "active", NEAR.id: "trial", HURT.id: "active", LOOSE.id: "proposed"}


@pytest.fixture(autouse=True)
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store whose working and certified prompt have three rules, and a fourth rule that is in neither."""
    monkeypatch.chdir(tmp_path)
    with Store.open("cornerman.db") as store:
        library = PromptLibrary(store)
        library.save(Prompt(WORKING.base, (LOOSE,)), GAME)
        for name in ("working", "certified"):
            library.set(name, GAME, MODEL, WORKING, note="found good")
        for item, status in STATUS.items():
            library.set_status([item], status)


def retire(item: str, code: int = 0) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["guidance", "retire", item, "--json"])
    assert result.exit_code == code, result.output
    return dict(json.loads(result.stdout)) if code == 0 else {"error": result.stderr.strip()}


def listed(*words: str) -> dict[str, str]:
    """Ids and statuses as the next ``guidance list`` shows them."""
    result = CliRunner().invoke(app, ["guidance", "list", *words, "--json"])
    assert result.exit_code == 0, result.output
    return {row["id"]: row["status"] for row in json.loads(result.stdout)["guidance"]}


def library_says(name: str) -> tuple[Prompt, list[GuidanceRow], list[str]]:
    """The prompt of a name, all items, and the notes of the name's history."""
    with Store.open("cornerman.db", write=False) as store:
        library = PromptLibrary(store)
        history = library.aliases.history(name, GAME.name, MODEL)
        return library.resolve(name, GAME, MODEL), library.guidance(GAME.name), [entry.note for entry in history]


def test_the_item_alone_is_retired_and_listed_so() -> None:
    assert listed() == STATUS
    found = retire(NEAR.id)
    assert (found["id"], found["changed"], found["before"]) == (NEAR.id, True, WORKING.id)
    assert listed() == STATUS | {NEAR.id: "retired"}
    assert listed("--status", "retired") == {NEAR.id: "retired"}
    assert listed("--status", "trial") == {}
    assert listed("--status", "active") == {FAR.id: "active", HURT.id: "active"}
    assert {row.id: row.status for row in library_says("working")[1]} == STATUS | {NEAR.id: "retired"}


def test_it_leaves_the_working_prompt_and_nothing_else_does() -> None:
    found = retire(NEAR.id[:6])
    working, _, notes = library_says("working")
    assert working == Prompt(WORKING.base, (FAR, HURT))
    assert found["prompt_id"] == working.id
    assert notes == ["found good", f"retired {NEAR.id}"]
    certified, _, untouched = library_says("certified")
    assert certified == WORKING, "what passed the gate stays as it passed it"
    assert untouched == ["found good"]


def test_an_item_that_the_working_prompt_does_not_hold() -> None:
    found = retire(LOOSE.id)
    assert (found["changed"], found["prompt_id"]) == (False, WORKING.id)
    assert listed() == STATUS | {LOOSE.id: "retired"}
    assert library_says("working")[2] == ["found good"], "the name was not set anew"


def test_again_changes_nothing_more() -> None:
    first, second = retire(FAR.id), retire(FAR.id)
    assert (second["changed"], second["prompt_id"]) == (False, first["prompt_id"])
    assert listed() == STATUS | {FAR.id: "retired"}


def test_it_stays_retired_when_a_prompt_that_holds_it_is_kept_or_rolled_back_to() -> None:
    retire(FAR.id)
    assert CliRunner().invoke(app, ["prompts", "rollback", "working"]).exit_code == 0
    with Store.open("cornerman.db") as store:
        PromptLibrary(store).save(WORKING, GAME, origin="person")
    assert library_says("working")[0] == WORKING
    assert listed()[FAR.id] == "retired"


def test_an_unknown_item_changes_nothing() -> None:
    assert "no guidance item 'abcdef'" in retire("abcdef", code=2)["error"]
    assert listed() == STATUS
    assert library_says("working")[0] == WORKING


def test_a_rule_that_is_edited_to_its_own_wording_stays() -> None:
    assert FAR.rule is not None
    result = CliRunner().invoke(app, ["guidance", "edit", FAR.id, FAR.rule.sentence(GAME), "--json"])
    assert result.exit_code == 0, result.output
    assert listed()[FAR.id] == STATUS[FAR.id]
    assert FAR in library_says("working")[0].items
