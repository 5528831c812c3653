"""A chat model that remembers: of each question it keeps a few answers and gives one of them again.

For rehearsals, where the same question comes up hundreds of times and what counts is how the model usually answers. Its
latencies are those of the first time and say nothing.
"""

from collections.abc import Sequence

from models.chat import ChatModel, Completion, Message, OnText
from models.wrapping import Wrapper

Question = tuple[tuple[Message, ...], tuple[str, ...], int, float, int]


class Remembered(Wrapper):
    """Implements ``ChatModel``. A call gets the answer that ``chat`` gives to its question with the seed modulo
    ``answers``, so what it gets does not depend on what was asked before."""

    def __init__(self, chat: ChatModel, answers: int = 4) -> None:
        super().__init__(chat)
        self._answers = answers
        self._known: dict[Question, Completion] = {}

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        choices: Sequence[str] | None = None,
        max_tokens: int = 256,
        temperature: float = 0.0,
        seed: int | None = None,
        on_text: OnText | None = None,
    ) -> Completion:
        """See ``ChatModel``; a remembered text is given to ``on_text`` whole."""
        which = (seed or 0) % self._answers
        question = (tuple(messages), tuple(choices or ()), max_tokens, temperature, which)
        if question in self._known:
            if on_text is not None:
                on_text(self._known[question].text)
            return self._known[question]
        self._known[question] = await self._forward(
            messages, choices=choices, max_tokens=max_tokens, temperature=temperature, seed=which, on_text=on_text
        )
        return self._known[question]
