"""Models in this process: batches, prefixes, choices, free text, adapters, folders that are refused."""

import asyncio
import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.rookie.lessons import DUEL, LEVELS, draw_lesson
from distill.rookie.train import new_model, write_model
from episodes.games.duel.words import MOVES
from models.chat import ChatModel, ChatRequest, Completion, Message
from models.engine import draw, uniform
from models.errors import BadInput
from models.local import LocalModel
from models.sizes import precision_for
from prompts.rule import situation_line

LESSONS = [draw_lesson(Random(seed), LEVELS[-1], 12) for seed in range(4)]


def asked(lesson: int, turn: int, turns: int = 1) -> tuple[Message, ...]:
    chosen = LESSONS[lesson].turns[turn : turn + turns]
    messages = [Message("system", LESSONS[lesson].system)]
    for one in chosen:
        messages += [Message("user", situation_line(DUEL, one.situation)), Message("assistant", one.move)]
    return tuple(messages[:-1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained rookie with weights large enough that its answers differ."""
    model = new_model(7)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() == 2:
                weight.mul_(5)
    target = tmp_path_factory.mktemp("local") / "model"
    write_model(model, target)
    return target


@pytest.fixture(scope="module")
def model(folder: Path) -> LocalModel:
    return LocalModel(folder, name="local:test")


def run(model: LocalModel, calls: list[ChatRequest]) -> list[Completion]:
    async def all_at_once() -> list[Completion]:
        return await asyncio.gather(*(model.complete(call) for call in calls))

    return asyncio.run(all_at_once())


def call(lesson: int, turn: int, turns: int = 1, **more: object) -> ChatRequest:
    request = ChatRequest(asked(lesson, turn, turns), MOVES, temperature=1.0, seed=turn)
    return replace(request, **more)  # type: ignore[arg-type]


def test_it_is_a_chat_model(model: LocalModel) -> None:
    chat: ChatModel = model
    assert chat.name == "local:test"


def test_scores_are_the_models_own_log_probabilities(model: LocalModel) -> None:
    """Against a plain forward pass of transformers over the whole conversation, without prefix or padding."""
    tokens, shared = model._encode(asked(1, 0))
    assert shared > 20
    with torch.inference_mode():
        logs = model._engine.model(torch.tensor([tokens])).logits[0, -1].log_softmax(-1)
    ids = [model._encode_choice(move)[0] for move in MOVES]
    chosen = {move: logs[token].item() for move, token in zip(MOVES, ids, strict=True)}
    counts = Counter(completion.text for completion in run(model, [call(1, 0, seed=seed) for seed in range(2000)]))
    total = torch.tensor(list(chosen.values())).exp().sum().item()
    for move, log in chosen.items():
        share = torch.tensor(log).exp().item() / total
        assert counts[move] / 2000 == pytest.approx(share, abs=0.05)
    best = run(model, [call(1, 0, temperature=0.0)])[0].text
    assert best == max(chosen, key=chosen.__getitem__)


def test_a_prefix_changes_nothing(model: LocalModel, folder: Path) -> None:
    from models.engine import Ask

    fresh = LocalModel(folder, name="other")
    for turn in range(6):
        tokens, shared = model._encode(asked(2, turn))
        choices = tuple(model._encode_choice(move) for move in MOVES)
        with_prefix, without = (
            engine.answer([Ask(tokens, kept, choices, 1, 1.0, turn)])[0]
            for engine, kept in ((model._engine, shared), (fresh._engine, 0))
        )
        assert with_prefix.scores == without.scores
        assert with_prefix.choice == without.choice


def test_the_prefix_ends_where_conversations_part(model: LocalModel) -> None:
    tokens, shared = model._encode(asked(0, 0))
    other, also = model._encode(asked(0, 1))
    assert shared == also
    assert tokens[:shared] == other[:shared]
    assert model._tokenizer.decode(tokens[shared - 1]) == "<|user|>"


@settings(max_examples=15, deadline=None)
@given(
    others=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 8), st.integers(1, 3)), max_size=40),
    position=st.integers(0, 40),
)
def test_a_decision_does_not_depend_on_its_batch(
    model: LocalModel, others: list[tuple[int, int, int]], position: int
) -> None:
    """Alone or among others: other prompts, other lengths, other seeds, choices or free text."""
    calls = [call(*other, seed=index) for index, other in enumerate(others)]
    for index in range(0, len(calls), 5):
        calls[index] = replace(calls[index], choices=None, max_tokens=3)
    calls.insert(position, call(1, 3, seed=11))
    place = min(position, len(calls) - 1)
    together = run(model, calls)
    assert together[place].text == run(model, [calls[place]])[0].text
    for one, wanted in zip(calls[:6], together, strict=False):
        assert run(model, [one])[0].text == wanted.text


def test_scores_are_equal_to_the_last_digit_in_every_batch(model: LocalModel) -> None:
    from models.engine import Ask

    choices = tuple(model._encode_choice(move) for move in MOVES)
    asks = [
        Ask(*model._encode(asked(lesson, turn, turns)), choices, 1, 1.0, turn)
        for lesson in range(4)
        for turn in range(8)
        for turns in (1, 2, 4)
    ]
    alone = [model._engine.answer([ask])[0].scores for ask in asks]
    for size in (2, 7, 31, 96):
        mixed = Random(size).sample(range(len(asks)), size)
        scores = [answer.scores for answer in model._engine.answer([asks[index] for index in mixed])]
        assert scores == [alone[index] for index in mixed]


def test_choices_of_several_tokens_are_scored_whole(model: LocalModel) -> None:
    choices = ("jab", "jab heavy", "walk on")
    messages = asked(1, 0)
    tokens, _ = model._encode(messages)
    end = model._tokenizer.eos_token_id
    scores = []
    for choice in choices:
        answer = [*model._encode_choice(choice), end]
        with torch.inference_mode():
            logs = model._engine.model(torch.tensor([[*tokens, *answer]])).logits[0].log_softmax(-1)
        scores.append(sum(logs[len(tokens) - 1 + at, token].item() for at, token in enumerate(answer)))
    best = run(model, [call(1, 0, choices=choices, temperature=0.0)])[0]
    assert best.text == choices[max(range(3), key=scores.__getitem__)]
    calls = [call(1, turn, choices=choices if turn % 2 else MOVES) for turn in range(8)]
    assert [one.text for one in run(model, calls)] == [run(model, [one])[0].text for one in calls]


def test_free_text_is_what_transformers_generates(model: LocalModel) -> None:
    tokens, _ = model._encode(asked(3, 0))
    with torch.inference_mode():
        whole = model._engine.model.generate(
            torch.tensor([tokens]), attention_mask=torch.ones(1, len(tokens)), do_sample=False, max_new_tokens=12
        )
    wanted = model._tokenizer.decode(whole[0, len(tokens) :], skip_special_tokens=True).strip()
    answer = run(model, [call(3, 0, choices=None, temperature=0.0, max_tokens=12)])[0]
    assert answer.text == wanted
    assert answer.usage.tokens_in == len(tokens)
    assert answer.finish_reason == ("length" if answer.usage.tokens_out == 12 else "stop")


def test_a_seed_decides(model: LocalModel) -> None:
    first, again = (run(model, [call(0, 0, seed=5, choices=None, max_tokens=8)])[0].text for _ in range(2))
    assert first == again
    many = {run(model, [call(0, 0, seed=seed, choices=None, max_tokens=8)])[0].text for seed in range(8)}
    assert len(many) > 1


@given(
    scores=st.lists(st.floats(-40, 0), min_size=1, max_size=12),
    temperature=st.sampled_from([0.0, 0.3, 1.0, 5.0]),
    at=st.floats(0, 1, exclude_max=True),
)
def test_draw_takes_an_index_that_has_probability(scores: list[float], temperature: float, at: float) -> None:
    index = draw(scores, temperature, at)
    assert 0 <= index < len(scores)
    if temperature == 0:
        assert index == scores.index(max(scores))


def test_draw_is_the_inverse_of_the_cumulative_distribution() -> None:
    scores = [torch.tensor(share).log().item() for share in (0.5, 0.25, 0.25)]
    assert [draw(scores, 1.0, at) for at in (0.0, 0.49, 0.51, 0.74, 0.76, 0.99)] == [0, 0, 1, 1, 2, 2]
    assert draw([0.0, 0.0], 0.0, 0.9) == 0
    assert 0 <= uniform(3, 1) < 1
    assert uniform(3, 1) != uniform(3, 2)


def test_a_cancelled_call_harms_no_other(model: LocalModel) -> None:
    async def some() -> str:
        tasks = [asyncio.ensure_future(model.complete(call(0, turn))) for turn in range(6)]
        await asyncio.sleep(0)
        tasks[2].cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(done[2], asyncio.CancelledError)
        assert isinstance(done[5], Completion)
        return done[5].text

    assert asyncio.run(some()) == run(model, [call(0, 5)])[0].text


def test_a_prompt_longer_than_the_context_is_refused(model: LocalModel) -> None:
    with pytest.raises(BadInput, match="context holds 512"):
        run(model, [ChatRequest((Message("system", "guard " * 2000), Message("user", "far")))])


def test_an_adapter_is_put_on_top(folder: Path, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(3)
    base = AutoModelForCausalLM.from_pretrained(str(folder))
    tuned = get_peft_model(base, LoraConfig(r=4, target_modules=["q_proj", "down_proj"], init_lora_weights=False))
    tuned.save_pretrained(str(tmp_path / "adapter"))
    adapted = LocalModel(folder, name="student:x", adapter=tmp_path / "adapter")
    tokens, _ = adapted._encode(asked(0, 0))
    with torch.inference_mode():
        wanted = tuned.double()(torch.tensor([tokens])).logits
        found = adapted._engine.model(torch.tensor([tokens])).logits
    assert torch.allclose(wanted, found, atol=1e-4)
    with pytest.raises(BadInput, match="no adapter_config"):
        LocalModel(folder, name="student:x", adapter=folder)


@pytest.mark.parametrize(
    ("parameters", "device", "bfloat16", "precision"),
    [
        (1_000_000, "cpu", False, "float32"),  # of which the engine makes float64
        (135_000_000, "cpu", False, "float32"),
        (7_000_000_000, "cpu", False, None),
        (1_000_000, "cuda", True, "float32"),
        (135_000_000, "cuda:1", True, "bfloat16"),
        (135_000_000, "cuda", False, None),
    ],
)
def test_precision_suits_size_and_device(parameters: int, device: str, bfloat16: bool, precision: str | None) -> None:
    assert precision_for(parameters, device, bfloat16=bfloat16) == precision


def test_an_adapter_is_merged_before_anything_is_rounded(folder: Path, tmp_path: Path) -> None:
    """On a base stored in bfloat16 the model is the sum in float32, not its rounding."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(4)
    AutoModelForCausalLM.from_pretrained(str(folder)).bfloat16().save_pretrained(str(tmp_path / "base"))
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(folder / name, tmp_path / "base" / name)
    base = AutoModelForCausalLM.from_pretrained(str(tmp_path / "base"), dtype=torch.float32)
    tuned = get_peft_model(base, LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False))
    tuned.save_pretrained(str(tmp_path / "adapter"))
    adapted = LocalModel(tmp_path / "base", name="student:x", adapter=tmp_path / "adapter")
    wanted = tuned.merge_and_unload().state_dict()
    for name, weight in adapted._engine.model.state_dict().items():
        assert torch.equal(weight, wanted[name].double()), name


def _spoiled(folder: Path, target: Path) -> Path:
    shutil.copytree(folder, target)
    return target


@pytest.mark.parametrize("pickle", ["pytorch_model.bin", "weights.PT", "state.pth", "extra.pkl"])
def test_a_folder_with_a_pickle_is_refused(folder: Path, tmp_path: Path, pickle: str) -> None:
    spoiled = _spoiled(folder, tmp_path / "model")
    (spoiled / pickle).write_bytes(b"")
    with pytest.raises(BadInput, match="convert the weights to safetensors") as refusal:
        LocalModel(spoiled, name="x")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_a_folder_with_code_of_its_own_is_refused(folder: Path, tmp_path: Path, file: str) -> None:
    spoiled = _spoiled(folder, tmp_path / "model")
    content = json.loads((spoiled / file).read_text())
    (spoiled / file).write_text(json.dumps(content | {"auto_map": {"AutoModelForCausalLM": "evil.Model"}}))
    with pytest.raises(BadInput, match="auto_map"):
        LocalModel(spoiled, name="x")


def test_other_folders_that_hold_no_model(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no model folder"):
        LocalModel(tmp_path / "nowhere", name="x")
    with pytest.raises(BadInput, match=r"no \*.safetensors"):
        LocalModel(tmp_path, name="x")
    for file, match in (("config.json", "holds no config.json"), ("chat_template.jinja", "no chat template")):
        spoiled = _spoiled(folder, tmp_path / file)
        (spoiled / file).unlink()
        with pytest.raises(BadInput, match=match):
            LocalModel(spoiled, name="x")
    broken = _spoiled(folder, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(BadInput, match="cannot load"):
        LocalModel(broken, name="x")
    (broken / "config.json").write_text("{")
    with pytest.raises(BadInput, match="not valid JSON"):
        LocalModel(broken, name="x")


def test_a_chat_template_runs_in_a_sandbox(folder: Path, tmp_path: Path) -> None:
    spoiled = _spoiled(folder, tmp_path / "model")
    (spoiled / "chat_template.jinja").write_text("{{ messages.__class__.__mro__[1].__subclasses__() }}")
    with pytest.raises(BadInput, match="chat template refuses"):
        run(LocalModel(spoiled, name="x"), [call(0, 0)])
