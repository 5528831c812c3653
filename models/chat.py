"""The contract of a chat model: messages in, one completion out.

Knows nothing about games, prompts or who is asking.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeGuard

OnText = Callable[[str], None]
"""Called with the whole text so far whenever it has grown."""

Role = Literal["system", "user", "assistant"]
FinishReason = Literal["stop", "length", "refusal"]


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call, as the provider counts them."""

    tokens_in: int = 0
    tokens_out: int = 0

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer. ``latency`` is seconds from request to the end of the answer; ``cost`` is US dollars.

    ``thought`` is what the model thought before it answered, where that is known; it is no part of ``text``.
    """

    text: str
    usage: Usage
    latency: float
    finish_reason: FinishReason = "stop"
    cost: float = 0.0
    thought: str = ""


class ChatModel(Protocol):
    """A language model behind one async call. Implementations are safe to call from many tasks at once."""

    @property
    def name(self) -> str:
        """What is written into the record, e.g. ``openai:gpt-5-nano``; never contains a key."""

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        choices: Sequence[str] | None = None,
        max_tokens: int = 256,
        temperature: float = 0.0,
        seed: int | None = None,
    ) -> Completion:
        """Answer ``messages``.

        With ``choices`` the text is one of them where the model can be held to it (constrained decoding or scoring);
        a model that cannot simply answers, and the caller reads the text. ``temperature`` 0 is greedy. The same
        arguments with the same ``seed`` give the same text on models that run in this process.

        Raises a ``ModelError``; never a provider's own exception.
        """

    async def close(self) -> None:
        """Release connections, threads and memory; calling it twice is harmless."""


class StreamingModel(ChatModel, Protocol):
    """A chat model whose text can be read while it is written. Whether one can is ``streams``: see ``streams()``."""

    @property
    def streams(self) -> bool:
        """Whether ``complete`` heeds ``on_text``."""

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
        """As ``ChatModel.complete``; ``on_text`` gets the whole text so far, on the event loop, each time it grows.

        The last text it gets is that of the completion, if the model wrote any. If the call is made again after a
        fault (``models/retry.py``), the text begins anew: what is given is always the attempt that runs now.
        ``on_text`` must not raise.
        """


def streams(model: ChatModel) -> TypeGuard[StreamingModel]:
    """Whether ``model`` takes ``on_text``; models that say nothing about it do not."""
    return getattr(model, "streams", False) is True
