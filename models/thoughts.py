"""What a model thought, told apart from what it said, where both come in one text between tags.

Knows nothing about who asks and what for.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from models.chat import ChatRequest, Completion
from models.wrapping import Wrapper

NAMES = ("think", "thinking", "thought", "reasoning")
"""The names of the tags between which thoughts stand."""

_TAG = re.compile(rf"<(/?)(?:{'|'.join(NAMES)})>", re.I)


def apart(text: str) -> tuple[str, str]:
    """What ``text`` says, and what is thought in it, finished or not. A text without thoughts stays as it is.

    Where a chat template has opened the thought, only its end is in the text: all before that is thought.
    """
    said: list[str] = []
    thought: list[str] = []
    inside, at = False, 0
    for tag in _TAG.finditer(text):
        closes = bool(tag[1])
        if inside and not closes:
            continue
        part, at = text[at : tag.start()], tag.end()
        if not closes:
            said.append(part)
        else:
            if not inside:
                part, said = "".join([*said, part]), []
            thought.append(part)
        inside = not closes
    if not at:
        return text, ""
    (thought if inside else said).append(text[at:])
    return "".join(said).strip(), "\n".join(filter(None, map(str.strip, thought)))


SPOKEN = frozenset({"text", "output_text"})
PONDERED = frozenset({"thinking", "reasoning", "thought", "reasoning_text", "summary_text", "reasoning.text"})
"""Kinds of the parts that a message may have: what was said, and what was thought. Others hold no words."""


def parted(content: object) -> tuple[str, str] | None:
    """The text and the thoughts of a message's ``content``: a text, or parts; ``None`` if it is neither."""
    if content is None or isinstance(content, str):
        return content or "", ""
    parts = content if isinstance(content, list | tuple) else [content]
    said, thought = "", ""
    for part in parts:
        kind = "text" if isinstance(part, str) else _field(part, "type")
        if kind in SPOKEN:
            text = part if isinstance(part, str) else _field(part, "text")
            if not isinstance(text, str):
                return None
            said += text
        elif kind in PONDERED:
            thought += _words(part)
        elif not isinstance(kind, str):
            return None
    return said, thought


def _words(part: object) -> str:
    """Every word of a part that was thought, whatever the field that holds it, and in parts of its own."""
    if isinstance(part, str):
        return part
    if isinstance(part, list | tuple):
        return "".join(map(_words, part))
    fields = ("thinking", "reasoning", "text", "content", "summary")
    return next((words for field in fields if (words := _words(_field(part, field)))), "") if part is not None else ""


def _field(part: object, field: str) -> object:
    return part.get(field) if isinstance(part, Mapping) else getattr(part, field, None)


class ThoughtsApart(Wrapper):
    """A model with what it thought in ``Completion.thought`` and nowhere in its text.

    ``on_text`` hears the text as it comes, thoughts and all: whoever reads along takes them ``apart``.
    """

    async def complete(self, request: ChatRequest) -> Completion:
        completion = await self._model.complete(request)
        said, thought = apart(completion.text)
        if said == completion.text:
            return completion
        return replace(completion, text=said, thought="\n".join(filter(None, (completion.thought, thought))))
