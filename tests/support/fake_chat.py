"""What a chat model in a test has beside its answers: it keeps every request, and needs no closing."""

from models.chat import ChatRequest, Completion
from models.endpoint import Endpoint


class FakeChat:
    """Implements ``ChatModel``; a subclass says in ``answer`` what it answers."""

    name = "fake"
    endpoint = Endpoint("fake")
    streams = False

    def __init__(self) -> None:
        self.requests: list[ChatRequest] = []

    async def complete(self, request: ChatRequest) -> Completion:
        self.requests.append(request)
        return await self.answer(request)

    async def answer(self, request: ChatRequest) -> Completion:
        raise NotImplementedError

    async def close(self) -> None:
        """Nothing to release."""
