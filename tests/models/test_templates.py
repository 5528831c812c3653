"""Chat templates of the kinds that models have: what play asks is what training asks, token for token."""

from pathlib import Path
from typing import Any

import pytest

from distill.encode import Encoder, Example
from distill.rookie.train import new_model, write_model
from distill.rookie.vocabulary import tokenizer
from models.chat import Message
from models.errors import BadInput
from models.folding import folded
from models.local import LocalModel
from models.templates import ANSWER, PROBE, ChatTemplate, without_thoughts

HEAD = "<|user|>{{ message['content'] }}<|end|>"
GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{{ '<|user|>' if message['role'] == 'user' else '<|assistant|>' }}{{ message['content'] | trim }}<|end|>"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
"""No system role, and roles must alternate."""
QWEN = (
    "{% for message in messages %}{% if message['role'] == 'assistant' %}<|assistant|><think> </think> "
    "{{ message['content'] }}<|end|>{% elif message['role'] == 'system' %}<|system|>{{ message['content'] }}<|end|>"
    "{% else %}" + HEAD + "{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>"
    "{% if enable_thinking is defined and enable_thinking is false %}<think> </think> {% endif %}{% endif %}"
)
"""An empty thought before every finished answer, and before a begun one where thinking is off."""
QWEN_WITHOUT_SWITCH = QWEN.replace(
    "{% if enable_thinking is defined and enable_thinking is false %}<think> </think> {% endif %}", ""
)
"""The empty thought stands before finished answers only, whatever it is asked for."""
LLAMA = (
    "{{ bos_token }}{% set loop_messages = messages %}{% for message in loop_messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] | trim + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
FORGETFUL = "{% for message in messages %}{% if message['role'] != 'system' %}" + HEAD + "{% endif %}{% endfor %}"
"""Leaves the system's words out without a word."""
TEMPLATES = {
    "gemma": GEMMA,
    "qwen": QWEN,
    "qwen without a switch": QWEN_WITHOUT_SWITCH,
    "llama": LLAMA,
    "forgetful": FORGETFUL,
}


def model_with(template: str, folder: Path) -> Path:
    """A tiny model with random weights and this chat template."""
    write_model(new_model(1), folder)
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    return folder


def tokenizer_with(template: str) -> Any:
    found = tokenizer()
    found.chat_template = template
    return found


@pytest.mark.parametrize("name", TEMPLATES)
def test_play_and_training_agree_on_all_that_stands_before_the_answer(name: str, tmp_path: Path) -> None:
    """The tokens of a student's question in play are those of training; the answer and its end are those scored."""
    model = LocalModel(model_with(TEMPLATES[name], tmp_path / "m"), name="tiny", kind="student")
    question = (Message("system", "Duel."), Message("user", "far standing open"))
    encoder = Encoder(tokenizer_with(TEMPLATES[name]), 1024, [tokenizer().eos_token_id])
    asked, _ = model._encoded(question)
    assert encoder.question("Duel.", "far standing open") == asked
    example = Example("Duel.", "far standing open", "jab", 1.0)
    assert encoder.answer(asked, example) == (*model._choice("jab"), model._engine._ends[0])


@pytest.mark.parametrize("name", ["gemma", "forgetful"])
def test_without_a_system_role_its_words_are_the_users(name: str) -> None:
    template = ChatTemplate(tokenizer_with(TEMPLATES[name]), "tiny")
    assert template.folds
    asked = (Message("system", "Duel."), Message("user", "far"))
    assert template.tokens(asked) == template.tokens(folded(asked))
    assert not ChatTemplate(tokenizer_with(LLAMA), "tiny").folds


def test_roles_that_must_alternate_do() -> None:
    twice = (Message("user", "far"), Message("user", "near"))
    alternating = ChatTemplate(tokenizer_with(GEMMA.replace("messages[0]['role'] == 'system'", "false")), "tiny")
    assert alternating.tokens(twice) == alternating.tokens(folded(twice))


def test_thoughts_are_turned_off_where_there_is_a_switch() -> None:
    asked = tokenizer_with(QWEN)
    on, off = ChatTemplate(asked, "tiny").tokens(PROBE), ChatTemplate(asked, "tiny", thinking=False).tokens(PROBE)
    assert off[: len(on)] == on and len(off) > len(on)
    baked = ChatTemplate(tokenizer_with(without_thoughts(QWEN)), "tiny")
    assert baked.tokens(PROBE) == off, "an exported student is asked so by servers that name no switch"
    assert without_thoughts(LLAMA) == LLAMA


def test_the_end_of_an_answer_is_the_one_that_the_template_writes() -> None:
    names = tokenizer()
    bos, end = names.bos_token_id, names.eos_token_id
    assert ChatTemplate(tokenizer_with(LLAMA), "tiny").end([bos, end]) == end
    assert ChatTemplate(tokenizer_with(LLAMA.replace("<|end|>", "")), "tiny").end([bos]) == bos
    endless = tokenizer_with(LLAMA)
    endless.eos_token = None
    with pytest.raises(BadInput, match="no end token"):
        ChatTemplate(endless, "tiny").end([])


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{ raise_exception('not today') }}", "not today"),
        ("<|user|>hello", "leaves out what it is told"),
        (None, "no chat template"),
        ("{% for message in messages %}{{ message['content'] | nothing }}{% endfor %}", "nothing"),
    ],
)
def test_a_template_that_cannot_be_asked_is_refused_in_one_line(template: str | None, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        ChatTemplate(tokenizer_with(template), "tiny")  # type: ignore[arg-type]
    assert "\n" not in str(caught.value) and ANSWER not in str(caught.value)
