from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from episodes.games.duel import GAME
from models.errors import BadInput
from prompts.base import base_for
from prompts.library import Citation
from prompts.prompt import Budget, GuidanceItem, Prompt, compose
from prompts.rule import Rule
from reflect.edits import FRONT, Edit, Place, apply_edits, edits_between, in_front, placings

FULL = base_for(GAME, "full")
FAR = Rule.of(GAME, {"distance": "far"}, "fireball")
FAR_JUMP = Rule.of(GAME, {"distance": "far"}, "jump")
NEAR = Rule.of(GAME, {"distance": "near", "meter": "full"}, "super")
MIDWAY = Rule.of(GAME, {"distance": "midway", "meter": "full"}, "super")
FULL_METER = Rule.of(GAME, {"meter": "full"}, "super")
ALWAYS = Rule((), "guard")
ROOMY = Budget(items=30, tokens=5000)


def prompt(*rules: Rule, remarks: tuple[str, ...] = ()) -> Prompt:
    items = [GuidanceItem(rule) for rule in rules] + [GuidanceItem(None, remark) for remark in remarks]
    return compose(GAME, FULL, items, ROOMY)


def item_id(rule: Rule) -> str:
    return GuidanceItem(rule).id


@st.composite
def rule_lists(draw: st.DrawFn) -> list[Rule]:
    rules: dict[tuple[tuple[str, str], ...], Rule] = {}
    for _ in range(draw(st.integers(0, 7))):
        features = draw(st.lists(st.sampled_from(["distance", "meter", "wall"]), max_size=2, unique=True))
        situation = {feature: draw(st.sampled_from(GAME.features[feature][:2])) for feature in features}
        rule = Rule.of(GAME, situation, draw(st.sampled_from(GAME.moves[:3])))
        rules[rule.conditions] = rule
    return sorted(rules.values(), key=lambda rule: -len(rule.conditions))


@given(rule_lists(), rule_lists(), st.booleans())
def test_edits_between_lead_exactly_to_the_wanted_rules(before: list[Rule], after: list[Rule], shuffled: bool) -> None:
    current = prompt(*(reversed(before) if shuffled else before), remarks=("Stay calm.",))
    edits = edits_between(current, after, GAME)
    result = apply_edits(current, edits, GAME, budget=ROOMY)
    assert list(result.rules) == after
    assert GuidanceItem(None, "Stay calm.") in result.items
    if list(current.rules) == after:
        assert edits == []


def test_specific_rules_stand_before_general_ones_and_remarks_last() -> None:
    edits = [Edit("add", rule) for rule in (ALWAYS, FAR, NEAR)] + [Edit("add", remark="Breathe.")]
    result = apply_edits(prompt(), edits, GAME)
    assert result.rules == (NEAR, FAR, ALWAYS) and result.items[-1].remark == "Breathe."


def test_change_keeps_the_place_and_the_kind_of_edit_is_told() -> None:
    current = prompt(FAR, FULL_METER)
    edits = edits_between(current, [FAR_JUMP, FULL_METER], GAME)
    assert [(edit.kind, edit.rule, edit.targets) for edit in edits] == [("change", FAR_JUMP, (item_id(FAR),))]
    assert apply_edits(current, edits, GAME).rules == (FAR_JUMP, FULL_METER)


def test_merge_puts_one_wider_rule_in_the_place_of_several() -> None:
    current = prompt(NEAR, MIDWAY, FAR)
    edits = edits_between(current, [FAR, FULL_METER], GAME)
    assert [edit.kind for edit in edits] == ["merge"] and set(edits[0].targets) == {item_id(NEAR), item_id(MIDWAY)}
    assert apply_edits(current, edits, GAME).rules == (FAR, FULL_METER)


def test_duplicates_and_twins_do_not_pile_up() -> None:
    current = prompt(FAR)
    assert apply_edits(current, [Edit("add", FAR)], GAME) == current
    assert apply_edits(current, [Edit("add", FAR_JUMP)], GAME).rules == (FAR_JUMP,)
    both = prompt(FAR, FULL_METER)
    assert apply_edits(both, [Edit("change", FAR_JUMP, (item_id(FULL_METER),))], GAME).rules == (FAR_JUMP,)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (Edit("add", None), "needs a rule or a remark"),
        (Edit("add", Rule((("distance", "moon"),), "jab")), "knows no situation"),
        (Edit("add", FAR, (item_id(FAR),)), "different targets"),
        (Edit("change", FAR_JUMP), "different targets"),
        (Edit("change", FAR_JUMP, ("feed",)), "is not in the prompt"),
        (Edit("merge", FULL_METER, (item_id(FAR),)), "different targets"),
        (Edit("retire"), "different targets"),
        (Edit("retire", targets=(item_id(FAR), item_id(FAR))), "different targets"),
        (Edit("retire", FAR, (item_id(FAR),)), "brings no rule"),
        (Edit("praise", FAR), "unknown kind"),  # type: ignore[arg-type]
    ],
)
def test_malformed_edits_are_refused(edit: Edit, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        apply_edits(prompt(FAR), [edit], GAME)


def test_limits() -> None:
    with pytest.raises(BadInput, match="at most"):
        apply_edits(prompt(FAR), [Edit("add", FAR)] * 25, GAME)
    with pytest.raises(BadInput, match="may have 1"):
        apply_edits(prompt(FAR), [Edit("add", NEAR)], GAME, budget=Budget(items=1))


def test_who_wrote_an_edit_is_kept_on_its_item() -> None:
    edit = Edit("add", FAR, cites=(Citation("e", 1),), origin="some-model")
    assert apply_edits(prompt(), [edit], GAME).items[0].origin == "some-model"


def placed(where: str, rule: Rule | None = None, **named: Any) -> Edit:
    word, _, target = where.partition(" ")
    return Edit(named.pop("kind", "add"), rule, place=Place(word, target), **named)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("where", "after"),
    [
        ("first", (ALWAYS, NEAR, FAR, FULL_METER)),
        ("last", (NEAR, FAR, FULL_METER, ALWAYS)),
        (f"before {item_id(FAR)}", (NEAR, ALWAYS, FAR, FULL_METER)),
        (f"after {item_id(FAR)}", (NEAR, FAR, ALWAYS, FULL_METER)),
    ],
)
@pytest.mark.parametrize("there", [False, True])
def test_a_place_is_kept_whatever_its_size_and_moves_what_is_there(
    where: str, after: tuple[Rule, ...], there: bool
) -> None:
    current = prompt(NEAR, FAR, *[ALWAYS] * there, FULL_METER)
    assert apply_edits(current, [placed(where, ALWAYS)], GAME).rules == after


def test_what_goes_in_front_one_after_the_other_keeps_its_order() -> None:
    edits = in_front([Edit("add", FAR), Edit("add", remark="Breathe."), Edit("add", MIDWAY), Edit("add", ALWAYS)])
    result = apply_edits(prompt(NEAR), edits, GAME)
    assert result.rules == (FAR, MIDWAY, ALWAYS, NEAR) and result.items[-1].remark == "Breathe."
    own = placed("last", FAR)
    assert in_front([own, Edit("retire", targets=("x",))]) == (own, Edit("retire", targets=("x",)))


def test_open_places_are_tried_in_front_where_that_fits() -> None:
    current = prompt(NEAR, ALWAYS)
    assert placings(current, (Edit("add", FAR),), GAME) == [(Edit("add", FAR),), (placed("first", FAR),)]
    assert placings(current, (placed("last", FAR),), GAME) == [(placed("last", FAR),)]
    remark = GuidanceItem(FAR, "Wait.")
    both = compose(GAME, FULL, [GuidanceItem(FAR), remark], ROOMY)
    # In front the rule takes the place of its twin, which the second edit is about.
    edits = (Edit("add", FAR), Edit("retire", targets=(remark.id,)))
    assert placings(both, edits, GAME) == [edits]


def test_a_placed_rule_replaces_the_one_on_its_situation_and_a_change_may_move() -> None:
    current = prompt(NEAR, FAR, ALWAYS)
    assert apply_edits(current, [placed("first", FAR_JUMP)], GAME).rules == (FAR_JUMP, NEAR, ALWAYS)
    moved = placed("last", FULL_METER, kind="change", targets=(item_id(NEAR),))
    assert apply_edits(current, [moved], GAME).rules == (FAR, ALWAYS, FULL_METER)
    merged = placed("first", FULL_METER, kind="merge", targets=(item_id(NEAR), item_id(FAR)))
    assert apply_edits(current, [merged], GAME).rules == (FULL_METER, ALWAYS)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (placed("middle", FAR), "unknown place 'middle'"),
        (placed("first x", FAR), "beside no item"),
        (placed("before nothing", FAR), "'nothing', which is not in the prompt"),
        (placed(f"after {item_id(NEAR)}", FAR, kind="change", targets=(item_id(NEAR),)), "which the edit itself takes"),
        (Edit("retire", targets=(item_id(NEAR),), place=FRONT), "no rule, no remark and no place"),
    ],
)
def test_places_that_are_none_are_refused(edit: Edit, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        apply_edits(prompt(NEAR), [edit], GAME)


@given(rule_lists(), st.data())
def test_a_placed_edit_leaves_the_order_of_all_others(before: list[Rule], data: st.DataObject) -> None:
    current = prompt(*before)
    beside = [f"{word} {item.id}" for word in ("before", "after") for item in current.items]
    where = data.draw(st.sampled_from(["first", "last", *beside]))
    rule = data.draw(st.sampled_from([*before, FAR, ALWAYS]))
    result = apply_edits(current, [placed(where, rule)], GAME, budget=ROOMY)
    others = [one for one in result.rules if one != rule]
    assert others == [one for one in before if one in others]
    assert result.rules.count(rule) == 1
    if where in ("first", "last"):
        assert result.rules[0 if where == "first" else -1] == rule
