"""What a model thought, told apart from what it said, where both come in one text between tags.

Knows nothing about who asks and what for.
"""

import re
from dataclasses import replace

from models.chat import ChatRequest, Completion
from models.wrapping import Wrapper

_TAG = re.compile("<(/?)(?:think|thinking|thought|reasoning)>", re.I)


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
