"""What a user can mend, seen in a model's answers: told once, with the setting that mends it.

Knows nothing about who asks, and changes nothing.
"""

import asyncio
import re
from collections.abc import Sequence
from functools import lru_cache

from models.chat import ChatModel, ChatRequest, Completion, Message
from models.notes import Notes
from models.wrapping import Wrapper

FIRST_ANSWER_S = 15.0
"""How long the first answer may take before somebody is told that it is waited for."""

PIECE = re.compile(r"[^\W\d_]+|\d+|[^\w\s]+|_+")
RUN = re.compile(r"([^\w])\1{3,}")
MOST_CHARACTERS = 5.5
SURE = 0.9
"""No tokenizer in use makes one token of two words or of two numbers, and none takes more characters for one on the
whole. Measured with SmolLM2's over the documentation and the golden games: a token for at most 0.9 pieces and at most
4.1 characters."""
SHORTEST = 1000
"""Characters of messages of which nothing is said: there, what templates add counts."""


def least_tokens(messages: Sequence[Message]) -> int:
    """Tokens that a model must have read if it has read ``messages`` whole."""
    if sum(len(message.content) for message in messages) < SHORTEST:
        return 0
    sizes = [_size(message.content) for message in messages]
    pieces, characters = (sum(part) for part in zip(*sizes, strict=True))
    return int(max(pieces * SURE, characters / MOST_CHARACTERS))


@lru_cache(maxsize=1024)
def _size(text: str) -> tuple[int, int]:
    """The pieces and the characters of a text; of a run of one sign only a few count."""
    return len(PIECE.findall(text)), len(RUN.sub(r"\1\1\1\1", text))


class Hinting(Wrapper):
    """A model that tells ``notes`` of what can be mended, under ``name``: a thought that used up the answer, a prompt
    that the server cut (one that is not ``served`` cuts none), a first answer that does not come."""

    def __init__(self, model: ChatModel, notes: Notes, name: str, *, served: bool = True) -> None:
        super().__init__(model)
        self._served = served
        self._notes = notes
        self._name = name
        self._answered = False

    async def complete(self, request: ChatRequest) -> Completion:
        waited = None if self._answered else asyncio.get_running_loop().call_later(FIRST_ANSWER_S, self._waits)
        try:
            completion = await self._model.complete(request)
        finally:
            if waited is not None:
                waited.cancel()
        self._answered = True
        if completion.finish_reason == "length" and (completion.thought or not completion.text.strip()):
            self._notes.tell(
                self._name,
                "thinking",
                f"a reply of {request.max_tokens} tokens was used up by thinking; raise max_tokens, or have it think "
                'less (effort = "low", if it takes one)',
            )
        usage = completion.usage
        if self._served and not usage.estimated and usage.tokens_in < least_tokens(request.messages):
            characters = sum(len(message.content) for message in request.messages)
            self._notes.tell(
                self._name,
                "context",
                f"the server read {usage.tokens_in} tokens of {characters} characters: it cut the prompt. Give it a "
                "longer context: OLLAMA_CONTEXT_LENGTH=16384 for `ollama serve` (or `PARAMETER num_ctx 16384` in a "
                "Modelfile), --ctx-size for llama.cpp",
            )
        return completion

    def _waits(self) -> None:
        self._notes.tell(
            self._name,
            "first answer",
            f"no answer for {FIRST_ANSWER_S:.0f} s so far; it is waited for (a server may be loading the model)",
        )
