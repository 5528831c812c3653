"""litellm behind our boundary: its translations, none of its retries, calls home, or words on the terminal."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from faulty_server import FaultyServer

from models.chat import ChatModel, ChatRequest, Completion, Message, Usage
from models.errors import BadInput, ModelError, RateLimited, Refused, TimedOut, Unavailable
from models.ledger import Ledger
from models.registry import ModelOptions, open_model

KEY = "planted-secret-4711"
MESSAGES = (Message("system", "You fight."), Message("user", "far"))
GROWN = ["j", "ja", "jab"]


def opened(model: str, server: FaultyServer, options: ModelOptions | None = None) -> ChatModel:
    options = options or ModelOptions(max_retries=0, timeout_s=10, base_url=server.url)
    return open_model(f"litellm:{model}", options)


def ask(model: ChatModel, **arguments: object) -> Completion | ModelError:
    async def once() -> Completion:
        try:
            return await model.complete(ChatRequest(MESSAGES, **arguments))  # type: ignore[arg-type]
        finally:
            await model.close()

    try:
        return asyncio.run(once())
    except ModelError as fault:
        return fault


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_an_answer_whole_and_in_pieces(provider: str, server: FaultyServer) -> None:
    model = opened(f"{provider}/ok", server)
    assert model.name == f"litellm:{provider}/ok"
    assert model.streams
    shown: list[str] = []
    for arguments in ({}, {"on_text": shown.append}):
        completion = ask(model, max_tokens=9, temperature=0.5, seed=3, **arguments)
        assert isinstance(completion, Completion), completion
        usage = Usage(10, 3, cached=6 * (provider == "anthropic"))
        assert (completion.text.strip(), completion.usage, completion.finish_reason) == ("jab", usage, "stop")
        sent = server.requests[-1]
        assert (sent["max_tokens"], sent["temperature"]) == (9, 0.5)
    assert shown == GROWN
    assert len(server.requests) == 2


@pytest.mark.parametrize("model", ["openai/thinks", "anthropic/ok"])
def test_what_was_thought_is_kept_apart_from_the_text(model: str, server: FaultyServer) -> None:
    for arguments in ({}, {"on_text": lambda text: None}):
        completion = ask(opened(model, server), **arguments)
        assert isinstance(completion, Completion), completion
        assert (completion.text.strip(), completion.thought) == ("jab", "hm"), arguments


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("limited", RateLimited),
        ("quota", Unavailable),
        ("broken", Unavailable),
        ("denied", Unavailable),
        ("stranger", Unavailable),
        ("hangup", Unavailable),
        ("truncated", Unavailable),
        ("garbled", Unavailable),
        ("blocked", Refused),
        ("cut", Unavailable),
        ("silent", ModelError),
    ],
)
def test_faults_have_their_class_and_no_key(
    provider: str, model: str, expected: type[ModelError], server: FaultyServer
) -> None:
    ledger = Ledger()
    options = ModelOptions(max_retries=0, timeout_s=10, base_url=server.url, ledger=ledger)
    streamed = {"on_text": lambda text: None} if model in ("cut", "silent") else {}
    fault = ask(opened(f"{provider}/{model}", server, options), max_tokens=50, **streamed)
    assert isinstance(fault, expected), fault
    assert str(fault).startswith(f"litellm:{provider}/{model}: ")
    assert "\n" not in str(fault)
    assert KEY not in f"{fault!r} {fault.__cause__!r} {fault.__context__!r}"
    assert len(server.requests) == 1, "a retry that no ledger saw"
    unsure = model in ("hangup", "truncated", "garbled", "cut", "silent")
    assert bool(ledger.totals()) is unsure, "what may be billed stays booked, what was turned down does not"
    if isinstance(fault, RateLimited):
        assert fault.retry_after == 7.0
    if isinstance(fault, Unavailable):
        assert fault.retryable is (model not in ("quota", "denied", "stranger"))


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_slow_and_how_it_ends(provider: str, server: FaultyServer) -> None:
    slow = opened(f"{provider}/slow", server, ModelOptions(max_retries=0, timeout_s=0.3, base_url=server.url))
    assert type(ask(slow)) is TimedOut
    for model, finish in (("refusal", "refusal"), ("long", "length")):
        completion = ask(opened(f"{provider}/{model}", server))
        assert isinstance(completion, Completion)
        assert completion.finish_reason == finish


def test_one_model_on_several_loops(server: FaultyServer) -> None:
    model = opened("openai/ok", server)
    for _ in range(3):
        completion = asyncio.run(model.complete(ChatRequest(MESSAGES)))
        assert completion.text.strip() == "jab"


def test_its_prices_are_ours_first_and_then_its_own(server: FaultyServer) -> None:
    limited = ModelOptions(ledger=Ledger(limit_usd=1.0), base_url=server.url)
    opened("gemini/gemini-2.5-pro", server, limited)
    opened("openai/gpt-5-nano", server, limited)
    with pytest.raises(BadInput, match='`"litellm:openai/never-heard-of" = '):
        opened("openai/never-heard-of", server, limited)


def test_names_and_options_that_cannot_be(server: FaultyServer) -> None:
    with pytest.raises(BadInput, match="PROVIDER/NAME"):
        open_model("litellm:never-heard-of")
    with pytest.raises(BadInput, match="takes no api"):
        open_model("litellm:openai/x", ModelOptions(api="chat"))
    with pytest.raises(BadInput, match="MISSING_KEY"):
        open_model("litellm:openai/x", ModelOptions(api_key_env="MISSING_KEY"))


def test_without_it_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "litellm", None)
    with pytest.raises(BadInput, match=r"pip install 'cornerman\[litellm\]'"):
        open_model("litellm:openai/x")


@pytest.mark.slow
def test_nobody_but_the_provider_is_called(server: FaultyServer, tmp_path: Path) -> None:
    """Imported and asked in a process of its own that may connect to the faulty server only, and prints nothing."""
    code = f"""
import socket
real = socket.socket.connect
def connect(self, address):
    assert address[:2] == ("127.0.0.1", {server.server_address[1]}), f"a call to {{address}}"
    return real(self, address)
socket.socket.connect = connect
socket.getaddrinfo = lambda host, *rest, **more: (_ for _ in ()).throw(AssertionError(f"looked up {{host}}")) \\
    if host != "127.0.0.1" else [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", rest[0]))]
import asyncio
from models.chat import ChatRequest, Message
from models.registry import ModelOptions, open_model
model = open_model("litellm:openai/ok", ModelOptions(base_url={server.url!r}))
print(asyncio.run(model.complete(ChatRequest((Message("user", "x"),)))).text.strip())
"""
    home = os.environ | {"HOME": str(tmp_path), "OPENAI_API_KEY": KEY}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=home, check=False, timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "jab\n", "")
