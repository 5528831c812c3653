"""Turns as tokens: what is learned, what a turn may see, and that nothing is lost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.encode import ALL, IGNORED, Encoder, Example, TokenSequence, balanced, check_learned
from distill.rookie.vocabulary import tokenizer
from episodes.games.duel.words import FEATURES, MOVES
from models.errors import BadInput

TOKENIZER = tokenizer()
END = TOKENIZER.eos_token_id

situations = st.tuples(*(st.sampled_from(values) for values in FEATURES.values())).map(" ".join)
examples = st.lists(
    st.builds(Example, st.just("Duel."), situations, st.sampled_from(MOVES), st.floats(0.1, 5.0)),
    min_size=1,
    max_size=30,
)


def encoder(room: int = 1024) -> Encoder:
    return Encoder(TOKENIZER, room)


def rebuilt(sequence: TokenSequence) -> dict[tuple[int, ...], float]:
    """Each conversation as the mask lets its last token see it, with the weight of its answer."""
    found: dict[tuple[int, ...], float] = {}
    for turn in range(max(sequence.turns) + 1):
        own = {answer for t, answer in zip(sequence.turns, sequence.answers, strict=True) if t == turn and answer >= 0}
        for answer in own:
            seen = [
                place
                for place in range(len(sequence.ids))
                if sequence.turns[place] in (ALL, turn) and sequence.answers[place] in (ALL, answer)
            ]
            assert [sequence.positions[place] for place in seen] == list(range(len(seen)))
            found[tuple(sequence.ids[place] for place in seen)] = sequence.weights[seen[-1]]
    return found


@settings(max_examples=40, deadline=None)
@given(examples, st.integers(40, 200), st.integers(0, 5))
def test_every_conversation_is_there_once_as_the_chat_template_writes_it(
    rows: list[Example], length: int, seed: int
) -> None:
    wanted: dict[tuple[int, ...], float] = {}
    for row in rows:
        chat = [
            {"role": "system", "content": row.system},
            {"role": "user", "content": row.user},
            {"role": "assistant", "content": row.answer},
        ]
        ids = tuple(TOKENIZER.apply_chat_template(chat, return_dict=False))
        wanted[ids] = wanted.get(ids, 0.0) + row.weight
    found: dict[tuple[int, ...], float] = {}
    for sequence in encoder().sequences(rows, length=length, seed=seed):
        part = rebuilt(sequence)
        assert not part.keys() & found.keys()
        found |= part
    assert found.keys() == wanted.keys()
    assert all(found[ids] == pytest.approx(weight) for ids, weight in wanted.items())


@settings(max_examples=20, deadline=None)
@given(examples)
def test_only_answers_and_their_end_are_learned(rows: list[Example]) -> None:
    moves = {TOKENIZER(move, add_special_tokens=False).input_ids[0] for move in MOVES}
    for sequence in encoder().sequences(rows, length=128, seed=1):
        learned = [label for label in sequence.labels if label != IGNORED]
        assert set(learned) <= moves | {END}
        assert learned.count(END) == len(learned) / 2
        for label, weight in zip(sequence.labels, sequence.weights, strict=True):
            assert (label == IGNORED) == (weight == 0)


def test_the_system_prompt_is_written_once_a_sequence() -> None:
    rows = [Example("Duel.", " ".join(v[k % len(v)] for v in FEATURES.values()), "jab", 1.0) for k in range(8)]
    (sequence,) = encoder().sequences(rows, length=500, seed=1)
    assert sequence.ids.count(TOKENIZER.bos_token_id) == 1
    assert sequence.turns.count(ALL) >= 5


def test_long_turns_are_refused_not_cut() -> None:
    rows = [Example("Duel.", "far " * 60, "jab", 1.0)]
    with pytest.raises(BadInput, match="never cut"):
        encoder(room=40).sequences(rows, length=30, seed=1)
    (sequence,) = encoder(room=1024).sequences(rows, length=30, seed=1)
    assert len(sequence.ids) > 60


def test_what_teaches_nothing_is_refused() -> None:
    sequence = TokenSequence()
    sequence.extend((1, 2, 3), 0, 0, 0)
    with pytest.raises(BadInput, match="nothing would be learned"):
        check_learned([sequence], [END])
    with pytest.raises(BadInput, match="no turns"):
        check_learned([], [END])
    sequence.labels[-1], sequence.weights[-1] = 3, 1.0
    with pytest.raises(BadInput, match="no end token"):
        check_learned([sequence], [END])


def test_a_template_that_leaves_out_what_it_is_told_is_refused() -> None:
    odd = tokenizer()
    odd.chat_template = "{% if add_generation_prompt %}{{ '<|user|>' }}{% else %}{{ '<|system|>' }}{% endif %}"
    with pytest.raises(BadInput, match="leaves out what it is told"):
        Encoder(odd, 100)


@settings(max_examples=20, deadline=None)
@given(examples)
def test_balanced_weights_average_one_a_sequence(rows: list[Example]) -> None:
    sequences = balanced(encoder().sequences(rows, length=64, seed=1))
    assert sum(sum(one.weights) for one in sequences) == pytest.approx(len(sequences))
