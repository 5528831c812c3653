"""Every protocol that vLLM speaks, asked of one real server on the CPU by every kind of model that can be, whole and in
pieces; and the same folder in batches, without a server."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from distill.serving.server import VLLMServer
from models.chat import ChatModel, ChatRequest, Completion, Message
from models.errors import Unavailable
from models.grammar import Either, Row, UpTo, Walker
from models.ledger import Ledger
from models.local import LocalModel
from models.registry import ModelOptions, open_model
from models.vllm_batch import VLLMBatchModel

RULE = (Message("system", "- When the opponent is far, use fireball."), Message("user", "far"))

pytestmark = pytest.mark.slow


PATHS = {
    "chat": "vllm:{url}#rookie",
    "replicas": "vllm:{url},http://127.0.0.1:1#rookie",
    "responses": "openai:rookie",
    "messages": "anthropic:rookie",
    "schema": "ollama:rookie",
    "litellm": "litellm:hosted_vllm/rookie",
    "litellm-messages": "litellm:anthropic/rookie",
}


def opened(path: str, server: VLLMServer, options: ModelOptions | None = None) -> ChatModel:
    """The model of a path; Anthropic's SDK adds the version to the address, OpenAI's does not."""
    options = replace(options or ModelOptions(max_retries=0), api="responses" if path == "responses" else None)
    if path not in ("chat", "replicas"):
        options = replace(options, base_url=server.url if "messages" in path else f"{server.url}/v1")
    return open_model(PATHS[path].format(url=server.url), options)


async def ask(model: ChatModel, messages: Sequence[Message] = RULE, **arguments: object) -> Completion:
    return await model.complete(ChatRequest(messages, **{"max_tokens": 16, **arguments}))  # type: ignore[arg-type]


@pytest.mark.parametrize("path", PATHS)
def test_whole_and_in_pieces_it_is_the_same_answer(path: str, server: VLLMServer) -> None:
    ledger = Ledger()
    model = opened(path, server, ModelOptions(max_retries=0, ledger=ledger))
    assert model.streams
    shown: list[str] = []

    async def main() -> tuple[Completion, Completion]:
        whole = await ask(model)
        pieces = await ask(model, on_text=shown.append)
        await model.close()
        return whole, pieces

    whole, pieces = asyncio.run(main())
    assert whole.text.strip() == "fireball", "the rule was not followed: another model, or another prompt"
    assert pieces.text == whole.text == shown[-1]
    assert pieces.usage == whole.usage
    assert whole.usage.tokens_in > 10
    (total,) = ledger.totals().values()
    assert (total.calls, total.tokens_in) == (2, 2 * whole.usage.tokens_in)
    assert total.assumed_usd == 0


def test_the_text_grows(server: VLLMServer) -> None:
    """Asked what it was never taught, and with much chance, the rookie writes more than its one word."""
    model = opened("chat", server)
    texts: list[list[str]] = [[] for _ in range(24)]

    async def main() -> list[Completion]:
        odd = (Message("system", "x"), Message("user", "plan"))
        calls = (ask(model, odd, temperature=2.0, seed=seed, on_text=shown.append) for seed, shown in enumerate(texts))
        done = await asyncio.gather(*calls)
        await model.close()
        return done

    for completion, shown in zip(asyncio.run(main()), texts, strict=True):
        assert all(after.startswith(before) for before, after in pairwise(shown))
        assert (shown or [""])[-1] == completion.text
    assert any(len(shown) > 1 for shown in texts), "no answer came in more than one piece"


@pytest.mark.parametrize("path", ["chat", "replicas", "schema"])
def test_a_choice_is_held_to(path: str, server: VLLMServer) -> None:
    """The rule says otherwise, and is not on the list."""
    model = opened(path, server)
    shown: list[str] = []

    async def main() -> list[Completion]:
        found = [await ask(model, choices=("jab", "throw")), await ask(model, choices=("jab",), on_text=shown.append)]
        await model.close()
        return found

    free, only = asyncio.run(main())
    assert free.text in ("jab", "throw")
    assert only.text == "jab"
    assert shown == ["jab"]


@pytest.mark.parametrize("path", PATHS)
def test_what_the_server_refuses_is_ours_to_say(path: str, server: VLLMServer) -> None:
    """A limit beyond the model's context: status 400, asked once, and nothing booked for it."""
    ledger = Ledger()
    model = opened(path, server, ModelOptions(max_retries=0, ledger=ledger))

    async def main() -> None:
        whole: dict[str, Any] = {}
        for more in (whole, {"on_text": lambda text: None}):
            with pytest.raises(Unavailable, match="max_model_len") as caught:
                await ask(model, max_tokens=100_000, **more)
            assert not caught.value.retryable
        await model.close()

    asyncio.run(main())
    assert ledger.totals() == {}


def test_batches_without_a_server_say_what_the_model_says_here(
    smollm2: Path, smollm2_model: LocalModel, vllm: Path
) -> None:
    """A real language model, asked some things at once; held to choices it says one of them."""
    batch = VLLMBatchModel(smollm2, name="vllm-batch:smollm2", root=vllm)
    questions = (
        "What is the capital of France?",
        "What is the capital of Italy?",
        "Who wrote Hamlet?",
        "Name a colour.",
    )
    free = [((Message("user", text),), {"max_tokens": 10, "temperature": 0.0}) for text in questions]
    held = [((Message("user", text),), {"choices": ("jab", "super jump")}) for text in questions]
    plans = Row((Either(("jab", "super jump")), UpTo(2, Row(("; ", Either(("jab", "guard if near")))))))
    planned = [((Message("user", text),), {"grammar": plans, "max_tokens": 40}) for text in questions]

    async def answers(model: ChatModel, calls: Sequence[tuple[Any, dict[str, Any]]]) -> list[tuple[str, str, int]]:
        done = await asyncio.gather(*(ask(model, messages, **arguments) for messages, arguments in calls))
        return [(one.text, one.finish_reason, one.usage.tokens_in) for one in done]

    async def main() -> None:
        here, there = await answers(smollm2_model, free), await answers(batch, [*free, *held, *planned])
        await batch.close()
        assert "Paris" in here[0][0]
        assert there[: len(free)] == here
        said = [text for text, _, _ in there[len(free) :]]
        assert set(said[: len(held)]) <= {"jab", "super jump"}
        assert all(map(Walker(plans).knows, said[len(held) :]))

    asyncio.run(main())
