"""What servers do that their protocols do not say: how answers end, what they hold and count, by every protocol."""

import asyncio
import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from faulty_server import FaultyServer
from hypothesis import given
from hypothesis import strategies as st
from opened_models import CHAT_KINDS, CLAUDE_KINDS, KINDS, LITELLM_KINDS, opened

from models.chat import ChatModel, ChatRequest, Completion, Message, Usage
from models.counting import UNSEEN, counted, most_tokens
from models.endings import ending
from models.errors import Malformed, ModelError, Unavailable
from models.ledger import Ledger
from models.notes import Notes
from models.prices import FREE, PRICES, Price
from models.registry import ModelOptions, open_model
from models.thoughts import parted

MESSAGES = (Message("system", "You fight."), Message("user", "far"))
CHAT = (*CHAT_KINDS, "litellm-openai")
CLAUDE = (*CLAUDE_KINDS, "litellm-anthropic")

Body = dict[str, Any]
Change = Callable[[Body], Body]


def options(notes: list[str] | None = None, **more: Any) -> ModelOptions:
    said = [] if notes is None else notes
    return replace(ModelOptions(max_retries=0, timeout_s=10.0, notes=Notes(said.append)), **more)


def outcome(model: ChatModel, streams: bool = False, **arguments: Any) -> Completion | ModelError:
    shown: list[str] = []

    async def once() -> Completion:
        try:
            request = ChatRequest(MESSAGES, on_text=shown.append if streams else None, **arguments)
            return await model.complete(request)
        finally:
            await model.close()

    try:
        completion = asyncio.run(once())
    except ModelError as fault:
        return fault
    if streams:
        assert shown[-1:] == [completion.text]
    return completion


def answered(model: ChatModel, streams: bool = False, **arguments: Any) -> Completion:
    found = outcome(model, streams, **arguments)
    assert isinstance(found, Completion), found
    return found


def changing(server: FaultyServer, change: Change) -> None:
    """Have ``change`` done to a copy of every whole answer and of every event."""
    server.changes = lambda answer, request: change(copy.deepcopy(answer))


def ends(reason: str) -> Change:
    """Answers of every protocol that end for ``reason``."""

    def change(body: Body) -> Body:
        for choice in body.get("choices") or ():
            choice["finish_reason"] = choice.get("finish_reason") and reason
        if body.get("stop_reason"):
            body["stop_reason"] = reason
        if (body.get("delta") or {}) and isinstance(body["delta"], dict) and "stop_reason" in body["delta"]:
            body["delta"]["stop_reason"] = reason
        return body

    return change


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("kind", (*CHAT_KINDS, *CLAUDE_KINDS))
def test_an_answer_that_a_fault_ended_is_the_providers(kind: str, streams: bool, server: FaultyServer) -> None:
    changing(server, ends("error"))
    fault = outcome(opened(kind, "ok", server, options()), streams)
    assert isinstance(fault, Unavailable)
    assert (fault.retryable, fault.may_be_billed) == (True, True)
    assert "it ended with 'error'" in str(fault)


@pytest.mark.usefixtures("waiting_takes_no_time")
@pytest.mark.parametrize("kind", (*CHAT_KINDS, *CLAUDE_KINDS))
def test_and_it_is_asked_again(kind: str, server: FaultyServer) -> None:
    def change(body: Body) -> Body:
        return ends("error")(body) if len(server.requests) == 1 else body

    changing(server, change)
    ledger = Ledger()
    assert answered(opened(kind, "ok", server, options(max_retries=1, ledger=ledger))).text.strip() == "jab"
    (total,) = ledger.totals().values()
    assert total.calls == len(server.requests) == 2


@pytest.mark.parametrize(
    ("reason", "written", "expected"),
    [
        *((reason, "", "stop") for reason in ("stop", "STOP", "eos", "end_turn", "stop_sequence", "tool_calls")),
        *((reason, "x", "length") for reason in ("length", "max_tokens", "MAX_TOKENS", "model_length")),
        *((reason, "x", "length") for reason in ("model_context_window_exceeded", "max_output_tokens")),
        *((reason, "x", "refusal") for reason in ("content_filter", "refusal", "SAFETY", "sensitive")),
        *((reason, "x", None) for reason in ("error", "abort", "cancelled", "insufficient_system_resource", "failed")),
        *((reason, "x", "stop") for reason in ("pause_turn", "never_heard_of", None)),
        *((reason, "", None) for reason in ("pause_turn", "never_heard_of", None)),
    ],
)
def test_reasons_to_end(reason: str | None, written: str, expected: str | None) -> None:
    assert ending(reason, written) == expected


@pytest.mark.parametrize("kind", (*KINDS, *LITELLM_KINDS))
@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "it broke", "code": 502}},
        {"error": "it broke"},
        {"choices": [], "output": None, "content": None, "error": {"message": "it broke", "type": "server_error"}},
    ],
)
def test_an_error_with_status_200(kind: str, body: Body, server: FaultyServer) -> None:
    server.objects = lambda request, path: (200, body)
    fault = outcome(opened(kind, "ok", server, options()))
    assert isinstance(fault, ModelError)
    if kind in (*CHAT_KINDS, "responses"):
        assert isinstance(fault, Unavailable)
        assert (fault.retryable, fault.may_be_billed) == (True, True)
        assert "it broke" in str(fault)


@pytest.mark.usefixtures("waiting_takes_no_time")
@pytest.mark.parametrize("kind", CHAT_KINDS)
def test_no_choices_are_asked_for_again(kind: str, server: FaultyServer) -> None:
    changing(server, lambda body: body | {"choices": []} if len(server.requests) == 1 else body)
    assert answered(opened(kind, "ok", server, options(max_retries=1))).text.strip() == "jab"
    assert len(server.requests) == 2


@pytest.mark.parametrize("kind", CHAT_KINDS)
def test_an_error_in_a_choice(kind: str, server: FaultyServer) -> None:
    def change(body: Body) -> Body:
        body["choices"][0] |= {"error": {"message": "the provider went away", "code": 502}, "finish_reason": "error"}
        return body

    changing(server, change)
    fault = outcome(opened(kind, "ok", server, options()))
    assert isinstance(fault, Unavailable)
    assert "went away" in str(fault)


PARTS = [
    {"type": "thinking", "thinking": [{"type": "text", "text": "they may throw"}]},
    {"type": "text", "text": "ja"},
    {"type": "reference", "reference_ids": [1]},
    {"type": "text", "text": "b"},
]


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("kind", CHAT_KINDS)
def test_parts_of_a_message(kind: str, streams: bool, server: FaultyServer) -> None:
    def change(body: Body) -> Body:
        for choice in body["choices"]:
            said = choice.get("message") or choice["delta"]
            if said.get("content"):
                piece = {"ja": PARTS[:3], "b": PARTS[3:]} if streams else {" jab": PARTS}
                said["content"] = piece.get(said["content"], piece.get("j" + said["content"], []))
        return body

    changing(server, change)
    completion = answered(opened(kind, "ok", server, options()), streams)
    assert (completion.text, completion.thought) == ("jab", "they may throw")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, ("", "")),
        ("jab", ("jab", "")),
        (["ja", "b"], ("jab", "")),
        ({"type": "text", "text": "jab"}, ("jab", "")),
        ([{"type": "reasoning", "reasoning": "hm"}, {"type": "output_text", "text": "jab"}], ("jab", "hm")),
        ([{"type": "reasoning", "summary": [{"text": "hm"}]}, {"type": "image_url"}], ("", "hm")),
        ([], ("", "")),
        (7, None),
        ([7], None),
        ([{"text": "jab"}], None),
        ([{"type": "text"}], None),
    ],
)
def test_what_is_said_in_parts(content: object, found: tuple[str, str] | None) -> None:
    assert parted(content) == found


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("kind", (*KINDS, *LITELLM_KINDS))
@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("<think>throw, as they guard</think>jab", "jab"),
        ("<think>throw, as they guard", ""),
        ("throw, as they guard</think>\n\njab", "jab"),
    ],
)
def test_thoughts_between_tags(kind: str, written: str, said: str, streams: bool, server: FaultyServer) -> None:
    """By every protocol, and cut at its limit: what is thought is in no text, and is counted."""
    pieces = {"j": written[:9], "a": written[9:20], "b": written[20:]}

    def change(body: Body) -> Body:
        for holder in _holders(body):
            for field in ("content", "text", "delta"):
                if isinstance(holder.get(field), str) and holder[field].strip():
                    holder[field] = pieces.get(holder[field], written)
        return body

    changing(server, change)
    shown: list[str] = []
    request = ChatRequest(MESSAGES, on_text=shown.append if streams else None)
    model = opened(kind, "long", server, options())

    async def ask() -> Completion:
        try:
            return await model.complete(request)
        finally:
            await model.close()

    completion = asyncio.run(ask())
    assert (completion.text, completion.finish_reason) == (said, "length")
    assert "throw, as they guard" in completion.thought
    assert completion.usage.tokens_out == 3
    assert not streams or shown[-1] == written, "whoever reads along takes thoughts apart"


def _holders(body: object) -> list[Body]:
    """Every object in which the text of an answer may stand, but for those that hold a thought."""
    if isinstance(body, list):
        return [holder for one in body for holder in _holders(one)]
    if not isinstance(body, dict) or str(body.get("type")) in ("thinking", "thinking_delta", "reasoning"):
        return []
    if body.get("type") == "response.reasoning_text.delta":
        return []
    return [body, *(holder for inner in body.values() for holder in _holders(inner))]


def without_counts(body: Body) -> Body:
    """An answer, or an event, that counts nothing."""
    for holder in (body, body.get("message"), body.get("response")):
        if isinstance(holder, dict):
            holder.pop("usage", None)
    return body


@pytest.mark.parametrize(
    ("kind", "streams"), [*((kind, streams) for kind in KINDS for streams in (False, True)), ("litellm-openai", False)]
)
def test_without_counts_what_is_free_is_estimated_and_what_is_not_is_refused(
    kind: str, streams: bool, server: FaultyServer
) -> None:
    changing(server, without_counts)
    notes: list[str] = []
    for price in (FREE, None):
        model = opened(kind, "ok", server, options(notes, price=price))
        completion = answered(model, streams)
        assert completion.usage.estimated
        assert 0 < completion.usage.tokens_in <= most_tokens(MESSAGES)
        assert 0 < completion.usage.tokens_out < 10
    assert len(notes) == 2, "once a model"
    assert "does not count tokens" in notes[0]
    ledger = Ledger(limit_usd=1.0)
    fault = outcome(opened(kind, "ok", server, options(price=Price(1, 2), ledger=ledger)), streams, max_tokens=50)
    assert isinstance(fault, Unavailable)
    assert not fault.retryable
    assert "cost cannot be booked" in str(fault)
    (total,) = ledger.totals().values()
    assert (total.calls, total.tokens_out) == (1 + streams, 50 * (1 + streams)), "a stream, and then the whole answer"
    assert total.assumed_usd == total.cost_usd


@pytest.mark.parametrize("kind", CHAT_KINDS)
def test_who_counts_whole_answers_only_is_asked_for_them(kind: str, server: FaultyServer) -> None:
    changing(server, lambda body: without_counts(body) if body["object"] == "chat.completion.chunk" else body)
    ledger = Ledger(limit_usd=1.0)
    model = opened(kind, "ok", server, options(price=Price(1, 2), ledger=ledger))
    shown: list[str] = []

    async def twice() -> list[Completion]:
        try:
            return [await model.complete(ChatRequest(MESSAGES, on_text=shown.append)) for _ in range(2)]
        finally:
            await model.close()

    found = asyncio.run(twice())
    assert [completion.usage for completion in found] == [Usage(10, 3)] * 2
    assert [bool(request.get("stream")) for request in server.requests] == [True, False, False]
    assert shown[-2:] == [completion.text for completion in found]


@pytest.mark.parametrize("kind", ["openai", "responses", "anthropic", "bedrock", "vertex"])
@pytest.mark.parametrize("body", [b'{"a": ' + b"9" * 6000 + b"}", b"[" * 100_000, b'{"choices": [\xff]}'])
def test_what_python_cannot_read_is_no_answer(kind: str, body: bytes, server: FaultyServer) -> None:
    server.objects = lambda request, path: (200, body)
    fault = outcome(opened(kind, "ok", server, options()))
    assert type(fault) is Malformed
    assert len(str(fault)) < 400


@pytest.mark.parametrize("count", [-5, 10**18, 10**400, 0.5, "10", None, True, [], float("1e300")])
@pytest.mark.parametrize("kind", ["openai", "responses", "anthropic"])
def test_counts_that_cannot_be_are_none(kind: str, count: object, server: FaultyServer) -> None:
    def change(body: Body) -> Body:
        for usage in (body.get("usage"), (body.get("response") or {}).get("usage")):
            if usage:
                usage.update(dict.fromkeys(("prompt_tokens", "input_tokens"), count))
        return body

    changing(server, change)
    ledger = Ledger()
    completion = answered(opened(kind, "ok", server, options(price=FREE, ledger=ledger)))
    assert completion.usage.estimated
    (total,) = ledger.totals().values()
    assert 0 < total.tokens_in < 1000


NUMBERS = st.none() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=3) | st.booleans()
NAMES = (
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "cached_tokens",
    "prompt_cache_hit_tokens",
)
USAGES = st.dictionaries(st.sampled_from(NAMES), NUMBERS) | st.fixed_dictionaries(
    {name: st.integers(0, 300) for name in NAMES}
)


@given(USAGES, st.booleans(), st.text(max_size=40), st.sampled_from(sorted(PRICES)))
def test_whatever_is_counted_the_reservation_is_an_upper_limit(usage: Body, apart: bool, said: str, model: str) -> None:
    found = counted(MESSAGES, 100, said, usage, apart=apart)
    assert 0 < found.tokens_in <= most_tokens(MESSAGES) + UNSEEN
    assert 0 <= found.tokens_out <= 100 + UNSEEN
    assert found.cached >= 0 <= found.written
    assert found.cached + found.written <= found.tokens_in
    price = PRICES[model].marking()
    cost = price.cost(found.tokens_in, found.tokens_out, found.cached, found.written)
    assert 0 <= cost <= price.most(found.tokens_in, found.tokens_out) * (1 + 1e-9)
    assert price.most(found.tokens_in, 7) <= price.most(found.tokens_in + 1, 8)


CACHING: list[tuple[str, Body, Usage]] = [
    ("openai", {"prompt_tokens_details": {"cached_tokens": 8}}, Usage(10, 3, 8)),
    ("openrouter", {"prompt_tokens_details": {"cached_tokens": 6, "cache_write_tokens": 2}}, Usage(10, 3, 6, 2)),
    ("openai", {"prompt_cache_hit_tokens": 7, "prompt_cache_miss_tokens": 3}, Usage(10, 3, 7)),
    ("openai", {"cached_tokens": 5}, Usage(10, 3, 5)),
    ("openai", {"prompt_tokens_details": {"cached_tokens": 800}}, Usage(10, 3, 10)),
    ("openai", {"prompt_tokens_details": None}, Usage(10, 3)),
    ("responses", {"input_tokens_details": {"cached_tokens": 8}}, Usage(10, 3, 8)),
    *((kind, {"cache_creation_input_tokens": 5}, Usage(15, 3, 6, 5)) for kind in CLAUDE_KINDS),
    ("litellm-openai", {"prompt_tokens_details": {"cached_tokens": 8}}, Usage(10, 3, 8)),
    ("litellm-anthropic", {"cache_creation_input_tokens": 5}, Usage(15, 3, 6, 5)),
]


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(("kind", "more", "expected"), CACHING)
def test_what_was_cached_has_its_price(
    kind: str, more: Body, expected: Usage, streams: bool, server: FaultyServer
) -> None:
    def change(body: Body) -> Body:
        for holder in (body, body.get("message"), body.get("response")):
            if isinstance(holder, dict) and holder.get("usage"):
                holder["usage"] |= more
        return body

    changing(server, change)
    ledger = Ledger(limit_usd=1.0)
    price = Price(100.0, 1000.0, usd_cached=10.0)
    completion = answered(opened(kind, "ok", server, options(price=price, ledger=ledger)), streams)
    assert completion.usage == expected
    usual = expected.tokens_in - expected.cached - expected.written
    writing = 125.0 if kind in CLAUDE_KINDS else 100.0
    cost = (usual * 100.0 + expected.cached * 10.0 + expected.written * writing + 3 * 1000.0) / 1e6
    assert completion.cost == pytest.approx(cost) == pytest.approx(ledger.spent_usd)


def test_published_prices_of_what_is_cached() -> None:
    """A tenth, or what the provider publishes; written tokens cost a quarter more."""
    assert PRICES["openai:gpt-4o"].cost(1_000_000, 0, cached=1_000_000) == pytest.approx(1.25)
    assert PRICES["openai:gpt-5-nano"].cost(1_000_000, 0, cached=1_000_000) == pytest.approx(0.005)
    haiku = PRICES["anthropic:claude-haiku-4-5"]
    assert haiku.cost(1_000_000, 0, cached=1_000_000) == pytest.approx(0.1)
    assert haiku.cost(1_000_000, 0, written=1_000_000) == pytest.approx(1.25) == haiku.most(1_000_000, 0)
    long = PRICES["anthropic:claude-haiku-5-5"]
    assert long.cost(1_000_000, 0, cached=1_000_000) == pytest.approx(0.05), "a tenth of the long rate"
    assert Price(1.0, 2.0).cost(10, 10, cached=5, written=5) == Price(1.0, 2.0).cost(10, 10), "unknown: no discount"
    for name, price in PRICES.items():
        assert price.usd_cached is not None, name
        assert 0 < price.usd_cached <= 0.5 * price.usd_in, name
        assert (price.usd_written is not None) is name.startswith("anthropic:"), name


@pytest.mark.parametrize("url", ["{}", "{}/", "{}/v1", "{}/v1/", "{}/v1/messages"])
@pytest.mark.parametrize("kind", ["anthropic", "litellm-anthropic"])
def test_an_address_of_anthropics_protocol(kind: str, url: str, server: FaultyServer) -> None:
    spec = "anthropic:ok" if kind == "anthropic" else "litellm:anthropic/ok"
    model = open_model(spec, options(base_url=url.format(server.url)))
    assert answered(model).text.strip() == "jab"
    assert server.paths == ["/v1/messages"]
    assert model.endpoint == open_model(spec, options(base_url=server.url)).endpoint, (
        "one server, however it is written"
    )


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/chat/completions", "/v1/models", "/v1/responses"])
def test_an_address_that_was_copied_from_a_call(path: str, server: FaultyServer) -> None:
    for spec in ("openai:ok", f"vllm:{server.url}{path}#ok", "llamacpp:ok"):
        server.paths.clear()
        model = open_model(spec, options(base_url=f"{server.url}{path}"))
        assert answered(model).text.strip() == "jab"
        assert server.paths == ["/v1/chat/completions"]
        assert model.endpoint.address == f"{server.url}/v1"


@pytest.mark.parametrize("name", ["gpt-5-nano", "openai/gpt-5-nano", "o3"])
def test_a_known_name_takes_the_same_behind_any_address(name: str, server: FaultyServer) -> None:
    answered(opened("openai", name, server, options()), choices=("jab", "throw"), seed=1)
    sent = server.requests[-1]
    assert sent["max_completion_tokens"] == 256
    assert not {"max_tokens", "temperature", "seed"} & sent.keys()
    assert sent["reasoning_effort"] == ("low" if name == "o3" else "minimal")
    assert server.paths[-1].endswith("/chat/completions"), "the older API is what there is elsewhere"


def test_a_known_claude_takes_the_same_behind_any_address(server: FaultyServer) -> None:
    answered(opened("anthropic", "claude-sonnet-5-5", server, options()), choices=("jab", "throw"))
    assert "temperature" not in server.requests[-1]
    assert server.requests[-1]["thinking"] == {"type": "disabled"}


@pytest.mark.parametrize("name", ["gpt-oss-20b", "gpt-4o", "qwen3", "never-heard-of"])
def test_any_other_name_takes_what_others_do(name: str, server: FaultyServer) -> None:
    answered(opened("openai", name, server, options()), seed=1)
    assert {"max_tokens", "temperature", "seed"} <= server.requests[-1].keys()


@pytest.mark.parametrize("kind", ["openrouter", "litellm-anthropic"])
def test_the_prompt_is_marked_for_the_cache_where_that_is_how_it_is_cached(kind: str, server: FaultyServer) -> None:
    name = "anthropic/claude-haiku-4.5" if kind == "openrouter" else "claude-haiku-4-5"
    answered(opened(kind, name, server, options()))
    marked = [{"type": "text", "text": "You fight.", "cache_control": {"type": "ephemeral"}}]
    sent = server.requests[-1]
    assert (sent.get("system") or sent["messages"][0]["content"]) == marked
    answered(opened("openrouter", "ok", server, options()))
    assert server.requests[-1]["messages"][0]["content"] == "You fight."
