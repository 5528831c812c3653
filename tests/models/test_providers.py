"""Every protocol against a real server that does everything wrong that a provider can do."""

import asyncio
import json
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from faulty_server import FaultyServer
from opened_models import CHAT_KINDS, CLAUDE_KINDS, KEY, KINDS, google_file, opened, set_keys

from models.capabilities import VLLM
from models.chat import ChatModel, ChatRequest, Completion, Message, Usage, holds_of
from models.endpoint import Endpoint
from models.errors import BadInput, Malformed, ModelError, RateLimited, Refused, TimedOut, Unavailable
from models.grammar import Either, Row, UpTo
from models.holding import as_said, nearest_choice, nearest_text
from models.openai import OpenAIModel, _Said, only_model, thought_in
from models.registry import ModelOptions, open_model

MESSAGES = (Message("system", "You fight."), Message("user", "far"), Message("assistant", "jab"), Message("user", "x"))

PROTOCOLS = ("openai", "responses", "anthropic", "bedrock", "vertex")
"""One kind of each protocol and client; the others speak OpenAI's chat by the same adapter."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    with FaultyServer(echo=KEY) as faulty:
        set_keys(monkeypatch)
        yield faulty


def ask(model: ChatModel, **arguments: object) -> Completion:
    async def once() -> Completion:
        try:
            return await model.complete(ChatRequest(MESSAGES, **arguments))  # type: ignore[arg-type]
        finally:
            await model.close()
            await model.close()

    return asyncio.run(once())


def fault_of(model: ChatModel) -> ModelError:
    with pytest.raises(ModelError) as caught:
        ask(model)
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer(kind: str, server: FaultyServer) -> None:
    completion = ask(opened(kind, "ok", server), max_tokens=5)
    assert completion.text.strip() == "jab"
    assert completion.usage == Usage(10, 3, cached=6 * (kind in CLAUDE_KINDS))
    assert completion.finish_reason == "stop"
    assert completion.latency > 0
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", PROTOCOLS)
@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("limited", RateLimited),
        ("quota", Unavailable),
        ("broken", Unavailable),
        ("busy", Unavailable),
        ("denied", Unavailable),
        ("stranger", Unavailable),
        ("hangup", Unavailable),
        ("truncated", Unavailable),
        ("garbled", Malformed),
        ("empty", Malformed),
        ("blocked", Refused),
    ],
)
def test_a_fault_has_its_class_and_no_key(
    kind: str, model: str, expected: type[ModelError], server: FaultyServer
) -> None:
    asked = opened(kind, model, server)
    fault = fault_of(asked)
    assert type(fault) is expected
    assert "\n" not in str(fault)
    assert str(fault).startswith(f"{asked.name}: ")
    everything = f"{fault} {fault!r} {''.join(traceback.format_exception(fault))} {fault.__cause__} {fault.__context__}"
    assert KEY not in everything


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {"choices": {"message": {"content": "jab"}}},
        {"choices": 1},
        {"choices": [None]},
        {"choices": [{"message": {"content": 7}}]},
        {"choices": [{"message": {"content": [{"text": "jab"}]}}]},
        {"choices": [{"message": {"content": [{"type": "text", "text": 7}]}}]},
        {"choices": [{"message": {"content": None, "refusal": {"why": "no"}}}]},
    ],
)
def test_an_answer_of_another_form_is_malformed(answer: object) -> None:
    """What comes as JSON is taken apart unchecked by the SDK."""
    if isinstance(answer, dict):
        answer = {"usage": {"prompt_tokens": 10, "completion_tokens": 3}} | answer
    model = OpenAIModel(Endpoint("openai", "m"), name="openai:m", api_key=KEY, capabilities=VLLM)
    with pytest.raises(Malformed, match="not of the API's form"):
        model._read(ChatRequest(MESSAGES), json.loads(json.dumps(answer), object_hook=_Said))


@pytest.mark.parametrize("kind", PROTOCOLS)
def test_slow_is_timed_out(kind: str, server: FaultyServer) -> None:
    options = ModelOptions(max_retries=0, timeout_s=0.3)
    assert type(fault_of(opened(kind, "slow", server, options))) is TimedOut


@pytest.mark.parametrize("kind", PROTOCOLS)
def test_nobody_there(kind: str, server: FaultyServer) -> None:
    model = opened(kind, "m", server)
    server.stop()
    fault = fault_of(model)
    assert type(fault) is Unavailable
    assert fault.retryable
    assert not fault.may_be_billed


@pytest.mark.parametrize(
    ("model", "retryable"), [("broken", True), ("quota", False), ("denied", False), ("stranger", False)]
)
def test_what_lasts_is_not_worth_a_retry(model: str, retryable: bool, server: FaultyServer) -> None:
    fault = fault_of(opened("openai", model, server))
    assert isinstance(fault, Unavailable)
    assert fault.retryable is retryable


@pytest.mark.parametrize("kind", PROTOCOLS)
def test_what_was_sent_may_be_billed(kind: str, server: FaultyServer) -> None:
    for model, sent in (("truncated", True), ("hangup", True), ("broken", False)):
        fault = fault_of(opened(kind, model, server))
        assert isinstance(fault, Unavailable)
        assert fault.may_be_billed is sent


@pytest.mark.parametrize("kind", PROTOCOLS)
def test_the_wait_that_a_provider_asks_for(kind: str, server: FaultyServer) -> None:
    fault = fault_of(opened(kind, "limited", server))
    assert isinstance(fault, RateLimited)
    assert fault.retry_after == 7.0
    busy = fault_of(opened(kind, "busy", server))
    assert isinstance(busy, Unavailable)
    assert (busy.retry_after, busy.overloaded, busy.retryable) == (7.0, True, True)


@pytest.mark.parametrize("kind", PROTOCOLS)
@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "This model's maximum context length is 2048 tokens. However, you requested 2303 tokens"),
        (400, "the request exceeds the available context size, try increasing it"),
        (500, "the request exceeds the available context size, try increasing it"),
    ],
)
def test_a_context_that_is_too_short_is_told_with_the_way_out(
    kind: str, status: int, said: str, server: FaultyServer
) -> None:
    server.objects = lambda request, path: (status, {"error": {"message": said, "type": "exceed_context_size_error"}})
    fault = fault_of(opened(kind, "ok", server))
    assert isinstance(fault, Unavailable)
    assert not fault.retryable
    for way_out in ("--ctx-size", "--max-model-len", "OLLAMA_CONTEXT_LENGTH", "max_tokens"):
        assert way_out in str(fault)


@pytest.mark.parametrize("kind", PROTOCOLS)
@pytest.mark.parametrize(("model", "finish"), [("refusal", "refusal"), ("long", "length")])
def test_finish_reasons(kind: str, model: str, finish: str, server: FaultyServer) -> None:
    assert ask(opened(kind, model, server)).finish_reason == finish


def test_choices_are_constrained_where_the_server_can(server: FaultyServer) -> None:
    completion = ask(opened("vllm", "ok", server), choices=("jab", "throw"), seed=7, temperature=0.5)
    assert completion.text == "jab"
    sent = server.requests[-1]
    assert sent["structured_outputs"] == {"choice": ["jab", "throw"]}
    assert "guided_choice" not in sent
    assert (sent["max_tokens"], sent["seed"], sent["temperature"]) == (256, 7, 0.5)
    for kind in ("ollama", "llamacpp"):
        assert ask(opened(kind, "ok", server), choices=("jab", "throw")).text == "jab"
        schema = {"type": "string", "enum": ["jab", "throw"]}
        sent = server.requests[-1]
        assert sent["response_format"]["json_schema"]["schema"] == schema
        assert "structured_outputs" not in sent
    for kind in ("openai", "openrouter", "responses"):
        ask(opened(kind, "ok", server), choices=("jab", "throw"))
        assert not {"structured_outputs", "response_format", "text"} & server.requests[-1].keys()


def test_a_grammar_holds_where_the_server_can(server: FaultyServer) -> None:
    grammar = Row((Either(("jab", "a.b")), UpTo(2, "; jab")))
    written = r"(?:jab|a\.b)(?:; jab){0,2}"
    schema = {"type": "string", "pattern": f"^{written}$"}
    for kind in KINDS:
        model = opened(kind, "ok", server)
        can = kind in ("vllm", "ollama", "llamacpp")
        assert holds_of(model) == ("grammar" if can else "nothing")
        assert ask(model, grammar=grammar).text.strip() == "jab"
        sent = server.requests[-1]
        assert sent.get("structured_outputs") == ({"regex": written} if kind == "vllm" else None)
        held = sent.get("response_format", {}).get("json_schema", {}).get("schema")
        assert held == (schema if can and kind != "vllm" else None)


def test_a_spelled_plan_is_that_plan() -> None:
    plans = Row((Either(("jab", "throw")), UpTo(1, "; jab if near")))
    assert nearest_text(" t h r o w", plans) == "throw"
    assert nearest_text("throw ; jab if near", plans) == "throw; jab if near"
    assert nearest_text('"throw; jab if near"  ', plans, "schema") == "throw; jab if near"
    assert nearest_text("throw; jab if", plans) == "throw; jab if"


def test_what_is_quoted_is_read_as_it_grows() -> None:
    shown: list[str] = []
    hear = as_said(shown.append, "schema")
    assert hear is not None
    for text in ('"', '"jab', '"jab; gu', '"jab; guard"', '"jab; guard"  \n'):
        hear(text)
    assert shown == ["jab", "jab; gu", "jab; guard"]
    assert as_said(None, "schema") is None
    assert as_said(hear, "vllm") is hear


def test_a_spelled_choice_is_that_choice() -> None:
    choices = ["throw", "jab", "jab then throw"]
    assert nearest_choice(" t h r o w", choices) == "throw"
    assert nearest_choice("jabthen throw ", choices) == "jab then throw"
    assert nearest_choice(" jab", choices) == "jab"
    assert nearest_choice("Throw!", choices) == "Throw!"
    assert nearest_choice("a b", ["ab", " ab", "a  b"]) == "a b"
    assert nearest_choice('"throw"', choices, "schema") == "throw"
    assert nearest_choice('"jab then th', choices, "schema") == "jab then th"
    assert nearest_choice('["jab"]', choices, "schema") == '["jab"]'


@pytest.mark.parametrize("kind", CLAUDE_KINDS)
def test_anthropic_gets_the_system_message_apart(kind: str, server: FaultyServer) -> None:
    ask(opened(kind, "ok", server), temperature=1.7, max_tokens=9)
    sent = server.requests[-1]
    assert sent["system"] == [{"type": "text", "text": "You fight.", "cache_control": {"type": "ephemeral"}}]
    assert [message["role"] for message in sent["messages"]] == ["user", "assistant", "user"]
    assert (sent["temperature"], sent["max_tokens"]) == (1.0, 9)


def test_retries_are_ours_alone(server: FaultyServer) -> None:
    """A fault is one request: the SDKs' own retries would double ours and pass no ledger."""
    for kind in PROTOCOLS:
        server.requests.clear()
        fault_of(opened(kind, "broken", server))
        assert len(server.requests) == 1


def test_a_passing_fault_is_retried(server: FaultyServer) -> None:
    model = open_model(f"vllm:{server.url}#flaky-1", ModelOptions(max_retries=1))
    assert ask(model).text.strip() == "jab"
    assert len(server.requests) == 2


def test_the_only_model_of_a_server(server: FaultyServer) -> None:
    assert open_model(f"vllm:{server.url}").name == f"vllm:{server.url}#ok"
    assert open_model(f"vllm:{server.url}/v1/").name == f"vllm:{server.url}/v1#ok"
    server.listed = ("one", "two")
    with pytest.raises(BadInput, match="one, two"):
        open_model(f"vllm:{server.url}")
    server.listed = ()
    with pytest.raises(BadInput, match="none"):
        open_model(f"vllm:{server.url}")


@pytest.mark.parametrize("place", ["user:{key}@{host}/v1", "{key}@{host}", "{host}/v1?key={key}"])
def test_a_key_in_the_url_is_refused_and_not_shown(place: str, server: FaultyServer) -> None:
    url = "http://" + place.format(key=KEY, host=server.url.removeprefix("http://"))
    for spec, options in ((f"vllm:{url}#m", ModelOptions()), ("openai:m", ModelOptions(base_url=url))):
        with pytest.raises(BadInput, match="api_key_env") as caught:
            open_model(spec, options)
        assert KEY not in f"{caught.value!r}"
    with pytest.raises(BadInput) as unlisted:
        only_model("http://" + place.format(key=KEY, host="127.0.0.1:1"), "other-key")
    assert KEY not in f"{unlisted.value!r} {unlisted.value.__context__}"


@pytest.mark.parametrize("model", ["broken", "denied", "garbled", "stranger"])
def test_a_key_in_the_url_of_an_adapter_is_never_shown(model: str, server: FaultyServer) -> None:
    url = f"http://user:{KEY}@{server.url.removeprefix('http://')}/v1"
    known = Endpoint("openai", model)
    adapter = OpenAIModel(known, name="openai:m", api_key="other-key", capabilities=VLLM, base_url=url)
    fault = fault_of(adapter)
    assert KEY not in f"{fault!r} {adapter!r} {adapter.__dict__!r}"


def test_cancelling_is_no_fault(server: FaultyServer) -> None:
    async def impatient() -> None:
        model = opened("openai", "slow", server)
        async with asyncio.timeout(0.2):
            await model.complete(ChatRequest(MESSAGES))

    with pytest.raises(TimeoutError):
        asyncio.run(impatient())


@pytest.mark.parametrize("kind", CHAT_KINDS)
def test_what_was_thought_and_counted_in_the_total_only_is_paid_for(kind: str, server: FaultyServer) -> None:
    assert ask(opened(kind, "thoughtful", server)).usage == Usage(10, 103)


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_thought_is_kept_apart_from_the_text(kind: str, server: FaultyServer) -> None:
    for model in ("thinks", "reasons") if kind in CHAT_KINDS else ("ok",):
        completion = ask(opened(kind, model, server))
        assert (completion.text.strip(), completion.thought) == ("jab", "hm")
    if kind in CHAT_KINDS:
        assert ask(opened(kind, "ok", server)).thought == ""


def test_an_empty_field_hides_no_thought_in_another() -> None:
    assert thought_in(_Said(reasoning_content="", reasoning="hm")) == "hm"
    assert thought_in(_Said(reasoning_content="hm", reasoning="hm")) == "hm"
    assert thought_in(_Said(reasoning={"effort": "low"})) == ""


def test_a_response_that_failed_and_one_that_is_short(server: FaultyServer) -> None:
    fault = fault_of(opened("responses", "failed", server))
    assert isinstance(fault, Unavailable)
    assert (fault.retryable, fault.may_be_billed) == (True, True)
    ask(opened("responses", "ok", server), max_tokens=4, temperature=0.3, seed=3)
    sent = server.requests[-1]
    assert sent["input"] == [{"role": message.role, "content": message.content} for message in MESSAGES]
    assert (sent["max_output_tokens"], sent["store"], sent["temperature"]) == (16, False, 0.3)
    assert "seed" not in sent
    assert server.paths[-1] == "/responses"


def test_the_clouds_are_asked_where_and_as_they_want(server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
    ask(opened("bedrock", name, server))
    assert server.requests[-1]["model"] == name
    assert server.paths[-1].startswith("/model/us.anthropic.claude-haiku-4-5-20251001-v1:0/invoke")
    assert "/us-east-1/bedrock/aws4_request" in server.headers[-1]["authorization"]
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "a-key-of-bedrock")
    ask(opened("bedrock", name, server))
    assert server.headers[-1]["authorization"] == "Bearer a-key-of-bedrock"
    ask(opened("vertex", "claude-haiku-4-5@20251001", server))
    assert server.paths[-1] == (
        "/projects/ring/locations/europe-west1/publishers/anthropic/models/claude-haiku-4-5@20251001:rawPredict"
    )
    assert server.headers[-1]["authorization"] == f"Bearer {KEY}"


def test_google_gives_a_token_for_a_file(server: FaultyServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A service account's file, signed by its key; where the token cannot be had that is ours to say."""
    file = google_file(tmp_path, server.url)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    ask(opened("vertex", "ok", server))
    assert server.headers[-1]["authorization"] == "Bearer google-token"
    assert server.tokens_given == 1
    file.write_text(file.read_text().replace("/token", "/no-token"))
    fault = fault_of(opened("vertex", "ok", server))
    assert isinstance(fault, Unavailable)
    assert "no token was to be had" in str(fault)
    assert not fault.retryable
    file.write_text(file.read_text().replace(server.url, "http://127.0.0.1:1"))
    fault = fault_of(opened("vertex", "ok", server))
    assert isinstance(fault, Unavailable)
    assert fault.retryable
    assert "PRIVATE" not in str(fault)


@pytest.mark.parametrize("kind", PROTOCOLS)
def test_a_model_serves_several_event_loops(kind: str, server: FaultyServer) -> None:
    """DSPy, for one, calls from threads with loops of their own."""
    model = opened(kind, "ok", server)
    for _ in range(2):
        assert asyncio.run(model.complete(ChatRequest(MESSAGES))).text.strip() == "jab"
    asyncio.run(model.close())
    with ThreadPoolExecutor(4) as pool:
        texts = list(pool.map(lambda _: asyncio.run(model.complete(ChatRequest(MESSAGES))).text.strip(), range(8)))
    assert texts == ["jab"] * 8
