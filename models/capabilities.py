"""What served models take: a small declared table instead of a second request after each refused one.

The entries come from the providers' published API references and migration guides (read in November 2026). A model
that is not covered behaves like the last entry of its provider.
"""

import re
from dataclasses import dataclass
from typing import Literal, get_args

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
"""How much a reasoning model is to think, from nothing to most; each model takes some of these."""

EFFORTS: tuple[Effort, ...] = get_args(Effort)
"""Every effort, the least first."""

API = Literal["chat", "responses"]
"""The two protocols of OpenAI's: chat completions and responses."""

Holding = Literal["vllm", "schema"]
"""How a server is held to choices or a grammar: vLLM's own field, or a JSON schema of a string."""

Thinking = Literal["budget", "adaptive", "always"]
"""How Claude is made to think: by a budget in tokens; by an effort, once it is told to think; by an effort alone."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The parameters of one model.

    ``samples``: takes ``temperature`` (and, on OpenAI's chat API, ``seed``). ``holding``: how it can be held to some
    answers, if at all. ``efforts``: those that it takes. ``quick``: the effort that is asked with a request
    that has ``choices``, unless one is configured, because a player in a hurry wants one word, and thinking counts
    against ``max_tokens``. ``api``: which of OpenAI's APIs it wants. ``thinking``: how Claude is made to think.
    ``marks``: what the provider is to cache of a request must be marked.
    """

    token_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    samples: bool = True
    holding: Holding | None = None
    efforts: tuple[Effort, ...] = ()
    quick: Effort | None = None
    api: API = "chat"
    thinking: Thinking | None = None
    marks: bool = False


VLLM = Capabilities(holding="vllm", efforts=EFFORTS)
LOCAL_SERVER = Capabilities(holding="schema", efforts=EFFORTS)
"""Ollama and llama.cpp: a schema becomes a grammar there, in no time, and one that begins after the thought."""

COMPATIBLE = Capabilities(efforts=EFFORTS, thinking="always")
"""A server that speaks OpenAI's or Anthropic's API and of which nothing else is known: it judges what it is sent."""

CHATTING = Capabilities("max_completion_tokens")
"""A model of OpenAI's that does not reason."""


def _reasoning(*efforts: Effort) -> Capabilities:
    """A reasoning model of OpenAI's: no sampling parameters, and the newer API, which the provider recommends."""
    return Capabilities("max_completion_tokens", samples=False, efforts=efforts, quick=efforts[0], api="responses")


OPENAI: tuple[tuple[re.Pattern[str], Capabilities], ...] = (
    (re.compile(r"^o\d"), _reasoning("low", "medium", "high")),
    (re.compile(r"^gpt-\d+(\.\d+)?-chat"), CHATTING),
    (re.compile(r"^gpt-5-pro"), _reasoning("high")),
    (re.compile(r"^gpt-5\.\d-pro"), _reasoning("medium", "high", "xhigh")),
    (re.compile(r"^gpt-5(\.[12])?-codex"), _reasoning("low", "medium", "high")),
    (re.compile(r"^gpt-5(-|$)"), _reasoning("minimal", "low", "medium", "high")),
    (re.compile(r"^gpt-5\.1"), _reasoning("none", "low", "medium", "high")),
    (re.compile(r"^gpt-5\.[2-5]"), _reasoning("none", "low", "medium", "high", "xhigh")),
    (re.compile(r"^gpt-(5\.[6-9]|6-(sol|luna))"), _reasoning("none", "low", "medium", "high", "xhigh", "max")),
    (re.compile(r"^gpt-([6-9]|\d\d)"), _reasoning("low", "medium", "high", "xhigh", "max")),
    (re.compile(r""), CHATTING),
)

CLAUDE_VERSION = re.compile(r"claude-(?P<family>[a-z]+)-(?P<major>\d{1,2})(?:-(?P<minor>\d{1,2}))?(?!\d)")


def openai_capabilities(model: str) -> Capabilities:
    """What ``model`` takes on OpenAI's own API."""
    return next(capabilities for pattern, capabilities in OPENAI if pattern.search(model))


def known_capabilities(model: str) -> Capabilities | None:
    """What ``model`` takes wherever it is served, if it is one of OpenAI's that takes less than others do.

    Gateways name it ``openai/NAME``. A model that does not reason takes what any model does.
    """
    found = openai_capabilities(model.rpartition("/")[2])
    return None if found is CHATTING else found


def anthropic_capabilities(model: str) -> Capabilities:
    """What ``model`` takes on Anthropic's own API; its name on Bedrock or Vertex AI says the same.

    Until 4.5 thinking has a budget; from 4.6 on it has an effort; from 4.7 on sampling parameters are rejected; from 5
    on thinking is on by default and can be switched off, but for Fable, Mythos and Opus from 5.5 on, where it can only
    be made short.
    """
    found = CLAUDE_VERSION.search(model)
    if not found:
        return Capabilities()
    family, version = found["family"], (int(found["major"]), int(found["minor"] or 0))
    if version < (4, 6):
        return Capabilities(efforts=("none", "low", "medium", "high"), thinking="budget")
    if version < (4, 7):
        return Capabilities(efforts=("none", "low", "medium", "high", "max"), thinking="adaptive")
    if version < (5, 0):
        return Capabilities(
            samples=False, efforts=("none", "low", "medium", "high", "xhigh", "max"), thinking="adaptive"
        )
    if family in ("fable", "mythos") or (family == "opus" and version >= (5, 5)):
        return Capabilities(
            samples=False, efforts=("low", "medium", "high", "xhigh", "max"), quick="low", thinking="always"
        )
    return Capabilities(
        samples=False, efforts=("none", "low", "medium", "high", "xhigh", "max"), quick="none", thinking="always"
    )
