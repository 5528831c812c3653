"""How a server is held to certain answers: the fields of a request, and the answer out of what comes back.

Knows nothing about protocols and how they are spoken.
"""

import json
from collections.abc import Sequence
from typing import Any

from models.capabilities import Holding
from models.chat import ChatRequest, OnText
from models.grammar import Grammar, Walker, regex


def held_to(request: ChatRequest, how: Holding) -> dict[str, Any]:
    """The fields that hold a server to the choices or the grammar of ``request``, which has one of them."""
    if how == "vllm":
        # vLLM ignores its older ``guided_choice`` without a word; this field it obeys.
        return {"extra_body": {"structured_outputs": _for_vllm(request)}}
    if request.choices is not None:
        schema: dict[str, Any] = {"type": "string", "enum": list(request.choices)}
    else:
        assert request.grammar is not None
        schema = {"type": "string", "pattern": f"^{regex(request.grammar)}$"}
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "choice", "schema": schema}}}


def _for_vllm(request: ChatRequest) -> dict[str, Any]:
    if request.choices is not None:
        return {"choice": list(request.choices)}
    assert request.grammar is not None
    return {"regex": regex(request.grammar)}


def nearest_choice(text: str, choices: Sequence[str], how: Holding = "vllm") -> str:
    """The choice that ``text`` is but for its spaces (and, by a schema, its quotes), or ``text`` itself.

    A constrained server lets a model spell a choice with any of its tokens, and some tokenizers are decoded with a
    space between tokens: "throw" may come back as " t h r o w".
    """
    text = unquoted(text, how)
    if text.strip() in choices:
        return text.strip()
    same = [choice for choice in choices if "".join(choice.split()) == "".join(text.split())]
    return same[0] if len(same) == 1 else text


def nearest_text(text: str, grammar: Grammar, how: Holding = "vllm") -> str:
    """The text of ``grammar`` that ``text`` is but for its spaces (by a schema, its quotes), or ``text`` itself."""
    text = unquoted(text, how)
    walker = Walker(grammar)
    return text if walker.knows(text) else walker.respaced(text) or text


def unquoted(text: str, how: Holding) -> str:
    """What ``text`` says: by a schema it is a string in JSON, and one that was cut off has lost its quotation mark."""
    if how != "schema":
        return text
    try:
        found = json.loads(text)
    except ValueError:
        return text.strip().strip('"')
    return found if isinstance(found, str) else text


def as_said(on_text: OnText | None, how: Holding) -> OnText | None:
    """``on_text`` for texts that come as a server writes them which is held ``how``."""
    if on_text is None or how != "schema":
        return on_text
    heard = ""

    def hear(text: str) -> None:
        nonlocal heard
        said = unquoted(text, how)
        if said != heard:
            heard = said
            on_text(said)

    return hear
