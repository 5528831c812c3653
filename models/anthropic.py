"""Anthropic's messages API through its SDK: Anthropic itself, or a server (vLLM, say) that speaks the same protocol.

Knows nothing about prices, budgets or retries: those wrap it.
"""

from collections.abc import Sequence
from typing import Any

from models.boundary import Boundary, ClientPerLoop, Faults
from models.capabilities import Capabilities
from models.chat import Completion, FinishReason, Message, Usage
from models.openai import url_secrets

FINISH: dict[str, FinishReason] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}


class AnthropicModel:
    """One model behind Anthropic's messages.

    ``name`` is what is recorded, ``model`` what the server calls it. The API takes no choices and no seed: with
    ``choices`` the caller reads the text.
    """

    def __init__(
        self,
        model: str,
        *,
        name: str,
        api_key: str,
        capabilities: Capabilities,
        base_url: str | None = None,
        timeout_s: float = 60.0,
    ) -> None:
        import anthropic

        self.name = name
        self._model = model
        self._capabilities = capabilities
        # Retries are ours (models/retry.py), so that every attempt passes the ledger.
        self._clients = ClientPerLoop(
            lambda: anthropic.AsyncAnthropic(api_key=api_key, base_url=base_url, timeout=timeout_s, max_retries=0)
        )
        faults = Faults(
            anthropic.APIStatusError, anthropic.APITimeoutError, anthropic.APIConnectionError, anthropic.AnthropicError
        )
        self._boundary = Boundary(name, timeout_s, faults, (*url_secrets(base_url), api_key))

    def __repr__(self) -> str:
        return f"AnthropicModel({self.name!r})"

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        choices: Sequence[str] | None = None,
        max_tokens: int = 256,
        temperature: float = 0.0,
        seed: int | None = None,
    ) -> Completion:
        system = "\n\n".join(message.content for message in messages if message.role == "system")
        request: dict[str, Any] = {
            "model": self._model,
            "messages": [
                {"role": message.role, "content": message.content} for message in messages if message.role != "system"
            ],
            "max_tokens": max_tokens,
        }
        if system:
            request["system"] = system
        if self._capabilities.samples:
            # Newer models take no temperature and the SDK has dropped the parameter; the API's scale ends at 1.
            request["extra_body"] = {"temperature": min(temperature, 1.0)}
        if choices is not None:
            request |= self._capabilities.quick
        answer, latency = await self._boundary.call(self._clients.get().messages.create(**request))
        return self._read(answer, latency)

    def _read(self, answer: Any, latency: float) -> Completion:
        """The completion in ``answer``. The SDK does not validate what it parsed, so everything is checked here."""
        blocks = getattr(answer, "content", None)
        if not isinstance(blocks, list):
            raise self._boundary.malformed("no content in it")
        texts = [getattr(block, "text", None) for block in blocks if getattr(block, "type", None) == "text"]
        if not all(isinstance(text, str) for text in texts):
            raise self._boundary.malformed("a text block without text")
        usage = getattr(answer, "usage", None)
        tokens_out = getattr(usage, "output_tokens", None)
        # Tokens read from and written to the provider's prompt cache are counted apart from the others.
        parts: list[Any] = [getattr(usage, "input_tokens", None)]
        parts += [getattr(usage, f"cache_{what}_input_tokens", None) or 0 for what in ("read", "creation")]
        if not (isinstance(tokens_out, int) and all(isinstance(part, int) for part in parts)):
            raise self._boundary.malformed("no token counts in it, so its cost cannot be booked")
        finish: FinishReason = FINISH.get(str(getattr(answer, "stop_reason", "")), "stop")
        return Completion("".join(map(str, texts)), Usage(sum(parts), tokens_out), latency, finish)

    async def close(self) -> None:
        await self._clients.close()
