"""What served models take: a small declared table instead of a second request after each refused one.

The entries come from the providers' published API references and migration guides (read in November 2026). A model
that is not covered behaves like the last entry of its provider.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The parameters of one model.

    ``samples``: takes ``temperature`` (and, on OpenAI's API, ``seed``). ``choices``: can be held to one of several
    answers. ``quick``: request fields that ask for the least thinking; sent with a request that has ``choices``,
    because a player in a hurry wants one word, and thinking counts against ``max_tokens``.
    """

    token_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    samples: bool = True
    choices: bool = False
    quick: Mapping[str, Any] = field(default_factory=dict)


VLLM = Capabilities(choices=True)
COMPATIBLE = Capabilities()
"""A server that speaks OpenAI's or Anthropic's API and of which nothing else is known."""


def _openai(samples: bool, effort: str | None = None) -> Capabilities:
    return Capabilities("max_completion_tokens", samples, quick={"reasoning_effort": effort} if effort else {})


OPENAI: tuple[tuple[re.Pattern[str], Capabilities], ...] = (
    (re.compile(r"^o\d"), _openai(samples=False, effort="low")),
    (re.compile(r"^gpt-\d+(\.\d+)?-chat"), _openai(samples=True)),
    (re.compile(r"^gpt-5(-|$)"), _openai(samples=False, effort="minimal")),
    (re.compile(r"^gpt-(5\.|[6-9]|\d\d)"), _openai(samples=False, effort="none")),
    (re.compile(r""), _openai(samples=True)),
)

CLAUDE_VERSION = re.compile(r"^claude-(?P<family>[a-z]+)-(?P<major>\d{1,2})(?:-(?P<minor>\d{1,2}))?(?!\d)")


def openai_capabilities(model: str) -> Capabilities:
    """What ``model`` takes on OpenAI's own API."""
    return next(capabilities for pattern, capabilities in OPENAI if pattern.search(model))


def anthropic_capabilities(model: str) -> Capabilities:
    """What ``model`` takes on Anthropic's own API.

    From 4.7 on sampling parameters are rejected; from 5 on thinking is on by default and can be switched off, but
    for Fable, Mythos and Opus from 5.5 on, where it can only be made short.
    """
    found = CLAUDE_VERSION.match(model)
    if not found:
        return Capabilities()
    family, version = found["family"], (int(found["major"]), int(found["minor"] or 0))
    if version < (4, 7):
        return Capabilities()
    if version < (5, 0):
        return Capabilities(samples=False)
    if family in ("fable", "mythos") or (family == "opus" and version >= (5, 5)):
        return Capabilities(samples=False, quick={"output_config": {"effort": "low"}})
    return Capabilities(samples=False, quick={"thinking": {"type": "disabled"}})
