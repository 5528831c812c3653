"""Servers that take less than others: asked once as usual, then as they want it, by every protocol."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from faulty_server import FaultyServer
from opened_models import CHAT_KINDS, CLAUDE_KINDS, KINDS, LITELLM_KINDS, opened

from models.chat import ChatModel, ChatRequest, Completion, Message
from models.errors import Unavailable
from models.folding import folded
from models.ledger import Ledger
from models.notes import Notes
from models.prices import Price
from models.registry import ModelOptions

MESSAGES = (Message("system", "You fight."), Message("user", "far"))
ALL = (*KINDS, *LITELLM_KINDS)

Body = dict[str, Any]


def told(notes: list[str]) -> Notes:
    return Notes(notes.append)


def options(notes: list[str], ledger: Ledger | None = None, **more: Any) -> ModelOptions:
    """Not one retry: what is learnt is none."""
    return ModelOptions(
        max_retries=0, timeout_s=10.0, ledger=ledger or Ledger(), notes=told(notes), price=Price(0, 0), **more
    )


def asked(model: ChatModel, count: int = 1, at_once: bool = False, **arguments: Any) -> list[Completion]:
    """What ``count`` requests gave, one after the other or at once."""

    async def all_of_them() -> list[Completion]:
        requests = [ChatRequest(MESSAGES, **arguments) for _ in range(count)]
        try:
            if at_once:
                return await asyncio.gather(*map(model.complete, requests))
            return [await model.complete(request) for request in requests]
        finally:
            await model.close()

    return asyncio.run(all_of_them())


def holds(request: Any, field: str) -> bool:
    """Whether ``field`` is anywhere in a request."""
    if isinstance(request, dict):
        return field in request or any(holds(inner, field) for inner in request.values())
    return isinstance(request, list) and any(holds(inner, field) for inner in request)


def refusing(server: FaultyServer, *fields: str, wording: str = "{}: Extra inputs are not permitted") -> None:
    """Have ``server`` refuse every request that holds one of ``fields``."""

    def objects(request: Body, path: str) -> tuple[int, Body] | None:
        for field in fields:
            if holds(request, field):
                return 400, {"error": {"message": wording.format(field), "type": "invalid_request_error"}}
        return None

    server.objects = objects


def fields_of(kind: str) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Fields that a request to ``kind`` may do without, with what is asked and opened so that it holds them."""
    anthropic = kind in CLAUDE_KINDS or kind == "litellm-anthropic"
    yield "temperature", {}, {}
    if anthropic and kind != "litellm-anthropic":
        yield "cache_control", {}, {}
    if kind == "responses":
        yield "store", {}, {}
        yield "reasoning", {}, {"effort": "low"}
    if kind in (*CHAT_KINDS, "litellm-openai"):
        yield "seed", {"seed": 3}, {}
        yield "max_tokens", {}, {}
        yield "stream_options", {"on_text": lambda text: None}, {}
    if kind in CHAT_KINDS:
        yield "reasoning_effort", {}, {"effort": "low"}
    if kind == "vllm":
        yield "structured_outputs", {"choices": ("jab", "throw")}, {}
    if kind in ("ollama", "llamacpp"):
        yield "response_format", {"choices": ("jab", "throw")}, {}
    if kind not in ("bedrock", "vertex"):  # there the address says that a stream is wanted, and no field
        yield "stream", {"on_text": lambda text: None}, {}


CASES = [(kind, *case) for kind in ALL for case in fields_of(kind)]


@pytest.mark.parametrize(
    ("kind", "field", "arguments", "more"), CASES, ids=[f"{kind}-{field}" for kind, field, *_ in CASES]
)
def test_what_is_not_taken_is_left_out_once_and_for_all(
    kind: str, field: str, arguments: dict[str, Any], more: dict[str, Any], server: FaultyServer
) -> None:
    refusing(server, field)
    notes: list[str] = []
    ledger = Ledger()
    model = opened(kind, "ok", server, options(notes, ledger, **more))
    first, second = asked(model, 2, **arguments)
    assert first.text.strip() == second.text.strip() == "jab"
    assert [holds(request, field) for request in server.requests] == [True, False, False]
    (total,) = ledger.totals().values()
    assert total.calls == 2, "what was turned down is given back"
    if field == "max_tokens":
        assert server.requests[-1]["max_completion_tokens"] == 256
    notes = [note for note in notes if "does not count tokens" not in note]  # litellm counts no stream by itself
    assert len(notes) == (field not in ("max_tokens", "stream_options", "store", "cache_control")), notes


@pytest.mark.parametrize("kind", ALL)
def test_first_calls_at_once_all_learn(kind: str, server: FaultyServer) -> None:
    """Each was made before anybody knew better, and none is lost."""
    refusing(server, "temperature")
    notes: list[str] = []
    model = opened(kind, "ok", server, options(notes))
    assert {completion.text.strip() for completion in asked(model, 4, at_once=True)} == {"jab"}
    assert sum(holds(request, "temperature") for request in server.requests) <= 4
    assert len(notes) == 1


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("kind", ALL)
def test_one_thing_after_the_other_is_learnt(kind: str, streams: bool, server: FaultyServer) -> None:
    """A server of a kind that takes hardly anything, and says one thing at a time."""
    refusing(server, "temperature", "seed", "stream_options", "cache_control", wording="Unknown field: '{}'")
    model = opened(kind, "ok", server, options([]))
    arguments: dict[str, Any] = {"seed": 4} | ({"on_text": lambda text: None} if streams else {})
    assert asked(model, 2, **arguments)[0].text.strip() == "jab"
    assert not holds(server.requests[-1], "temperature")
    assert len(server.requests) <= 6


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(
    "said", ["System role not supported", "Conversation roles must alternate user/assistant/user/assistant/..."]
)
@pytest.mark.parametrize("status", [400, 500])
def test_without_a_system_role_the_user_says_it(kind: str, said: str, status: int, server: FaultyServer) -> None:
    def objects(request: Body, path: str) -> tuple[int, Body] | None:
        messages = request.get("messages") or request["input"]
        told = bool(request.get("system")) or any(message["role"] == "system" for message in messages)
        return (status, {"error": {"message": said}}) if told else None

    server.objects = objects
    notes: list[str] = []
    asked(opened(kind, "ok", server, options(notes)), 2)
    assert len(server.requests) == 3
    sent = server.requests[-1]
    (message,) = sent.get("messages") or sent["input"]
    content = message["content"]
    text = content if isinstance(content, str) else content[0]["text"]
    assert (message["role"], text) == ("user", folded(MESSAGES)[0].content)
    assert "system" not in sent
    assert len(notes) == 1
    assert "knows no system role" in notes[0]


@pytest.mark.parametrize("kind", ALL)
def test_a_bad_request_is_not_hidden(kind: str, server: FaultyServer) -> None:
    """It is asked once, and what the server says is told."""
    server.objects = lambda request, path: (400, {"error": {"message": "the answer may have at most 16 tokens"}})
    with pytest.raises(Unavailable, match="at most 16 tokens") as caught:
        asked(opened(kind, "ok", server, options([])))
    assert not caught.value.retryable
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_user_wants_to_be_sent_is_not_left_out(kind: str, server: FaultyServer) -> None:
    refusing(server, "verbosity", wording="Unsupported parameter: '{}'")
    model = opened(kind, "ok", server, options([], extra={"verbosity": "low"}))
    with pytest.raises(Unavailable, match="verbosity"):
        asked(model)
    assert len(server.requests) == 1


def test_an_effort_of_another_name_is_the_users_to_choose(server: FaultyServer) -> None:
    """One that the server does not know at all is left out, and one that we chose ourselves."""
    said = "Unsupported value: 'reasoning_effort' does not support '{}' with this model. Supported values are: 'low'."
    server.objects = lambda request, path: (
        (400, {"error": {"message": said.format(request["reasoning_effort"]), "param": "reasoning_effort"}})
        if "reasoning_effort" in request
        else None
    )
    with pytest.raises(Unavailable, match="does not support 'max'"):
        asked(opened("vllm", "ok", server, options([], effort="max")))
    notes: list[str] = []
    model = opened("openai", "gpt-5-nano", server, options(notes))
    assert asked(model, choices=("jab", "throw"))[0].text.strip() == "jab"
    assert ["reasoning_effort" in request for request in server.requests] == [True, True, False]


def test_neither_name_of_the_limit(server: FaultyServer) -> None:
    refusing(server, "max_tokens", "max_completion_tokens", wording="Unsupported parameter: '{}'")
    with pytest.raises(Unavailable, match="max_completion_tokens"):
        asked(opened("openai", "ok", server, options([])))
    assert len(server.requests) == 2


@pytest.mark.parametrize("kind", ALL)
def test_a_server_that_takes_nothing_is_given_up(kind: str, server: FaultyServer) -> None:
    """It complains of every field that it gets, whatever it is."""

    def objects(request: Body, path: str) -> tuple[int, Body]:
        names = sorted({*request} - {"model"})
        return 400, {"detail": [{"loc": ["body", name], "msg": "extra fields not permitted"} for name in names]}

    server.objects = objects
    with pytest.raises(Unavailable, match="extra fields not permitted"):
        asked(opened(kind, "ok", server, options([])), seed=1, on_text=lambda text: None)
    assert len(server.requests) < 12


@pytest.mark.parametrize("kind", ["openai", "responses", "openrouter", "ollama", "llamacpp"])
@pytest.mark.parametrize("streams", [False, True])
def test_an_address_without_a_path(kind: str, streams: bool, server: FaultyServer) -> None:
    """The API may lie there, or in /v1: what was not found is looked for once."""
    server.objects = lambda request, path: None if path.startswith("/v1/") else (404, {"detail": "Not Found"})
    arguments: dict[str, Any] = {"on_text": lambda text: None} if streams else {}
    first, second = asked(opened(kind, "ok", server, options([])), 2, **arguments)
    assert first.text.strip() == second.text.strip() == "jab"
    assert [path.startswith("/v1/") for path in server.paths] == [False, True, True]


def test_lm_studio_says_it_with_status_200(server: FaultyServer) -> None:
    said = {"error": "Unexpected endpoint or method. (POST /chat/completions). Returning 200 anyway"}
    server.objects = lambda request, path: None if path.startswith("/v1/") else (200, said)
    assert asked(opened("openai", "ok", server, options([])))[0].text.strip() == "jab"


def test_a_model_that_is_not_there_is_not_looked_for_elsewhere(server: FaultyServer) -> None:
    with pytest.raises(Unavailable, match="no such model or address"):
        asked(opened("openai", "stranger", server, options([])))
    assert len(server.requests) == 1
    server.objects = lambda request, path: (404, {"detail": "Not Found"})
    with pytest.raises(Unavailable, match="no such model or address"):
        asked(opened("openai", "ok", server, options([])))
    assert len(server.requests) == 3


@pytest.mark.parametrize("key", ["k", "x", "none", "token"])
def test_a_key_that_is_none_hides_no_field(key: str, server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers of one's own are given any word for a key, and the key is taken out of what they say."""
    monkeypatch.setenv("OPENAI_API_KEY", key)
    refusing(server, "max_tokens", wording=f"Unsupported parameter: '{{}}'; your key is {key}")
    assert asked(opened("openai", "ok", server, options([])))[0].text.strip() == "jab"
    server.objects = lambda request, path: (400, {"error": {"message": f"no: your key is {key}."}})
    with pytest.raises(Unavailable, match=r"your key is \[key\]\."):
        asked(opened("openai", "ok", server, options([])))
