"""DSPy on our chat models: every call of a program goes through ``ChatModel``, so one budget and one ledger see it.

Knows nothing about what is asked. DSPy is imported in the functions that use it, for it takes a second.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from models.chat import ChatModel, ChatRequest, Message, Role
from models.errors import CornermanError, Malformed, Refused
from models.ids import seed63

ASK_SECONDS = 3600.0
"""How long a call from another thread waits for the event loop; each model has a time limit of its own."""


class ChatEngine:
    """``chat`` as an engine of ``dspy.LM``: ``AsyncEngine`` for programs that are awaited.

    A call's seed comes from ``seed`` and its messages, so it does not depend on the order of calls. An answer that was
    cut at the token limit raises ``Malformed``: half an answer parses all too easily.
    """

    def __init__(self, chat: ChatModel, seed: int) -> None:
        self.chat = chat
        self.seed = seed

    async def complete(self, request: Any) -> Any:
        """One ``dspy.lm15.Request`` to one ``dspy.lm15.Response``."""
        import dspy

        messages = [Message("system", text)] if (text := _text(request.system)) else []
        messages += [Message(_role(message.role), _text(message.parts)) for message in request.messages]
        config = request.config
        asked = json.dumps([self.seed, [[message.role, message.content] for message in messages]])
        completion = await self.chat.complete(
            ChatRequest(
                tuple(messages),
                max_tokens=config.max_tokens or 8000,
                temperature=1.0 if config.temperature is None else config.temperature,
                seed=seed63(asked),
            )
        )
        if completion.finish_reason == "length":
            raise Malformed(f"the answer was cut at {config.max_tokens} tokens")
        if completion.finish_reason == "refusal":
            raise Refused("the model declined to answer")
        return dspy.lm15.Response(
            id=None,
            model=request.model,
            message=dspy.lm15.Message.assistant(completion.text or " "),
            finish_reason="stop",
            usage=dspy.lm15.Usage(input_tokens=completion.usage.tokens_in, output_tokens=completion.usage.tokens_out),
        )


class ThreadEngine:
    """The same for programs that run in a thread of their own beside the event loop ``loop`` (``Engine``)."""

    def __init__(self, engine: ChatEngine, loop: asyncio.AbstractEventLoop) -> None:
        self._engine = engine
        self._loop = loop

    def complete(self, request: Any) -> Any:
        """Never call it on the loop's own thread: it waits for the loop."""
        return asyncio.run_coroutine_threadsafe(self._engine.complete(request), self._loop).result(ASK_SECONDS)


def language_model(chat: ChatModel, seed: int, *, max_tokens: int, temperature: float) -> Any:
    """A ``dspy.LM`` over ``chat`` without cache and retries: the first would freeze one sample, ``models`` does the
    second. To be called in a running event loop."""
    import dspy

    engine = ChatEngine(chat, seed)
    return dspy.LM(
        model="cornerman/reflector",
        engine=ThreadEngine(engine, asyncio.get_running_loop()),
        async_engine=engine,
        cache=False,
        num_retries=0,
        max_tokens=max_tokens,
        temperature=temperature,
    )


async def run_program(program: Callable[..., Awaitable[Any]], model: Any, **inputs: object) -> Any:
    """The prediction of a DSPy program (its ``acall``) on ``model``.

    Raises ``Malformed`` for an answer without the fields wanted, and a call's own error as it was raised.
    """
    import dspy
    from dspy.utils.exceptions import AdapterParseError, LMError

    try:
        with dspy.context(lm=model, adapter=dspy.ChatAdapter(use_json_adapter_fallback=False)):
            return await program(**inputs)
    except AdapterParseError as error:
        raise Malformed(_first_lines(str(error))) from None
    except LMError as error:
        if isinstance(error.__cause__, CornermanError):
            raise error.__cause__ from None
        raise


def _first_lines(text: str) -> str:
    return " ".join(text.split())[:400]


def _text(parts: Any) -> str:
    """The text of a request's system or of one message; programs here send nothing but text."""
    if not parts or isinstance(parts, str):
        return parts or ""
    return "\n\n".join(part.text for part in parts)


def _role(role: str) -> Role:
    return "assistant" if role == "assistant" else "system" if role == "developer" else "user"
