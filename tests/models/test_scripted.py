import asyncio
from pathlib import Path

import pytest

from models.chat import ChatModel, ChatRequest, Completion, Message
from models.errors import BadInput
from models.registry import open_model
from models.scripted import ScriptedModel


def ask(model: ChatModel, text: str, max_tokens: int = 256) -> Completion:
    messages = (Message("system", "be far"), Message("user", text))
    return asyncio.run(model.complete(ChatRequest(messages, max_tokens=max_tokens)))


def test_replies_in_turn_then_an_error_that_helps() -> None:
    model = ScriptedModel(["jab", "throw"])
    assert [ask(model, "a").text, ask(model, "b").text] == ["jab", "throw"]
    with pytest.raises(BadInput, match="add a line like"):
        ask(model, "c")
    assert [request[-1].content for request in model.requests] == ["a", "b", "c"]


def test_patterns_and_functions() -> None:
    model = ScriptedModel({"far": "fireball", "near|close": "jab"})
    assert ask(model, "it is far").text == "fireball"
    assert ask(model, "so close").text == "jab"
    with pytest.raises(BadInput):
        ask(model, "only the system message matches")
    assert ask(ScriptedModel(lambda messages, choices: messages[-1].content.upper()), "x").text == "X"


def test_the_file_form(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text('{"reply": "first"}\n\n{"match": "far", "reply": "fireball"}\n', encoding="utf-8")
    model = open_model(f"scripted:{path}")
    assert model.name == f"scripted:{path}"
    assert [ask(model, "far").text, ask(model, "x").text] == ["fireball", "first"]
    with pytest.raises(BadInput, match=str(path)) as unseen:
        ask(model, "what (now)?")
    line = str(unseen.value).partition("add a line like ")[2].partition(" to ")[0].replace("…", "jab")
    path.write_text(line, encoding="utf-8")
    assert ask(open_model(f"scripted:{path}"), "what (now)?").text == "jab"


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        '{"match": "x"}',
        '{"reply": 3}',
        '["a"]',
        '{"reply": "a", "if": "b"}',
        '{"match": "(", "reply": "a"}',
    ],
)
def test_a_broken_file_names_the_line(line: str, tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text('{"reply": "ok"}\n' + line, encoding="utf-8")
    with pytest.raises(BadInput, match=r"answers\.jsonl:2"):
        open_model(f"scripted:{path}")


def test_a_missing_file() -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        open_model("scripted:/nowhere/answers.jsonl")


def test_length() -> None:
    completion = ask(ScriptedModel(["one two three"]), "x", max_tokens=2)
    assert (completion.text, completion.finish_reason, completion.usage.tokens_out) == ("one two", "length", 2)
