"""What is told of models while they are used: once each, with the way out, and by whoever it is seen."""

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from fake_chat import FakeChat
from faulty_server import FaultyServer
from hypothesis import given
from hypothesis import strategies as st
from opened_models import KINDS, LITELLM_KINDS, opened

from models import hints
from models.chat import ChatRequest, Completion, FinishReason, Message, Usage
from models.errors import ModelError, RateLimited, TimedOut, Unavailable
from models.hints import Hinting, least_tokens
from models.notes import Notes
from models.registry import ModelOptions
from models.retry import Retrying

ROOT = Path(__file__).parents[2]
ENGLISH = "The opponent is far away, so you had better walk and guard; a throw does not reach. " * 145
"""12,000 characters, as in the case of Ollama that cut them to 2,050 tokens without a word."""


class Answering(FakeChat):
    """Gives one completion for ever."""

    def __init__(self, completion: Completion) -> None:
        super().__init__()
        self._completion = completion

    async def answer(self, request: ChatRequest) -> Completion:
        return self._completion


def said_of(completion: Completion, text: str = "far", *, served: bool = True) -> list[str]:
    """What is told when a model gives ``completion`` three times."""
    said: list[str] = []
    model = Hinting(Answering(completion), Notes(said.append), "m", served=served)

    async def thrice() -> None:
        for _ in range(3):
            await model.complete(ChatRequest((Message("system", "Fight."), Message("user", text)), max_tokens=99))

    asyncio.run(thrice())
    return said


@pytest.mark.parametrize(
    ("text", "thought", "finish", "told"),
    [
        ("", "they may", "length", True),
        ("", "", "length", True),
        ("perhaps", "they may", "length", True),
        ("jab; guard; ja", "", "length", False),
        ("jab", "they may", "stop", False),
        ("", "", "stop", False),
        ("", "they may", "refusal", False),
    ],
)
def test_a_thought_that_used_up_the_answer(text: str, thought: str, finish: FinishReason, told: bool) -> None:
    said = said_of(Completion(text, Usage(10, 99), 0.1, finish, thought=thought))
    assert len(said) == told
    if told:
        assert "a reply of 99 tokens" in said[0]
        assert "raise max_tokens" in said[0]
        assert "effort" in said[0]


def test_a_prompt_that_the_server_cut() -> None:
    assert len(ENGLISH) > 11_500
    said = said_of(Completion("jab", Usage(2_050, 3), 0.1), ENGLISH)
    assert len(said) == 1
    assert "2050 tokens" in said[0]
    assert "OLLAMA_CONTEXT_LENGTH" in said[0]
    assert "num_ctx" in said[0]
    for usage in (Usage(3_000, 3), Usage(2_050, 3, estimated=True)):
        assert said_of(Completion("jab", usage, 0.1), ENGLISH) == []
    assert said_of(Completion("jab", Usage(2_050, 3), 0.1), ENGLISH, served=False) == []
    assert said_of(Completion("jab", Usage(2_050, 3), 0.1), "x" * 12_000) != []
    assert said_of(Completion("jab", Usage(100, 3), 0.1), "-" * 12_000) == [], "a long line is few tokens"
    assert said_of(Completion("jab", Usage(1, 3), 0.1), "x" * 500) == []


def test_no_text_of_ours_is_thought_to_be_cut() -> None:
    """By SmolLM2's tokenizer, in characters a token, the densest of these have 4.1; words alone are no more."""
    for path in (*ROOT.glob("docs/*.md"), *ROOT.glob("tests/golden/*.txt")):
        text = path.read_text()[:12_000]
        assert least_tokens([Message("user", text)]) <= len(text) / 2, path
        if path.suffix == ".md":
            assert least_tokens([Message("user", text)]) <= len(text) / 3.3 or "|" in text, path


@given(st.lists(st.text(max_size=400), max_size=6))
def test_no_more_tokens_are_asked_for_than_there_are_bytes(texts: list[str]) -> None:
    assert least_tokens([Message("user", text) for text in texts]) <= sum(len(text.encode()) for text in texts)


@pytest.mark.parametrize("kind", (*KINDS, *LITELLM_KINDS))
def test_every_service_says_so(kind: str, server: FaultyServer) -> None:
    """Both hints through the protocols: a reply of thoughts alone, and counts that are too small."""

    def change(answer: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
        for choice in answer.get("choices") or ():
            choice["message"] |= {"content": None, "reasoning_content": "hm"}
        kept = [block for block in answer.get("content") or () if block["type"] == "thinking"]
        items = [item for item in answer.get("output") or () if item["type"] == "reasoning"]
        return answer | ({"content": kept} if kept else {}) | ({"output": items} if items else {})

    server.changes = change
    said: list[str] = []
    model = opened(kind, "long", server, ModelOptions(max_retries=0, timeout_s=10, notes=Notes(said.append)))

    async def ask() -> Completion:
        try:
            return await model.complete(ChatRequest((Message("system", ENGLISH), Message("user", "far"))))
        finally:
            await model.close()

    completion = asyncio.run(ask())
    assert (completion.text, completion.thought, completion.finish_reason) == ("", "hm", "length")
    assert len(said) == 2
    assert "used up by thinking" in said[0]
    assert "it cut the prompt" in said[1]


def test_a_first_answer_that_does_not_come_is_waited_for_aloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hints, "FIRST_ANSWER_S", 0.05)

    class Slow(FakeChat):
        async def answer(self, request: ChatRequest) -> Completion:
            await asyncio.sleep(0.15)
            return Completion("jab", Usage(1, 1), 0.15)

    said: list[str] = []
    model = Hinting(Slow(), Notes(said.append), "m")

    async def many() -> None:
        await asyncio.gather(*(model.complete(ChatRequest((Message("user", "x"),))) for _ in range(5)))
        await model.complete(ChatRequest((Message("user", "x"),)))

    asyncio.run(many())
    assert len(said) == 1
    assert said[0].startswith("m: no answer for")


class Failing(FakeChat):
    """Raises each fault in turn, and answers in between where one is ``None``."""

    def __init__(self, faults: Sequence[ModelError | None]) -> None:
        super().__init__()
        self._faults = list(faults)

    async def answer(self, request: ChatRequest) -> Completion:
        fault = self._faults.pop(0) if self._faults else None
        if fault is not None:
            raise fault
        return Completion("jab", Usage(1, 1), 0.1)


def heard(faults: Sequence[ModelError | None], calls: int = 1, **more: Any) -> list[str]:
    """What is told while ``calls`` meet ``faults``, every wait passing at once."""
    said: list[str] = []

    async def sleep(seconds: float) -> None:
        pass

    model = Retrying(Failing(faults), notes=Notes(said.append), sleep=sleep, **more)

    async def ask() -> None:
        for _ in range(calls):
            with contextlib.suppress(ModelError):
                await model.complete(ChatRequest((Message("user", "x"),)))

    asyncio.run(ask())
    return said


NOBODY = "the connection failed; is the server running and reachable?"


def test_a_server_that_is_not_there_is_told_of_at_once() -> None:
    name = Failing([]).name
    (said,) = heard([Unavailable(f"{name}: {NOBODY}") for _ in range(20)], calls=4)
    assert said.startswith(f"{name}: {NOBODY} It is waited for: each call is made up to 4 more times, over ")
    assert said.count(name) == 1


def test_what_passes_at_once_is_not_told_of() -> None:
    passing = [Unavailable("broken", status=500), None, RateLimited("limited", 0.5), None]
    assert heard(passing, calls=4) == []
    many: list[Sequence[ModelError]] = [
        [TimedOut("slow")],
        [RateLimited("limited", 30.0)],
        [Unavailable("b", status=500)] * 2,
    ]
    for notable in many:
        assert len(heard(notable, calls=3)) == 1


def test_an_outage_has_an_end_and_may_come_again() -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 20.0
        return now[0]

    outage: list[ModelError | None] = [Unavailable(NOBODY) for _ in range(4)]
    said = heard([*outage, None, *outage[:1], None], calls=2, clock=clock)
    kinds = ["again after" if "again after" in line else "still" if "still" in line else "down" for line in said]
    assert kinds == ["down", "still", "still", "again after", "down", "again after"]


def test_a_note_is_said_once_a_model_and_goes_from_worker_to_program() -> None:
    said: list[str] = []
    notes, workers = Notes(said.append), [Notes(lambda text: None) for _ in range(3)]
    for worker in workers:
        worker.tell("m", "context", "cut")
        worker.tell("m", "context", "cut otherwise")
        worker.tell("n", "context", "cut")
        for told in worker.told:
            notes.tell(*told)
    assert said == ["m: cut", "n: cut"]
    assert notes.forget("m", "context")
    assert not notes.forget("m", "context")
    notes.tell("m", "context", "cut")
    assert said[2:] == ["m: cut"]
