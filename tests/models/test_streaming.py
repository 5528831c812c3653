"""Text that arrives piece by piece, from every protocol, and every way in which it may stop."""

import asyncio

import pytest
from faulty_server import FaultyServer
from opened_models import CHAT_KINDS, CLAUDE_KINDS, KEY, KINDS, opened

from models.chat import ChatModel, ChatRequest, Completion, Message, Usage
from models.errors import Malformed, ModelError, RateLimited, TimedOut, Unavailable
from models.ledger import Ledger
from models.registry import ModelOptions
from models.remembered import Remembered
from models.retry import Retrying
from models.scripted import ScriptedModel

MESSAGES = (Message("system", "You fight."), Message("user", "far"))
PROTOCOLS = ("openai", "responses", "anthropic", "bedrock", "vertex")
GROWN = ["j", "ja", "jab"]


def read(model: ChatModel, **arguments: object) -> tuple[Completion | ModelError, list[str]]:
    """What a streamed call gave or raised, and every text that was shown meanwhile."""
    shown: list[str] = []
    assert model.streams

    async def once() -> Completion:
        try:
            return await model.complete(ChatRequest(MESSAGES, on_text=shown.append, **arguments))  # type: ignore[arg-type]
        finally:
            await model.close()

    try:
        return asyncio.run(once()), shown
    except ModelError as fault:
        return fault, shown


@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_text_so_far_each_time(kind: str, server: FaultyServer) -> None:
    completion, shown = read(opened(kind, "ok", server), max_tokens=20)
    assert isinstance(completion, Completion)
    assert shown == GROWN
    usage = Usage(10, 3, cached=6 * (kind in CLAUDE_KINDS))
    assert (completion.text, completion.usage, completion.finish_reason) == ("jab", usage, "stop")
    assert completion.latency > 0
    sent = server.requests[-1]
    assert kind not in ("openai", "vllm", "ollama") or sent["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_thought_is_read_by_nobody(kind: str, server: FaultyServer) -> None:
    """It comes before the text, and is kept apart from it."""
    for model in ("thinks", "reasons") if kind in CHAT_KINDS else ("ok",):
        completion, shown = read(opened(kind, model, server))
        assert isinstance(completion, Completion)
        assert (completion.text, completion.thought) == ("jab", "hm")
        assert shown == GROWN


@pytest.mark.parametrize("kind", PROTOCOLS)
@pytest.mark.parametrize(("model", "finish"), [("refusal", "refusal"), ("long", "length")])
def test_finish_reasons(kind: str, model: str, finish: str, server: FaultyServer) -> None:
    completion, _ = read(opened(kind, model, server))
    assert isinstance(completion, Completion)
    assert completion.finish_reason == finish


@pytest.mark.parametrize("kind", PROTOCOLS)
@pytest.mark.parametrize(
    ("model", "expected", "begun"),
    [
        ("cut", Unavailable, True),
        ("unfinished", Unavailable, True),
        ("overloaded", RateLimited, True),
        ("silent", Unavailable, False),
        ("noise", Malformed, True),
        ("broken", Unavailable, False),
        ("limited", RateLimited, False),
    ],
)
def test_a_stream_that_fails(
    kind: str, model: str, expected: type[ModelError], begun: bool, server: FaultyServer
) -> None:
    ledger = Ledger()
    asked = opened(kind, model, server, ModelOptions(max_retries=0, timeout_s=10, ledger=ledger))
    fault, shown = read(asked, max_tokens=50)
    assert type(fault) is expected
    assert str(fault).startswith(f"{asked.name}: ")
    assert KEY not in f"{fault!r} {fault.__context__!r}"
    assert bool(shown) is begun
    assert shown == GROWN[: len(shown)]
    sent_back = model in ("broken", "limited")
    booked = ledger.totals()
    assert (not booked) if sent_back else booked[asked.name].tokens_out == 50, "what may be billed stays booked"


@pytest.mark.parametrize("kind", PROTOCOLS)
def test_a_stream_that_stalls_is_too_slow(kind: str, server: FaultyServer) -> None:
    fault, shown = read(opened(kind, "stall", server, ModelOptions(max_retries=0, timeout_s=0.5)))
    assert type(fault) is TimedOut
    assert shown


@pytest.mark.parametrize("kind", PROTOCOLS)
def test_after_a_cut_the_text_begins_anew(kind: str, server: FaultyServer) -> None:
    ledger = Ledger()
    options = ModelOptions(max_retries=1, timeout_s=10, ledger=ledger)
    completion, shown = read(opened(kind, "cut-once", server, options), max_tokens=50)
    assert isinstance(completion, Completion)
    assert completion.text == "jab"
    again = len(shown) - len(GROWN)
    assert again > 0
    assert shown == GROWN[:again] + GROWN
    (total,) = ledger.totals().values()
    assert (total.calls, total.tokens_out) == (2, 50 + 3), "both attempts are booked, the cut one with its worst case"


def test_an_interrupted_reader_stops_the_stream(server: FaultyServer) -> None:
    """Whoever has read enough cancels the call; its worst case stays booked, and no connection is left behind."""
    ledger = Ledger()
    model = opened("openai", "stall", server, ModelOptions(max_retries=0, ledger=ledger))
    assert model.streams

    async def enough() -> None:
        read_enough = asyncio.Event()
        call = asyncio.create_task(
            model.complete(ChatRequest(MESSAGES, max_tokens=7, on_text=lambda text: read_enough.set()))
        )
        await read_enough.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await model.close()

    asyncio.run(enough())
    assert ledger.totals()["openai:stall"].tokens_out == 7


def test_a_constrained_choice_is_shown_when_it_is_made(server: FaultyServer) -> None:
    completion, shown = read(opened("vllm", "ok", server), choices=("jab", "throw"))
    assert isinstance(completion, Completion)
    assert shown == ["jab"] == [completion.text]


def test_wrappers_stream_if_what_they_wrap_does(server: FaultyServer) -> None:
    assert not ScriptedModel(["x"]).streams
    assert not Retrying(ScriptedModel(["x"])).streams
    remembered = Remembered(opened("openai", "ok", server), answers=1)
    assert remembered.streams

    async def twice() -> list[list[str]]:
        found: list[list[str]] = [[], []]
        for shown in found:
            await remembered.complete(ChatRequest(MESSAGES, on_text=shown.append))
        await remembered.close()
        return found

    assert asyncio.run(twice()) == [GROWN, ["jab"]]
    assert len(server.requests) == 1


def test_a_model_that_cannot_stream_gives_its_text_at_the_end() -> None:
    shown: list[str] = []
    model = Retrying(ScriptedModel(["guard"]))
    assert asyncio.run(model.complete(ChatRequest(MESSAGES, on_text=shown.append))).text == "guard"
    assert shown == ["guard"]


def test_who_reads_along_is_no_part_of_what_is_asked() -> None:
    read, unread = ChatRequest(MESSAGES, on_text=print), ChatRequest(MESSAGES)
    assert read == unread
    assert hash(read) == hash(unread)
    assert ChatRequest(MESSAGES, seed=1) != unread
