"""Hashes that are ids and seeds: injective over their fields, and the same for ever."""

from hypothesis import given
from hypothesis import strategies as st

from models.ids import content_id, hash64, seed63

FIELDS = st.lists(st.text(max_size=4), max_size=4)


@given(st.tuples(st.text(max_size=3), FIELDS), st.tuples(st.text(max_size=3), FIELDS))
def test_other_fields_are_another_id(one: tuple[str, list[str]], other: tuple[str, list[str]]) -> None:
    same_kind = (one[0], other[1])
    assert (content_id(*one) == content_id(*same_kind)) == (one[1] == other[1])


def test_where_a_field_ends_counts() -> None:
    ids = {content_id("kind", parts) for parts in (["ab", "c"], ["a", "bc"], ["abc"], ["abc", ""], ["", "abc"])}
    assert len(ids) == 5


def test_values_are_what_stores_hold() -> None:
    assert content_id("kind", ["a", "bc"]) == "fd85fcfc7031d581a1b9"
    assert content_id("kind", iter(["ab", "c"])) == "af553dcaccc6fd2c2be8"
    assert hash64("decision 5 1 3") == 15454442827824770065
    assert seed63("decision 5 1 3") == 7727221413912385032


@given(st.text())
def test_a_seed_is_the_hash_without_its_last_bit(text: str) -> None:
    assert 0 <= seed63(text) < 2**63
    assert seed63(text) == hash64(text) // 2
