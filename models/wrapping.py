"""What every wrapper around a chat model has in common: its name, its end, and text that is passed on as it grows.

Knows nothing about what the wrappers do, but for the plainest: a model that is lent.
"""

from collections.abc import Sequence

from models.chat import ChatModel, Completion, Message, OnText, streams


class Wrapper:
    """A chat model around another; a subclass defines ``complete`` and calls ``_forward`` in it."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def streams(self) -> bool:
        return streams(self._model)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._model!r})"

    async def _forward(
        self,
        messages: Sequence[Message],
        *,
        choices: Sequence[str] | None,
        max_tokens: int,
        temperature: float,
        seed: int | None,
        on_text: OnText | None,
    ) -> Completion:
        """Ask the model inside; one that cannot stream gives its text to ``on_text`` when it has it."""
        model = self._model
        if on_text is not None and streams(model):
            return await model.complete(
                messages,
                choices=choices,
                max_tokens=max_tokens,
                temperature=temperature,
                seed=seed,
                on_text=on_text,
            )
        completion = await model.complete(
            messages, choices=choices, max_tokens=max_tokens, temperature=temperature, seed=seed
        )
        if on_text is not None:
            on_text(completion.text)
        return completion

    async def close(self) -> None:
        await self._model.close()


class Lent(Wrapper):
    """A model of somebody else's: closing it closes nothing."""

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
        return await self._forward(
            messages, choices=choices, max_tokens=max_tokens, temperature=temperature, seed=seed, on_text=on_text
        )

    async def close(self) -> None:
        """Nothing: whoever opened it still needs it."""
