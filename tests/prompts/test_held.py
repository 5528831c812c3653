"""What a person retired stays out of whatever is proposed, and what a person pinned stays in and can decide."""

from hypothesis import given
from hypothesis import strategies as st

from episodes.games.duel import GAME
from prompts.base import default_base
from prompts.held import NOTHING_HELD, Held
from prompts.prompt import DEFAULT_BUDGET, GuidanceItem, Prompt
from prompts.rule import Rule


def item(move: str, remark: str = "", **when: str) -> GuidanceItem:
    return GuidanceItem(Rule.of(GAME, when, move), remark)


SUPER, NEAR, FAR, ALWAYS = (
    item("super", meter="full", shot="clear"),
    item("uppercut", distance="near"),
    item("fireball", distance="far"),
    item("jump"),
)
CURRENT = Prompt(default_base(GAME, "rookie"), (SUPER, NEAR, FAR, ALWAYS))
ITEMS = st.lists(
    st.builds(
        lambda move, when, remark: GuidanceItem(Rule.of(GAME, dict(when), move), remark),
        st.sampled_from(GAME.moves),
        st.lists(
            st.sampled_from([("distance", "near"), ("distance", "far"), ("meter", "full"), ("shot", "clear")]),
            max_size=2,
            unique_by=lambda pair: pair[0],
        ),
        st.sampled_from(["", "Really."]),
    ),
    max_size=8,
    unique_by=lambda one: one.id,
)


@given(
    ITEMS, st.lists(st.sampled_from(CURRENT.items), max_size=2, unique=True), st.lists(st.sampled_from(CURRENT.items))
)
def test_a_persons_decisions_hold_for_any_list(
    items: list[GuidanceItem], pinned: list[GuidanceItem], retired: list[GuidanceItem]
) -> None:
    retired = [one for one in retired if one not in pinned]
    held = Held.of(CURRENT, [one.id for one in pinned], retired)
    made = held.applied(items)
    assert len(made) <= DEFAULT_BUDGET.items and len({one.id for one in made}) == len(made)
    assert {one.rule for one in retired}.isdisjoint(one.rule for one in made)
    assert set(pinned) <= set(made)
    assert set(made) <= {*items, *pinned}
    own = [one for one in made if one not in pinned]
    assert own == [one for one in items if one in own], "the others keep their order"
    for pin in pinned:
        assert pin.rule is not None
        for one in made[: made.index(pin)]:
            assert one.rule is not None
            hides = set(one.rule.conditions) <= set(pin.rule.conditions)
            assert not hides or one in CURRENT.items[: CURRENT.items.index(pin)] or one in pinned
    assert held.applied(made) == made


def test_where_a_pinned_item_goes() -> None:
    held = Held.of(CURRENT, [NEAR.id], [])
    jab, other = item("jab", opponent="guarding"), item("throw", distance="near")
    assert held.applied([jab, FAR, ALWAYS]) == (jab, NEAR, FAR, ALWAYS), "before what follows it in the current prompt"
    assert held.applied([jab, other, ALWAYS]) == (jab, NEAR, ALWAYS), "in the place of another on its situation"
    assert held.applied([jab, SUPER]) == (jab, SUPER, NEAR)
    assert held.applied([ALWAYS, NEAR]) == (NEAR, ALWAYS), "where it can decide"
    first = Prompt(CURRENT.base, (ALWAYS, NEAR))
    assert Held.of(first, [NEAR.id], []).applied([ALWAYS, NEAR]) == (ALWAYS, NEAR), "as the person left it"


def test_a_retired_rule_does_not_come_back_with_another_remark() -> None:
    held = Held.of(CURRENT, [], [NEAR, GuidanceItem(None, "Stay calm.")])
    assert held.applied([item("uppercut", "Hit it!", distance="near"), GuidanceItem(None, "Stay calm."), FAR]) == (FAR,)
    assert held.retires(NEAR) and not held.retires(item("jab", distance="near"))


def test_a_pin_counts_only_where_the_prompt_has_the_item() -> None:
    held = Held.of(Prompt(CURRENT.base, (FAR,)), [NEAR.id], [])
    assert held.applied([ALWAYS]) == (ALWAYS,)
    assert NOTHING_HELD.applied([FAR, ALWAYS]) == (FAR, ALWAYS)
