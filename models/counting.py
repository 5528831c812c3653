"""Tokens of an answer: as its provider counts them, or as they are estimated where it does not.

Servers differ in how they call what was cached, and some count badly or not at all. Knows nothing about prices.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from models.chat import Message, Usage

TOKENS_A_MESSAGE = 16
TOKENS_A_CALL = 64
"""What chat templates add at most around a message and around a call."""

BYTES_A_TOKEN = 4
"""Of a text, as tokenizers have it on the average."""

UNSEEN = 200_000
"""Tokens that a provider may add to what is asked, or think beyond what is allowed: more is no count."""

READ = ("prompt_tokens_details.cached_tokens", "input_tokens_details.cached_tokens", "cache_read_input_tokens")
READ_ELSEWHERE = ("prompt_cache_hit_tokens", "cached_tokens")
WRITTEN = (
    "cache_creation_input_tokens",
    "prompt_tokens_details.cache_write_tokens",
    "prompt_tokens_details.cache_creation_tokens",
    "input_tokens_details.cache_write_tokens",
)
"""Where the tokens are counted that were read from the provider's cache of prompts (DeepSeek, Moonshot: elsewhere), and
those that were written to it."""


def most_tokens(messages: Sequence[Message]) -> int:
    """No tokenizer in use makes more tokens of ``messages``: every token stands for at least one byte of UTF-8."""
    return TOKENS_A_CALL + sum(TOKENS_A_MESSAGE + len(message.content.encode(errors="replace")) for message in messages)


def counted(messages: Sequence[Message], max_tokens: int, said: str, usage: object, *, apart: bool = False) -> Usage:
    """The tokens of an answer to ``messages`` that wrote ``said``, thoughts included, and has ``usage`` with it.

    ``apart``: tokens that the cache was asked for, or given, are not among the input tokens (Anthropic). Without counts
    that can be, the usage is estimated, and says so.
    """
    read = _first(usage, (*READ, *READ_ELSEWHERE)) or 0
    written = _first(usage, WRITTEN) or 0
    tokens_in = _first(usage, ("prompt_tokens", "input_tokens"))
    tokens_out = _first(usage, ("completion_tokens", "output_tokens"))
    if tokens_in is not None and apart:
        tokens_in += read + written
    if tokens_in is None or tokens_out is None:
        return estimated(messages, max_tokens, said)
    # Some servers count what was thought in the total only.
    tokens_out = max(tokens_out, (_first(usage, ("total_tokens",)) or 0) - tokens_in)
    likely = 0 < tokens_in <= most_tokens(messages) + UNSEEN and bool(said) <= tokens_out <= max_tokens + UNSEEN
    if not likely:
        return estimated(messages, max_tokens, said)
    read = min(read, tokens_in)
    return Usage(tokens_in, tokens_out, read, min(written, tokens_in - read))


def estimated(messages: Sequence[Message], max_tokens: int, said: str) -> Usage:
    """The tokens that an answer may have taken: those of ordinary texts of this length."""
    tokens_in = -(-most_tokens(messages) // BYTES_A_TOKEN)
    return Usage(tokens_in, min(-(-len(said.encode(errors="replace")) // BYTES_A_TOKEN), max_tokens), estimated=True)


def _first(usage: object, places: Sequence[str]) -> int | None:
    """The first of some counts that ``usage`` has; a number that is none counts for nothing."""
    for place in places:
        found: Any = usage
        for part in place.split("."):
            found = found.get(part) if isinstance(found, Mapping) else getattr(found, part, None)
        if isinstance(found, float) and found.is_integer():
            found = int(found)
        if isinstance(found, int) and not isinstance(found, bool) and found >= 0:
            return found
    return None
