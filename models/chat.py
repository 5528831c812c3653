"""The contract of a chat model: messages in, one completion out.

Knows nothing about games, prompts or who is asking.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

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
    """One answer. ``latency`` is seconds from request to the end of the answer; ``cost`` is US dollars."""

    text: str
    usage: Usage
    latency: float
    finish_reason: FinishReason = "stop"
    cost: float = 0.0


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
