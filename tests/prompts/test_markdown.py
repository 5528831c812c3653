import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from episodes.games.duel import GAME
from models.errors import BadInput
from prompts.base import base_for
from prompts.markdown import HEADING, from_markdown, to_markdown
from prompts.prompt import Budget, GuidanceItem, Prompt, compose
from prompts.rule import Rule

ROOMY = Budget(items=50, tokens=100_000)
FAR = Rule.of(GAME, {"distance": "far"}, "fireball")

text = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=80)
awkward = st.sampled_from(["- x", "---", HEADING, "Note: x", FAR.sentence(GAME), "<!-- x -->", '"', "# a", "* b"])


@st.composite
def items(draw: st.DrawFn) -> GuidanceItem:
    feature = draw(st.sampled_from(sorted(GAME.features)))
    rule = Rule.of(GAME, {feature: draw(st.sampled_from(GAME.features[feature]))}, draw(st.sampled_from(GAME.moves)))
    remark = draw(text | awkward)
    try:
        return GuidanceItem(draw(st.sampled_from([rule, None])), remark)
    except BadInput:
        return GuidanceItem(rule)


@st.composite
def prompts(draw: st.DrawFn) -> Prompt:
    base = draw(st.sampled_from([base_for(GAME, name) for name in ("full", "brief", "bare")]))
    body = "\n".join([*draw(st.lists(text | awkward, max_size=3)), "end"]).replace("\r", " ").strip()
    base = dataclasses.replace(
        base, text=body, heading=draw(text), turn=draw(text).replace("{", "").replace("}", "") + "{text}"
    )
    found = {item.id: item for item in draw(st.lists(items(), max_size=5))}
    return compose(GAME, base, list(found.values()), ROOMY)


@given(prompts())
def test_export_then_import_gives_the_same_prompt(prompt: Prompt) -> None:
    again = from_markdown(to_markdown(prompt, GAME), GAME, "p.md", ROOMY).prompt
    assert again == prompt
    assert again.id == prompt.id
    assert [item.id for item in again.items] == [item.id for item in prompt.items]


def test_editing_one_line_keeps_the_other_ids() -> None:
    near = Rule.of(GAME, {"distance": "near"}, "heavy")
    before = compose(GAME, base_for(GAME, "brief"), [GuidanceItem(FAR), GuidanceItem(near)])
    edited = to_markdown(before, GAME).replace("use heavy", "use jab")
    after = from_markdown(edited, GAME, "p.md").prompt
    assert after.items[0].id == before.items[0].id and after.items[1].id != before.items[1].id
    assert after.rules[1].move == "jab"
    assert after.base == before.base and after.id != before.id


def test_a_line_that_is_no_rule_becomes_a_remark_and_says_so() -> None:
    for name, said in (("full", "only large models read remarks"), ("brief", "shows no remarks")):
        file = to_markdown(compose(GAME, base_for(GAME, name)), GAME) + "- Stay brave.\n  And calm.\n"
        read = from_markdown(file, GAME, "p.md")
        assert read.prompt.items == (GuidanceItem(None, "Stay brave. And calm."),)
        assert len(read.notes) == 1 and said in read.notes[0] and read.notes[0].startswith("p.md:")


def _lines(file: str) -> list[str]:
    return file.split("\n")


def test_broken_files_are_refused_with_the_line() -> None:
    good = to_markdown(compose(GAME, base_for(GAME, "brief"), [GuidanceItem(FAR)]), GAME)
    number = _lines(good).index("- When the opponent is far, use fireball.") + 1
    cases = {
        good.replace("- When", "When"): f"p.md:{number}: expected '- '",
        good.replace(HEADING, "## Other"): f"no line '{HEADING}'",
        good.replace("game: duel", "game: chess"): "p.md:2: the prompt is for chess",
        good.replace("Duel. Follow the first rule that fits.", ""): "the base text is empty",
        good.replace(
            "- When the opponent is far, use fireball.", "- " + "x" * 400
        ): f"p.md:{number}: a remark has at most",
        good + "- When the opponent is far, use fireball.\n": "p.md: the guidance has",
        good.replace("constrained: yes", "constrained: 1"): "p.md:5: constrained",
    }
    for file, message in cases.items():
        with pytest.raises(BadInput) as problem:
            from_markdown(file, GAME, "p.md")
        assert message in str(problem.value)
