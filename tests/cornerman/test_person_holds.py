"""What a person decides about single rules holds for every proposer until a person takes it back: through commands."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cornerman.cli import app
from episodes.games.duel import GAME
from episodes.store.store import Store
from prompts.base import default_base
from prompts.library import PromptLibrary
from prompts.prompt import GuidanceItem, Prompt
from prompts.rule import Rule

MODEL = "follower"
FAR = GuidanceItem(Rule.of(GAME, {"distance": "far"}, "fireball"))
HURT = GuidanceItem(Rule.of(GAME, {"last": "hurt"}, "guard"))
ALWAYS = GuidanceItem(Rule((), "jump"))
WORKING = Prompt(default_base(GAME, MODEL), (FAR, HURT))


@pytest.fixture(autouse=True)
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A store with games of the working prompt, and a large model that wants to jump all the time."""
    monkeypatch.chdir(tmp_path)
    with Store.open("cornerman.db") as store:
        PromptLibrary(store).set("working", GAME, MODEL, WORKING)
    edits = [
        {"kind": "retire", "targets": ["r1"]},
        {"kind": "add", "rule": {"when": {}, "use": "jump"}, "cites": [{"episode": "g1", "turn": 0}], "place": "first"},
    ]
    opro = [
        {"when": {"last": "hurt"}, "use": "heavy"},
        {"when": {}, "use": "jump"},
        {"when": {"meter": "full"}, "use": "super"},
    ]
    fields = {"notes": [], "proposals": [{"edits": edits}]}
    said = "\n\n".join(f"[[ ## {name} ## ]]\n{json.dumps(value)}" for name, value in fields.items())
    reply = json.dumps({"reply": f"{said}\n\n[[ ## completed ## ]]\n{json.dumps(opro)}"})
    Path("answers.jsonl").write_text("\n".join([reply] * 80), encoding="utf-8")
    config("analyst")
    run("play", f"{MODEL}@working", "bot:random", "--episodes", "8")
    yield


def config(reflector: str) -> None:
    Path("cornerman.toml").write_text(
        f'[player]\nmodel = "{MODEL}"\n[reflector]\nmodel = "{reflector}"\n', encoding="utf-8"
    )


def run(*words: str, code: int = 0) -> Any:
    result = CliRunner().invoke(app, [*words, "--json"])
    assert result.exit_code == code, result.output
    return json.loads(result.stdout) if code == 0 else result.stderr


def proposed(reflector: str) -> list[list[GuidanceItem]]:
    config(reflector)
    ids = [one["prompt"] for one in run("reflect", "working", "--size", "smoke")["candidates"]]
    with Store.open("cornerman.db", write=False) as store:
        return [list(PromptLibrary(store).get(one, GAME).items) for one in ids]


@pytest.mark.parametrize("reflector", ["analyst", "scripted:answers.jsonl"])
def test_retired_rules_stay_out_and_pinned_ones_in_whoever_proposes(reflector: str) -> None:
    free = proposed(reflector)
    assert free and any(FAR not in items or HURT not in items for items in free)
    loved = next(item for items in free for item in items if item not in WORKING.items)
    run("guidance", "retire", loved.id)
    run("guidance", "pin", FAR.id)
    run("guidance", "pin", HURT.id)
    held = proposed(reflector)
    assert held, "there are candidates all the same"
    for items in held:
        assert FAR in items and HURT in items
        assert loved.rule not in [item.rule for item in items]
    if reflector == "analyst":  # which takes its time
        return
    run("guidance", "restore", loved.id)
    run("guidance", "unpin", FAR.id)
    run("guidance", "unpin", HURT.id)
    assert proposed(reflector) == free


def test_candidates_of_before_are_not_tried_with_what_was_retired_since() -> None:
    free = proposed("analyst")
    loved = next(item for items in free for item in items if item not in WORKING.items)
    run("guidance", "retire", loved.id)
    left = [items for items in free if loved not in items]
    if not left:
        assert "there is no candidate" in run("optimize", "--size", "smoke", code=2)
        return
    tried = run("optimize", "--size", "smoke")["candidates"]
    with Store.open("cornerman.db", write=False) as store:
        assert [list(PromptLibrary(store).get(one, GAME).items) for one in tried] == left


def test_an_edited_rule_stays_and_the_old_wording_stays_out() -> None:
    edited = run("guidance", "edit", FAR.id, "When the opponent is far, use advance.")
    rows = {row["id"]: row for row in run("guidance", "list")["guidance"]}
    assert rows[edited["id"]]["pinned"] and rows[FAR.id]["status"] == "retired"
    with Store.open("cornerman.db") as store:
        library = PromptLibrary(store)
        working = library.resolve("working", GAME, MODEL)
        assert library.held(working, GAME).applied([ALWAYS, FAR]) == (library.item(edited["id"], GAME).item, ALWAYS)
    again = run("guidance", "edit", edited["id"], FAR.rule.sentence(GAME) if FAR.rule else "")
    rows = {row["id"]: row for row in run("guidance", "list")["guidance"]}
    assert (again["id"], rows[FAR.id]["status"], rows[FAR.id]["pinned"]) == (FAR.id, "proposed", True)


def test_a_pin_puts_the_rule_into_the_working_prompt() -> None:
    with Store.open("cornerman.db") as store:
        PromptLibrary(store).save(Prompt(WORKING.base, (ALWAYS,)), GAME)
    run("guidance", "retire", ALWAYS.id)
    found = run("guidance", "pin", ALWAYS.id)
    assert found["changed"]
    with Store.open("cornerman.db", write=False) as store:
        library = PromptLibrary(store)
        assert library.resolve("working", GAME, MODEL).items == (FAR, HURT, ALWAYS)
        assert library.item(ALWAYS.id, GAME).status == "proposed"
    run("guidance", "retire", ALWAYS.id)
    assert not next(row for row in run("guidance", "list")["guidance"] if row["id"] == ALWAYS.id)["pinned"]


def test_what_there_is_nothing_to_undo_of() -> None:
    assert "not pinned" in run("guidance", "unpin", FAR.id, code=2)
    assert "not retired" in run("guidance", "restore", FAR.id, code=2)


def test_a_promotion_leaves_a_retired_rule_retired() -> None:
    with Store.open("cornerman.db") as store:
        library = PromptLibrary(store)
        library.set_status([FAR.id], "retired")
        library.activate(WORKING)
        assert {item.id: library.item(item.id, GAME).status for item in WORKING.items} == {
            FAR.id: "retired",
            HURT.id: "active",
        }


def test_what_holds_is_said_with_the_way_back() -> None:
    for words, part in (
        (("retire", HURT.id), "restore"),
        (("pin", FAR.id), "unpin"),
        (("edit", FAR.id, "When the opponent is far, use advance."), "unpin"),
    ):
        result = CliRunner().invoke(app, ["guidance", *words])
        assert result.exit_code == 0
        assert f"cornerman guidance {part} " in " ".join(result.output.split())
