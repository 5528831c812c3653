"""Models in this process that are held to a grammar: what they write can always be read, and they can write it all."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import HYBRID, OPENED, Make, tiny_model

from episodes.game import Observation
from episodes.games.duel import GAME
from models.chat import ChatRequest, Completion, Message
from models.endpoint import Endpoint
from models.engine import Ask
from models.errors import BadInput
from models.grammar import Either, Grammar, UpTo, Walker, drawn
from models.hub import ROOKIE
from models.local import LocalModel
from models.masked import Pen, Spelling

MESSAGES = (Message("system", "You fight."), Message("user", "The opponent is far."))
SEEN = GAME.initial_state(1).observe(0)
PLANS = GAME.plan_grammar(SEEN)


@pytest.fixture(scope="module", params=["bytes", "pieces"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LocalModel:
    make: Make = request.param
    return LocalModel(tiny_model(tmp_path_factory.mktemp(make), make), name="local:tiny")


def ask(model: LocalModel, requests: Sequence[ChatRequest]) -> list[Completion]:
    async def all_at_once() -> list[Completion]:
        return await asyncio.gather(*map(model.complete, requests))

    return asyncio.run(all_at_once())


def asked(seed: int, grammar: Grammar = PLANS, **fields: float) -> ChatRequest:
    return ChatRequest(MESSAGES, grammar=grammar, temperature=1.0, seed=seed, **fields)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=8, unique=True), st.integers(0, 50))
@settings(max_examples=25, deadline=None)
def test_what_is_written_is_a_plan_that_the_game_accepts(model: LocalModel, seeds: list[int], start: int) -> None:
    state = GAME.initial_state(start)
    seen: Observation = state.observe(0)
    for one in ask(model, [asked(seed, GAME.plan_grammar(seen)) for seed in seeds]):
        assert one.finish_reason == "stop"
        assert GAME.read_move(one.text, seen) == one.text
        assert state.accepts(0, one.text)


def test_different_seeds_write_different_plans_and_the_same_one_the_same(model: LocalModel) -> None:
    texts = [one.text for one in ask(model, [asked(seed) for seed in range(12)])]
    assert len(set(texts)) > 4
    assert [ask(model, [asked(seed)])[0].text for seed in range(12)] == texts, "whoever shares the batch"


@given(st.integers(0, 10**6))
@settings(max_examples=50, deadline=None)
def test_every_plan_can_be_written(model: LocalModel, seed: int) -> None:
    plan = drawn(PLANS, random.Random(seed))
    ends = [model._tokenizer.eos_token_id]
    spelling = model._spelling
    assert spelling is not None
    pen = Pen(spelling.walk(PLANS), ends)
    for token in model._tokenizer(plan, add_special_tokens=False).input_ids:
        allowed = pen.allowed()
        assert allowed is not None and token in allowed
        pen.wrote(token)
    assert pen.finished or ends[0] in (pen.allowed() or ())


@pytest.mark.parametrize("text", ["jab", "straße; 手裏剣", "a  b"])
def test_a_text_of_any_letters_is_written(model: LocalModel, text: str) -> None:
    (found,) = ask(model, [asked(1, Either((text, f"{text}!")))])
    assert found.text in (text, f"{text}!")


def test_an_answer_that_is_cut_says_so(model: LocalModel) -> None:
    long = Either(("abcdefghijklmnopqrstuvwxyz",))
    (found,) = ask(model, [asked(1, long, max_tokens=2)])
    assert found.finish_reason == "length"
    assert "abcdefghijklmnopqrstuvwxyz".startswith(found.text)


@pytest.mark.parametrize("template", [OPENED, HYBRID])
def test_a_model_that_thinks_is_held_after_its_thought(template: str, tmp_path: Path) -> None:
    model = LocalModel(tiny_model(tmp_path, template=template), name="local:thinker")
    walker = Walker(PLANS)
    requests = [asked(seed, max_tokens=120) for seed in range(8)]
    for one in ask(model, requests):
        assert walker.knows(one.text), one
        assert one.finish_reason == "stop"
        assert one.usage.tokens_out <= 120
        if template == OPENED:
            assert one.thought and one.usage.tokens_out > 60
    choices = [ChatRequest(MESSAGES, ("jab", "throw"), max_tokens=60, temperature=1.0, seed=seed) for seed in range(8)]
    assert {one.text for one in ask(model, choices)} <= {"jab", "throw"}


def test_an_unfinished_thought_that_the_template_opened_is_no_reply(tmp_path: Path) -> None:
    model = LocalModel(tiny_model(tmp_path, template=OPENED), name="local:thinker")
    (free,) = ask(model, [ChatRequest(MESSAGES, max_tokens=20, temperature=1.0, seed=1)])
    assert (free.text, free.finish_reason) == ("", "length")
    assert free.thought


def test_students_answer_at_once_whatever_their_template_knows(tmp_path: Path) -> None:
    model = LocalModel(tiny_model(tmp_path, template=OPENED), name="student:1", kind="student")
    (found,) = ask(model, [ChatRequest(MESSAGES, ("jab", "throw"), seed=1)])
    assert found.text in ("jab", "throw")
    assert not found.thought


def test_a_tokenizer_that_does_more_than_join_leaves_choices() -> None:
    rookie = LocalModel(ROOKIE, name="rookie", kind="rookie")
    assert rookie.holds == "choices"
    assert rookie.endpoint == Endpoint("rookie", device="cpu", precision="float64", weights=rookie.endpoint.weights)


def test_letters_that_no_token_has_are_told() -> None:
    spelling = Spelling([b"a", b"b", None])
    pen = Pen(spelling.walk(UpTo(1, "c")), [2])
    assert pen.allowed() == (2,)
    pen = Pen(spelling.walk("ac"), [2])
    pen.wrote(0)
    assert pen.allowed() == ()


def test_a_model_without_those_letters_says_so(tmp_path: Path) -> None:
    model = LocalModel(tiny_model(tmp_path), name="local:tiny")
    assert model._spelling is not None
    model._spelling._sorted = [one for one in model._spelling._sorted if b"z" not in one[0]]
    with pytest.raises(BadInput, match="cannot spell"):
        ask(model, [asked(1, "z")])


@pytest.mark.parametrize("grammar", [PLANS, None])
def test_a_shared_prompt_that_was_computed_before_changes_no_word(model: LocalModel, grammar: Grammar | None) -> None:
    tokens, shared = model._encode(MESSAGES)
    assert 0 < shared < len(tokens)
    spelling, ends = model._spelling, model._ends
    assert spelling is not None
    pen = None if grammar is None else lambda most: Pen(spelling.walk(grammar), ends)
    asks = [Ask(tokens, known, None, 24, 1.0, seed, pen) for seed in range(4) for known in (0, shared)]
    asks += [replace(ask, tokens=(*tokens[:-2], tokens[-1])) for ask in asks]
    together = [answer.tokens for answer in model._engine.answer(asks)]
    assert together[::2] == together[1::2]
    assert together == [model._engine.answer([ask])[0].tokens for ask in asks]
    assert len(set(together)) > 2
