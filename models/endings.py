"""How answers end, in the words of many servers: by themselves, at their limit, with a refusal, or by a fault.

Knows nothing about what an answer says.
"""

import re

from models.chat import FinishReason

ENDS = frozenset(
    {"stop", "eos", "eos_token", "end_turn", "stop_sequence", "end_of_turn", "complete", "completed", "done"}
)
LENGTH = re.compile(r"length|max_(?:\w+_)?tokens|context_window|token_limit", re.I)
REFUSALS = re.compile(
    r"content_filter|refusal|safety|sensitive|blocklist|prohibited|recitation|guardrail|moderat", re.I
)
FAULTS = re.compile(r"error|abort|cancel|fail|insufficient|overload|time_?out|unavailable|malformed|incomplete", re.I)


def ending(reason: object, written: str) -> FinishReason | None:
    """How an answer ended for which the server gives ``reason``; ``None`` if it was the provider's fault.

    A reason that nobody knows, or none at all, is no fault where something was ``written``, thoughts included.
    """
    word = "" if reason is None else str(reason)
    if word.lower() in ENDS:
        return "stop"
    if FAULTS.search(word):
        return None
    if LENGTH.search(word):
        return "length"
    if REFUSALS.search(word):
        return "refusal"
    return "stop" if written or word in ("tool_calls", "function_call", "tool_use") else None
