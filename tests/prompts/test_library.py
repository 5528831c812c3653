from collections.abc import Iterator
from pathlib import Path

import pytest

from episodes.games.duel import GAME
from episodes.store.store import Store
from models.errors import BadInput
from prompts.base import base_for
from prompts.library import Citation, PromptLibrary, diff
from prompts.prompt import GuidanceItem, Prompt, compose
from prompts.rule import Rule

FAR = GuidanceItem(Rule.of(GAME, {"distance": "far"}, "fireball"), "It cannot answer.", "analyst")
NEAR = GuidanceItem(Rule.of(GAME, {"distance": "near", "meter": "full"}, "super"))
NOTE = GuidanceItem(None, "Stay calm.")
BASE = compose(GAME, base_for(GAME, "brief"))
ONE = compose(GAME, base_for(GAME, "brief"), [FAR])
TWO = compose(GAME, base_for(GAME, "brief"), [NEAR, FAR, NOTE])


@pytest.fixture
def library(tmp_path: Path) -> Iterator[PromptLibrary]:
    with Store.open(tmp_path / "c.db") as store:
        yield PromptLibrary(store)


def test_what_is_saved_comes_back_whole(library: PromptLibrary) -> None:
    for prompt in (BASE, ONE, TWO, compose(GAME, base_for(GAME, "full"), [FAR])):
        assert library.save(prompt, GAME) == library.save(prompt, GAME) == prompt.id
        again = library.get(prompt.id[:8], GAME)
        assert again == prompt and again.id == prompt.id
    assert library.get(TWO.id, GAME).items[1].origin == "analyst"
    assert len(library.prompts("duel")) == 4 and library.prompts("chess") == []
    assert library.holds(TWO.id) and not library.holds(TWO.id[:8])


def test_ids_may_be_shortened_while_they_are_unique(library: PromptLibrary) -> None:
    library.save(ONE, GAME)
    with pytest.raises(BadInput, match=rf"nearest are {ONE.id}"):
        library.get(ONE.id[:6] + ("0" if ONE.id[6] != "0" else "1"), GAME)
    with pytest.raises(BadInput, match="is no prompt id"):
        library.get("abc", GAME)
    twin = ONE.id[:10] + "0" * 10
    store = library._store
    with store.transaction() as connection:
        columns = "game, base_id, parent_id, origin, tokens, created, system_id, night_id, note"
        connection.execute(f"insert into prompts (id, {columns}) select ?, {columns} from prompts", (twin,))
    with pytest.raises(BadInput, match="ambiguous"):
        library.get(ONE.id[:10], GAME)
    assert library.get(ONE.id, GAME) == ONE


def test_lineage_goes_back_to_the_first(library: PromptLibrary) -> None:
    library.save(BASE, GAME, origin="base")
    library.save(ONE, GAME, parent_id=BASE.id, origin="analyst")
    library.save(TWO, GAME, parent_id=ONE.id)
    library.save(TWO, GAME, parent_id=BASE.id)
    assert [step.id for step in library.lineage(TWO.id, GAME)] == [TWO.id, ONE.id, BASE.id]
    assert [step.origin for step in library.lineage(TWO.id, GAME)] == ["person", "analyst", "base"]


def test_base_needs_no_store_and_champions_need_a_night(library: PromptLibrary) -> None:
    assert library.resolve("base", GAME, "rookie") == BASE
    assert library.resolve("base", GAME, "student:1").base.name == "bare"
    with pytest.raises(BadInput, match="run a night first, or use rookie@base"):
        library.resolve("certified", GAME, "rookie")


def test_aliases_are_a_models_own_and_fall_back_to_everybodys(library: PromptLibrary) -> None:
    library.set("working", GAME, "rookie", ONE, comparison_id="c1")
    library.set("mine", GAME, "", TWO)
    assert library.resolve("working", GAME, "rookie") == ONE
    assert library.resolve("mine", GAME, "rookie") == TWO
    with pytest.raises(BadInput):
        library.resolve("working", GAME, "other")
    library.set("mine", GAME, "rookie", ONE)
    assert library.resolve("mine", GAME, "rookie") == ONE and library.resolve("mine", GAME, "other") == TWO
    with pytest.raises(BadInput, match="nearest are mine"):
        library.resolve("mime", GAME, "rookie")
    names = {summary.id: summary.names for summary in library.prompts()}
    assert names[ONE.id] == ("rookie@mine", "rookie@working") and names[TWO.id] == ("mine",)


@pytest.mark.parametrize("name", ["", "Working", "beef", "12ab", "a b", "x" * 50])
def test_names_that_could_be_taken_for_ids_are_refused(library: PromptLibrary, name: str) -> None:
    with pytest.raises(BadInput, match="cannot name a prompt"):
        library.set(name, GAME, "rookie", ONE)


def test_rollback_goes_back_step_by_step_and_is_kept_in_the_history(library: PromptLibrary) -> None:
    for prompt, comparison in ((BASE, None), (ONE, "c1"), (TWO, "c2"), (TWO, "c2")):
        library.set("certified", GAME, "rookie", prompt, comparison_id=comparison, note="night")
    back = library.rollback("certified", GAME, "rookie")
    assert (back.prompt_id, back.comparison_id) == (ONE.id, "c1")
    assert library.rollback("certified", GAME, "rookie").prompt_id == BASE.id
    with pytest.raises(BadInput, match="never anything else"):
        library.rollback("certified", GAME, "rookie")
    library.set("certified", GAME, "rookie", TWO)
    assert library.rollback("certified", GAME, "rookie").prompt_id == BASE.id
    history = library.aliases.history("certified", GAME.name, "rookie")
    assert [entry.prompt_id for entry in history] == [p.id for p in (BASE, ONE, TWO, ONE, BASE, TWO, BASE)]
    assert [entry.note for entry in history] == ["night"] * 3 + ["rollback"] * 2 + ["", "rollback"]
    with pytest.raises(BadInput, match="has never been set"):
        library.rollback("working", GAME, "rookie")


def test_status_effect_and_evidence_of_guidance(library: PromptLibrary) -> None:
    library.save(TWO, GAME)
    assert {row.status for row in library.guidance("duel")} == {"proposed"}
    library.set_status([FAR.id, NEAR.id], "active")
    assert {row.id for row in library.guidance("duel", "active")} == {FAR.id, NEAR.id}
    library.set_effect(FAR.id, 0.1, 0.04, 0.16)
    row = library.item(FAR.id[:6], GAME)
    assert (row.effect, row.effect_low, row.effect_high, row.status) == (0.1, 0.04, 0.16, "active")
    assert row.item == FAR and row.text == "When the opponent is far, use fireball."
    library.cite(FAR.id, [Citation("e1", 3, "whiffed"), Citation("e0", 2), Citation("e1", 3, "again")])
    assert library.citations(FAR.id) == [Citation("e0", 2), Citation("e1", 3, "whiffed")]
    library.save(TWO, GAME)
    assert library.item(FAR.id, GAME).status == "active"
    with pytest.raises(BadInput, match="unknown status"):
        library.set_status([FAR.id], "great")  # type: ignore[arg-type]


def test_diff_reads_as_edits() -> None:
    assert diff(ONE, TWO, GAME) == [
        "  Duel. Follow the first rule that fits.",
        "+ When the opponent is near and your meter is full, use super.",
        "  When the opponent is far, use fireball. It cannot answer.",
        "+ Stay calm.",
    ]
    assert "- base name: 'brief'" in diff(ONE, Prompt(base_for(GAME, "bare"), ONE.items), GAME)
    assert not [line for line in diff(TWO, TWO, GAME) if not line.startswith("  ")]


def test_a_reader_finds_what_a_writer_saved(tmp_path: Path) -> None:
    with Store.open(tmp_path / "c.db") as store:
        PromptLibrary(store).set("working", GAME, "rookie", TWO)
    with Store.open(tmp_path / "c.db", write=False) as store:
        assert PromptLibrary(store).resolve("working", GAME, "rookie") == TWO
