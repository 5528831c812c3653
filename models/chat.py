"""The contract of a chat model: messages in, one completion out.

Knows nothing about games, prompts or who is asking.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from models.endpoint import Endpoint
from models.grammar import Grammar

OnText = Callable[[str], None]
"""Called with the whole text so far whenever it has grown."""

Role = Literal["system", "user", "assistant"]
FinishReason = Literal["stop", "length", "refusal"]
Holds = Literal["nothing", "choices", "grammar"]
"""What a model can be held to: to nothing, to one of several choices, or to any grammar and so to choices too."""


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call, as the provider counts them; where it does not, they are ``estimated``.

    Of ``tokens_in``, ``cached`` were read from the provider's cache of prompts, and ``written`` were put into it.
    """

    tokens_in: int = 0
    tokens_out: int = 0
    cached: int = 0
    written: int = 0
    estimated: bool = False

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """Everything that a model is asked at once; a value, so that two requests which ask the same are equal.

    With ``choices`` the answer is one of them, and with ``grammar`` a text of it, where the model can be held to it
    (constrained decoding or scoring), after its thought where it thinks; a model that cannot simply answers, and the
    caller reads the text. There are never both. ``temperature`` 0 is greedy.

    ``on_text`` gets the whole text so far, on the event loop, each time it grows; from a model that cannot stream it
    gets the whole text once. The last text it gets is that of the completion, if the model wrote any and the provider
    did not cut in to refuse. If the call is made again after a fault (``models/retry.py``), the text begins anew: what
    is given is always the attempt that runs now. ``on_text`` must not raise. It is no part of what is asked: requests
    are compared without it.
    """

    messages: tuple[Message, ...]
    choices: tuple[str, ...] | None = None
    max_tokens: int = 256
    temperature: float = 0.0
    seed: int | None = None
    on_text: OnText | None = field(default=None, compare=False, repr=False)
    grammar: Grammar | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer. ``latency`` is seconds from request to the end of the answer; ``cost`` is US dollars.

    ``thought`` is what the model thought first, where the provider sends it apart from the text; no part of the text.
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

    @property
    def endpoint(self) -> Endpoint:
        """What the model is: what shapes its answers, and no secrets; a wrapper's is that of the model inside."""

    @property
    def streams(self) -> bool:
        """Whether ``on_text`` gets the text while it is written; where not, it gets all of it at the end."""

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer ``request``. The same request with the same seed gives the same text on models of this process.

        Raises a ``ModelError``; never a provider's own exception.
        """

    async def close(self) -> None:
        """Release connections, threads and memory; calling it twice is harmless."""


@runtime_checkable
class HeldModel(ChatModel, Protocol):
    """A model whose answers can be held to something."""

    @property
    def holds(self) -> Holds:
        """What to."""


def holds_of(model: ChatModel) -> Holds:
    """What the answers of ``model`` can be held to."""
    return model.holds if isinstance(model, HeldModel) else "nothing"


def given_whole(request: ChatRequest, completion: Completion) -> Completion:
    """``completion``, whose text nobody has read yet: ``on_text`` gets it in one piece."""
    if request.on_text is not None and completion.text:
        request.on_text(completion.text)
    return completion
