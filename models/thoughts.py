"""What a model thought, told apart from what it said, where both come in one text between tags.

Knows nothing about who asks and what for.
"""

import re
from dataclasses import replace

from models.chat import ChatRequest, Completion
from models.wrapping import Wrapper

_TAG = "(?:think|thinking|thought|reasoning)"
_CLOSED = re.compile(rf"<({_TAG})>(.*?)</\1>", re.S | re.I)
_END = re.compile(rf"\A(.*)</{_TAG}>", re.S | re.I)
"""Where a chat template has opened the thought, only its end is in the answer."""
_OPEN = re.compile(rf"<{_TAG}>(.*)\Z", re.S | re.I)


def apart(text: str) -> tuple[str, str]:
    """What ``text`` says, and what is thought in it, finished or not. A text without thoughts stays as it is."""
    found: list[str] = []
    said = text
    for tag, inside in ((_CLOSED, 2), (_END, 1), (_OPEN, 1)):
        found += [thought[inside] for thought in tag.finditer(said)]
        said = tag.sub("", said)
    thought = "\n".join(part for part in map(str.strip, found) if part)
    return (said.strip(), thought) if said != text else (text, "")


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
