"""What every wrapper around a chat model has in common: it is what the model inside is, and passes requests on.

Knows nothing about what the wrappers do, but for the plainest: a model that is lent.
"""

from models.chat import ChatModel, ChatRequest, Completion, Holds, holds_of
from models.endpoint import Endpoint


class Wrapper:
    """A chat model around another; a subclass overrides what it does differently."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def endpoint(self) -> Endpoint:
        return self._model.endpoint

    @property
    def streams(self) -> bool:
        return self._model.streams

    @property
    def holds(self) -> Holds:
        return holds_of(self._model)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._model!r})"

    async def complete(self, request: ChatRequest) -> Completion:
        return await self._model.complete(request)

    async def close(self) -> None:
        await self._model.close()


class Lent(Wrapper):
    """A model of somebody else's: closing it closes nothing."""

    async def close(self) -> None:
        """Nothing: whoever opened it still needs it."""
