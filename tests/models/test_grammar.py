"""Grammars: drawn, written as regular expressions, and walked, they are the same texts."""

import random
import re

from hypothesis import given
from hypothesis import strategies as st

from models.grammar import Either, Grammar, Row, UpTo, Walker, drawn, is_grammar, regex, reworded

TEXTS = st.text("ab.*|é\\", max_size=3)
GRAMMARS: st.SearchStrategy[Grammar] = st.recursive(
    TEXTS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Either(tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: Row(tuple(parts))),
        st.tuples(st.integers(0, 2), inner).map(lambda both: UpTo(*both)),
    ),
    max_leaves=8,
)


@given(GRAMMARS, st.integers(0, 99))
def test_what_is_drawn_is_a_text_of_the_grammar(grammar: Grammar, seed: int) -> None:
    text = drawn(grammar, random.Random(seed))
    assert re.fullmatch(regex(grammar), text)
    assert Walker(grammar).knows(text)


@given(GRAMMARS, st.text("ab.*|é\\", max_size=6))
def test_a_walk_and_a_regular_expression_know_the_same_texts(grammar: Grammar, text: str) -> None:
    assert Walker(grammar).knows(text) == bool(re.fullmatch(regex(grammar), text))


@given(GRAMMARS, st.integers(0, 99))
def test_a_walk_has_no_dead_ends(grammar: Grammar, seed: int) -> None:
    walker, rng, state, walked = Walker(grammar), random.Random(seed), 0, b""
    while not (walker.ends(state) and (not walker.steps(state) or rng.random() < 0.3)):
        byte = rng.choice(sorted(walker.steps(state)))
        walked += bytes((byte,))
        state = walker.steps(state)[byte]
    assert walker.knows(walked.decode())


@given(GRAMMARS, st.integers(0, 99), st.text("ab .|", max_size=5))
def test_spaces_that_were_lost_or_came_along_are_mended(grammar: Grammar, seed: int, other: str) -> None:
    spaced = reworded(grammar, lambda word: word.replace("|", " "))
    walker, text = Walker(spaced), drawn(spaced, random.Random(seed))
    for said in (text, text.replace(" ", ""), " ".join(text), f" {text} "):
        found = walker.respaced(said)
        assert found is not None and walker.knows(found)
        assert found.replace(" ", "") == text.replace(" ", "")
    found = walker.respaced(other)
    assert found is None or (walker.knows(found) and found.replace(" ", "") == other.replace(" ", ""))
    assert found is not None or not walker.knows(other)


def test_words_are_replaced_wherever_they_stand() -> None:
    grammar = Row((Either(("jab", "throw")), UpTo(2, Row(("; ", "jab")))))
    assert reworded(grammar, str.upper) == Row((Either(("JAB", "THROW")), UpTo(2, Row(("; ", "JAB")))))


def test_what_is_no_grammar_is_known() -> None:
    assert is_grammar(Row(("a", UpTo(3, Either(("b", ""))))))
    for wrong in (None, 3, ("a",), Either(()), Row((Either(()),)), UpTo(-1, "a"), Row(["a"]), Either((b"a",))):  # type: ignore[arg-type]
        assert not is_grammar(wrong)
