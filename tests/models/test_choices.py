"""Choices of several tokens are scored as bare forward passes over prompt and choice score them.

Invariants:
1. Whatever the model's attention, the prefix, the batch and the choices.
2. What is common to choices is computed once.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    FalconConfig,
    FalconForCausalLM,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    GPT2Config,
    GPT2LMHeadModel,
    Lfm2Config,
    Lfm2ForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
)

from models import engine as engine_module
from models.choices import log_sum, tree_of
from models.engine import Ask, Engine

WORDS = 40
ENDS = (1, 2)
SMALL = {"vocab_size": WORDS, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
COMMON: dict[str, Any] = SMALL | {"intermediate_size": 48, "max_position_embeddings": 256, "num_key_value_heads": 2}

MODELS: dict[str, Callable[[], Any]] = {
    "grouped heads": lambda: LlamaForCausalLM(LlamaConfig(**COMMON)),
    "eager attention": lambda: LlamaForCausalLM(LlamaConfig(**COMMON, attn_implementation="eager")),
    "learned positions": lambda: GPT2LMHeadModel(GPT2Config(**SMALL, n_positions=256)),
    "wide windows": lambda: Gemma3ForCausalLM(Gemma3TextConfig(**COMMON, head_dim=8, sliding_window=200)),
    "narrow windows": lambda: Gemma3ForCausalLM(Gemma3TextConfig(**COMMON, head_dim=8, sliding_window=6)),
    "biases for positions": lambda: BloomForCausalLM(BloomConfig(**SMALL)),
    "biases if asked for": lambda: FalconForCausalLM(FalconConfig(**SMALL, alibi=True)),
    "convolutions": lambda: Lfm2ForCausalLM(Lfm2Config(**COMMON, layer_types=["conv", "full_attention"])),
}


@cache
def made(kind: str) -> Engine:
    torch.manual_seed(3)
    model = MODELS[kind]()
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(3)  # so that a wrong mask shows
    return Engine(model, end_tokens=ENDS, name=kind, most=5, prefixes=4)


def bare(engine: Engine, ask: Ask) -> list[float]:
    """The scores of ``ask`` by one pass for each choice."""
    assert ask.choices is not None
    single = all(len(choice) == 1 for choice in ask.choices)
    found = []
    for choice in ask.choices:
        with torch.inference_mode():
            logits = engine.model(torch.tensor([[*ask.tokens, *choice]]), use_cache=False).logits[0].double()
        logs = logits.log_softmax(-1)
        first = len(ask.tokens) - 1
        score = sum(logs[first + at, token].item() for at, token in enumerate(choice))
        end = 0.0 if single else logs[-1, list(ENDS)].logsumexp(0).item()
        found.append(score + end)
    return found


words = st.integers(3, WORDS - 1)
choices = st.lists(st.lists(words, min_size=1, max_size=4).map(tuple), min_size=1, max_size=6, unique=True).map(tuple)


@st.composite
def batches(draw: st.DrawFn) -> list[Ask]:
    prefixes = draw(st.lists(st.lists(words, max_size=8).map(tuple), min_size=1, max_size=2))
    several = draw(st.lists(choices, min_size=1, max_size=2))
    asks = []
    for seed in range(draw(st.integers(1, 9))):
        prefix = draw(st.sampled_from(prefixes))
        question = draw(st.lists(words, min_size=1, max_size=9).map(tuple))
        asks.append(Ask((*prefix, *question), len(prefix), draw(st.sampled_from(several)), 1, 1.0, seed))
    return asks


@pytest.mark.parametrize("kind", MODELS)
@settings(max_examples=12)
@given(asks=batches())
def test_scores_are_those_of_bare_passes(kind: str, asks: list[Ask]) -> None:
    engine = made(kind)
    for ask, answer in zip(asks, engine.answer(asks), strict=True):
        assert answer.scores == pytest.approx(bare(engine, ask), abs=1e-4)


@given(asks=batches())
@settings(max_examples=12)
def test_a_decision_is_the_same_in_every_batch(asks: list[Ask]) -> None:
    engine = made("grouped heads")
    assert engine.answer(asks) == [engine.answer([ask])[0] for ask in asks]


@pytest.mark.parametrize(("numbers", "passes"), [(1, 7), (30_000, 2), (1 << 28, 2)])
def test_a_pass_is_bounded(numbers: int, passes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By memory, with room for one row or for some, and by the most rows, which are five here."""
    asks = [Ask((4, 5, *range(6, 8 + at)), 2, ((9, 10), (9, 11, 12), (13,)), 1, 1.0, at) for at in range(7)]
    engine = made("grouped heads")
    wanted = engine.answer(asks)
    monkeypatch.setattr(engine_module, "NUMBERS_CPU", numbers)
    widths = counted(engine)
    assert engine.answer(asks) == wanted
    assert len(widths) == passes


def test_a_question_is_computed_once() -> None:
    """One row of the question and the tokens of the tree, whoever asks it."""
    engine = made("grouped heads")
    asks = [Ask((4, 5, 6, 7), 2, ((9, 10), (9, 11, 12), (13,)), 1, 1.0, seed) for seed in range(3)]
    engine.answer(asks[:1])
    shapes = counted(engine)
    engine.answer(asks)
    assert shapes == [(1, 2 + 5)]


@pytest.mark.parametrize("choices", [((9, 10), (9, 11, 12)), ((9,), (13,)), None])
def test_on_another_device_all_is_there_when_it_is_read(choices: tuple[tuple[int, ...], ...] | None) -> None:
    """torch's device without data computes every shape and refuses tensors of two devices, as a GPU does; all that it
    cannot is to be read."""
    with torch.device("meta"):
        model = LlamaForCausalLM(LlamaConfig(**COMMON)).bfloat16()
    engine = Engine(model, end_tokens=ENDS, name="meta", most=8, prefixes=4)
    assert (engine.device, engine.precision) == ("meta", "bfloat16")
    asks = [Ask((4, 5, 6, *range(7, 9 + at)), 2 if choices else 0, choices, 3, 1.0, at) for at in range(3)]
    with pytest.raises((NotImplementedError, RuntimeError), match=r"copy out of meta tensor|called on meta tensors"):
        engine.answer(asks)


def counted(engine: Engine) -> list[tuple[int, ...]]:
    """The shape of what goes into every pass of the model from now on."""
    shapes: list[tuple[int, ...]] = []
    engine.model.register_forward_pre_hook(lambda model, inputs: shapes.append(tuple(inputs[0].shape)))
    return shapes


@given(choices=choices)
def test_a_tree_holds_each_beginning_once(choices: tuple[tuple[int, ...], ...]) -> None:
    tree = tree_of(choices, ENDS)
    beginnings = {choice[:length] for choice in choices for length in range(1, len(choice) + 1)}
    assert len(tree.tokens) == len(tree.parents) == len(beginnings)
    spelled: list[tuple[int, ...]] = []
    for parent, token in zip(tree.parents, tree.tokens, strict=True):
        spelled.append((*(spelled[parent - 1] if parent else ()), token))
    assert set(spelled) == beginnings
    assert [len(text) - 1 for text in spelled] == tree.depths
    for choice, steps in zip(choices, tree.choices, strict=True):
        assert [step.tokens for step in steps] == [*((token,) for token in choice), ENDS]
        assert [(spelled[step.place - 1] if step.place else ()) for step in steps] == [
            choice[:length] for length in range(len(choice) + 1)
        ]


@given(values=st.lists(st.floats(-700, 0), min_size=1, max_size=5))
def test_log_sum(values: Sequence[float]) -> None:
    assert log_sum(values) == pytest.approx(torch.tensor(values, dtype=torch.double).logsumexp(0).item())
    assert log_sum([values[0]]) == values[0]
    assert log_sum([-math.inf, -math.inf]) == -math.inf
