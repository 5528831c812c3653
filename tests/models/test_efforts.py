"""How much a model is to think, as each protocol wants to be told."""

import asyncio
from typing import Any

import pytest
from faulty_server import FaultyServer
from opened_models import KEY

from models.capabilities import Effort, openai_capabilities
from models.chat import ChatModel, ChatRequest, Message
from models.endpoint import Endpoint
from models.errors import BadInput
from models.openai import OpenAIModel
from models.registry import ModelOptions, open_model
from models.responses import ResponsesModel

MESSAGES = (Message("user", "far"),)
MOVES = ("jab", "throw")


def sent(server: FaultyServer, model: ChatModel, **arguments: Any) -> dict[str, Any]:
    async def once() -> None:
        await model.complete(ChatRequest(MESSAGES, **arguments))
        await model.close()

    asyncio.run(once())
    return server.requests[-1]


@pytest.mark.parametrize(
    ("model", "effort", "choosing", "expected"),
    [
        ("gpt-6-luna", None, False, None),
        ("gpt-6-luna", None, True, "none"),
        ("gpt-6-luna", "high", True, "high"),
        ("gpt-6.1-sol", None, True, "low"),
        ("gpt-5-nano", None, True, "minimal"),
        ("gpt-4.1", None, True, None),
    ],
)
def test_openai(model: str, effort: Effort | None, choosing: bool, expected: str | None, server: FaultyServer) -> None:
    for adapter in (OpenAIModel, ResponsesModel):
        asked = adapter(
            Endpoint("openai", model, effort=effort),
            name=f"openai:{model}",
            api_key=KEY,
            capabilities=openai_capabilities(model),
            base_url=server.url,
        )
        request = sent(server, asked, choices=MOVES if choosing else None, temperature=0.7, seed=1)
        found = (
            request.get("reasoning", {}).get("effort") if adapter is ResponsesModel else request.get("reasoning_effort")
        )
        assert found == expected
        assert ("temperature" in request) is (model == "gpt-4.1")


@pytest.mark.parametrize("kind", ["vllm", "ollama", "llamacpp", "openrouter", "openai"])
def test_other_servers_judge_for_themselves(kind: str, server: FaultyServer) -> None:
    spec = f"vllm:{server.url}#ok+low" if kind == "vllm" else f"{kind}:ok+low"
    request = sent(server, open_model(spec, ModelOptions(base_url=server.url)), choices=MOVES)
    assert (request["model"], request["reasoning_effort"]) == ("ok", "low")
    spec = spec.removesuffix("+low")
    request = sent(server, open_model(spec, ModelOptions(base_url=server.url)), choices=MOVES)
    assert "reasoning_effort" not in request


ADAPTIVE = {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}


@pytest.mark.parametrize(
    ("model", "choosing", "expected"),
    [
        ("claude-haiku-4-5", True, {}),
        ("claude-haiku-4-5+none", False, {}),
        ("claude-haiku-4-5+low", True, {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        ("claude-haiku-4-5+high", False, {"thinking": {"type": "enabled", "budget_tokens": 3200}}),
        ("claude-opus-4-7+high", False, ADAPTIVE),
        ("claude-opus-4-7", True, {}),
        ("claude-sonnet-5-5", False, {}),
        ("claude-sonnet-5-5", True, {"thinking": {"type": "disabled"}}),
        ("claude-sonnet-5-5+high", True, {"output_config": {"effort": "high"}}),
        ("claude-opus-5-5", True, {"output_config": {"effort": "low"}}),
    ],
)
def test_claude(model: str, choosing: bool, expected: dict[str, Any], server: FaultyServer) -> None:
    """Asked by its name on Bedrock, whose address may be another's while its table is Anthropic's."""
    asked = open_model(f"bedrock:{model}", ModelOptions(base_url=server.url))
    request = sent(server, asked, choices=MOVES if choosing else None, max_tokens=4000, temperature=0.5)
    assert {key: request[key] for key in ("thinking", "output_config") if key in request} == expected
    assert ("temperature" in request) is ("haiku-4-5" in model and "thinking" not in expected)


def test_a_budget_wants_room(server: FaultyServer) -> None:
    asked = open_model("bedrock:claude-haiku-4-5+low", ModelOptions(base_url=server.url))
    with pytest.raises(BadInput, match="thinking takes 1024 tokens or more of the 128 allowed"):
        sent(server, asked, max_tokens=128)
