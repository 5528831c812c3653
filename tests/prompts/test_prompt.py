import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from episodes.games.duel import GAME
from models.errors import BadInput
from prompts.base import base_for, default_base, read_base
from prompts.prompt import Budget, GuidanceItem, Prompt, compose, player
from prompts.rule import Rule, situation_line
from prompts.sentence import clauses, read_rule

FAR = Rule.of(GAME, {"distance": "far"}, "fireball")
NEAR = Rule.of(GAME, {"distance": "near", "meter": "full"}, "super")


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    features = draw(st.lists(st.sampled_from(sorted(GAME.features)), max_size=2, unique=True))
    situation = {feature: draw(st.sampled_from(GAME.features[feature])) for feature in features}
    return Rule.of(GAME, situation, draw(st.sampled_from(GAME.moves)))


def test_default_bases_say_what_their_readers_were_trained_on() -> None:
    assert default_base(GAME, "rookie").text == "Duel. Follow the first rule that fits."
    assert default_base(GAME, "student:3f").text == "Duel."
    assert default_base(GAME, "vllm:http://127.0.0.1:8000#student-3f").text == "Duel."
    assert default_base(GAME, "vllm:http://127.0.0.1:8000#student").text != "Duel."
    full = default_base(GAME, "openai:some-model")
    assert GAME.rules.strip() in full.text and "{text}" in full.turn and "{legal}" in full.turn and full.remarks


def test_brief_turn_is_the_situation_line() -> None:
    observation = GAME.initial_state(3).observe(0)
    with_prompt = player(None, compose(GAME, base_for(GAME, "brief"), [GuidanceItem(FAR)]), GAME, "rookie@x")  # type: ignore[arg-type]
    system, user = with_prompt.messages(observation)
    assert system.content == "Duel. Follow the first rule that fits.\n- When the opponent is far, use fireball."
    assert user.content == situation_line(GAME, observation.situation)
    assert with_prompt.constrained and with_prompt.prompt_id is not None


def test_unknown_base_names_those_that_exist() -> None:
    with pytest.raises(BadInput, match="bare, brief, full"):
        base_for(GAME, "short")


@given(rules())
def test_a_sentence_is_read_back_to_its_rule(rule: Rule) -> None:
    assert read_rule(GAME, rule.sentence(GAME)) == rule
    assert read_rule(GAME, "  " + rule.sentence(GAME).upper().replace(" ", "  ")) == rule


@pytest.mark.parametrize(
    "text",
    [
        "When the opponent is far and the opponent is near, use jab.",
        "When the moon is full, use jab.",
        "When the opponent is far, use telephone.",
        "Be brave.",
        "",
    ],
)
def test_other_sentences_are_no_rules(text: str) -> None:
    assert read_rule(GAME, text) is None


def test_near_wordings_are_read() -> None:
    assert read_rule(GAME, "If distance=far, play fireball") == FAR
    assert read_rule(GAME, "whenever the meter is full and distance is near, choose super.") == NEAR


def test_every_value_has_a_clause_of_its_own() -> None:
    named = {clauses(GAME)[GAME.phrase(f, v).lower()] for f, values in GAME.features.items() for v in values}
    assert named == {(f, v) for f, values in GAME.features.items() for v in values}


def test_ids_are_of_the_content_and_its_order_alone() -> None:
    base = base_for(GAME, "brief")
    one, two = GuidanceItem(FAR, origin="analyst"), GuidanceItem(NEAR)
    assert Prompt(base, (one, two)).id == Prompt(base, (GuidanceItem(FAR, origin="person"), two)).id
    ids = {Prompt(base, items).id for items in [(), (one,), (two,), (one, two), (two, one)]}
    assert len(ids) == 5
    assert GuidanceItem(FAR, "soon").id != GuidanceItem(FAR).id
    assert dataclasses.replace(base, turn="{text}").id != base.id


def test_render_puts_the_heading_only_above_guidance_and_remarks_only_for_readers() -> None:
    full, brief = base_for(GAME, "full"), base_for(GAME, "brief")
    items = [GuidanceItem(FAR, "It cannot answer."), GuidanceItem(None, "Stay calm.")]
    text = compose(GAME, full, items).render(GAME)
    assert text.endswith("\n- When the opponent is far, use fireball. It cannot answer.\n- Stay calm.")
    assert full.heading in text and full.heading not in compose(GAME, full).render(GAME)
    assert compose(GAME, brief, items).render(GAME).count("\n- ") == 1


def test_what_does_not_fit_is_an_error_and_never_cut() -> None:
    base = base_for(GAME, "brief")
    items = [GuidanceItem(FAR), GuidanceItem(NEAR)]
    with pytest.raises(BadInput, match="2 guidance items and may have 1"):
        compose(GAME, base, items, Budget(items=1))
    with pytest.raises(BadInput, match="takes 20 tokens and may take 19"):
        compose(GAME, base, items, Budget(tokens=19), lambda text: 10)
    assert len(compose(GAME, base, items, Budget(tokens=20), lambda text: 10).items) == 2
    with pytest.raises(BadInput, match="twice"):
        compose(GAME, base, [items[0], items[0]])
    with pytest.raises(BadInput, match="knows no move"):
        compose(GAME, base, [GuidanceItem(Rule((), "telephone"))])


def test_remarks_lose_control_codes_and_have_a_limit() -> None:
    assert GuidanceItem(None, "a\x1b[31m\nb\u202ec").remark == "a [31m b c"
    with pytest.raises(BadInput, match="shorten"):
        GuidanceItem(None, "x" * 301)
    with pytest.raises(BadInput, match="needs a rule or a remark"):
        GuidanceItem(None, " \n ")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("---\n", "", 1), "base.md:1: the file must begin"),
        (("constrained: yes", "constrained: maybe"), "base.md:5: constrained must be yes or no"),
        (("remarks: no", "remark: no"), "base.md:6: unknown key 'remark'"),
        (("remarks: no", "constrained: no"), "base.md:6: 'constrained' is given twice"),
        (('turn: "{situation}"', 'turn: "{situation}'), "base.md:4: not a quoted string"),
        (('turn: "{situation}"', 'turn: "{position}"'), "unknown field {position}"),
        (('turn: "{situation}"', 'turn: "{situation"'), "turn template is broken"),
        (("name: brief", "name brief"), "base.md:3: expected 'key: value'"),
        (("name: brief\n", ""), "no 'name'"),
        (("---\nDuel", "Duel"), "base.md:7: expected 'key: value' or the closing '---'"),
        (("---\nDuel.", ""), "never closed"),
    ],
)
def test_broken_front_matter_is_named_with_its_line(change: tuple[str, ...], message: str) -> None:
    good = '---\ngame: duel\nname: brief\nturn: "{situation}"\nconstrained: yes\nremarks: no\n---\nDuel.\n'
    assert read_base(good, "base.md").text == "Duel."
    broken = good.replace(change[0], change[1], 1)
    with pytest.raises(BadInput) as problem:
        read_base(broken, "base.md")
    assert message in str(problem.value)
