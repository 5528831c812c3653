"""Anthropic's messages API through its SDK: Anthropic itself, Bedrock, Vertex AI, or a server of the same protocol.

Knows nothing about prices, budgets or retries: those wrap it. Where a model is served, and by whose credentials, is
the business of whoever makes the client (``models/registry.py``, ``models/clouds.py``).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from models.boundary import Boundary, ClientPerLoop, Faults
from models.capabilities import Capabilities, Effort
from models.chat import ChatRequest, Completion, FinishReason, OnText, Usage
from models.endpoint import Endpoint
from models.errors import BadInput

FINISH: dict[str, FinishReason] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}

LEAST_BUDGET = 1024
"""Tokens: the API takes no smaller budget for thinking, and it must be smaller than ``max_tokens``."""

BUDGETS: dict[Effort, float] = {"low": 0.25, "medium": 0.5, "high": 0.8}
"""The share of ``max_tokens`` that may be thought, where thinking has a budget and not an effort."""


class AnthropicModel:
    """One model behind Anthropic's messages.

    ``name`` is what is recorded, ``endpoint`` what the server knows it by; ``make`` makes the SDK's client,
    ``secrets`` are kept out of its errors. The API takes no choices and no seed: with ``choices`` the caller reads the
    text. What the model thought is no part of the text, and counts as tokens out.
    """

    streams = True

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        name: str,
        make: Callable[[], Any],
        capabilities: Capabilities,
        secrets: Sequence[str] = (),
        faults: Faults | None = None,
        timeout_s: float = 60.0,
    ) -> None:
        self.name = name
        self.endpoint = endpoint
        self._capabilities = capabilities
        self._clients = ClientPerLoop(make)
        self._boundary = Boundary(name, timeout_s, faults or anthropic_faults(), tuple(secrets))

    def __repr__(self) -> str:
        return f"AnthropicModel({self.name!r})"

    async def complete(self, request: ChatRequest) -> Completion:
        system = "\n\n".join(message.content for message in request.messages if message.role == "system")
        said = [message for message in request.messages if message.role != "system"]
        fields: dict[str, Any] = {
            "model": self.endpoint.name,
            "messages": [{"role": message.role, "content": message.content} for message in said],
            "max_tokens": request.max_tokens,
        }
        if system:
            fields["system"] = system
        thinking = self._thinking(request.choices is not None, request.max_tokens)
        fields |= thinking
        fields["extra_body"] = self.endpoint.extra_fields(fields)
        if self._capabilities.samples and not thinking:
            # Newer models take no temperature and the SDK has dropped the parameter; the API's scale ends at 1.
            fields["extra_body"]["temperature"] = min(request.temperature, 1.0)
        if request.on_text is None:
            answer, latency = await self._boundary.call(self._clients.get().messages.create(**fields))
            return self._read(answer, latency)
        completion, latency = await self._boundary.call(self._streamed(fields, request.on_text))
        return replace(completion, latency=latency)

    def _thinking(self, in_a_hurry: bool, max_tokens: int) -> dict[str, Any]:
        """The request fields that say how much to think; none where the model's own default is right."""
        how, quick = self._capabilities.thinking, self._capabilities.quick
        effort = self.endpoint.effort or (quick if in_a_hurry else None)
        if effort is None or (effort == "none" and how != "always"):
            return {}
        if effort == "none":
            return {"thinking": {"type": "disabled"}}
        if how != "budget":
            fields: dict[str, Any] = {"output_config": {"effort": effort}}
            return fields | ({"thinking": {"type": "adaptive"}} if how == "adaptive" else {})
        if max_tokens <= LEAST_BUDGET:
            raise BadInput(
                f"{self.name}: thinking takes {LEAST_BUDGET} tokens or more of the {max_tokens} allowed; "
                "raise max_tokens, or leave effort out"
            )
        budget = max(LEAST_BUDGET, int(max_tokens * BUDGETS[effort]))
        return {"thinking": {"type": "enabled", "budget_tokens": budget}}

    async def _streamed(self, fields: dict[str, Any], on_text: OnText) -> Completion:
        """The completion, given to ``on_text`` as it is written; its latency is not filled in."""
        text, thought, stop, ended = "", "", None, False
        counts: dict[str, Any] = {}
        async with await self._clients.get().messages.create(**fields, stream=True) as stream:
            async for event in stream:
                kind = getattr(event, "type", None)
                if kind == "message_start":
                    counts |= _counts(getattr(event, "message", None))
                elif kind == "message_delta":
                    counts |= _counts(event)
                    stop = getattr(getattr(event, "delta", None), "stop_reason", None) or stop
                elif kind == "content_block_delta":
                    delta = getattr(event, "delta", None)
                    piece = (getattr(delta, "text", None) if getattr(delta, "type", "") == "text_delta" else "") or ""
                    if not isinstance(piece, str):
                        raise self._boundary.malformed("a piece of text that is no text")
                    if piece:
                        text += piece
                        on_text(text)
                    thought += _thought(delta, "thinking_delta")
                ended = ended or kind == "message_stop"
        if not ended:
            raise self._boundary.cut("the stream ended before the answer did")
        return Completion(text, self._usage(counts), 0.0, FINISH.get(str(stop), "stop"), thought=thought)

    def _read(self, answer: Any, latency: float) -> Completion:
        """The completion in ``answer``. The SDK does not validate what it parsed, so everything is checked here."""
        blocks = getattr(answer, "content", None)
        if not isinstance(blocks, list):
            raise self._boundary.malformed("no content in it")
        texts = [getattr(block, "text", None) for block in blocks if getattr(block, "type", None) == "text"]
        if not all(isinstance(text, str) for text in texts):
            raise self._boundary.malformed("a text block without text")
        finish: FinishReason = FINISH.get(str(getattr(answer, "stop_reason", "")), "stop")
        thought = "".join(_thought(block, "thinking") for block in blocks)
        return Completion("".join(map(str, texts)), self._usage(_counts(answer)), latency, finish, thought=thought)

    def _usage(self, counts: dict[str, Any]) -> Usage:
        tokens_out = counts.get("output_tokens")
        # Tokens read from and written to the provider's prompt cache are counted apart from the others.
        parts: list[Any] = [counts.get("input_tokens")]
        parts += [counts.get(f"cache_{what}_input_tokens") or 0 for what in ("read", "creation")]
        if not (isinstance(tokens_out, int) and all(isinstance(part, int) for part in parts)):
            raise self._boundary.malformed("no token counts in it, so its cost cannot be booked")
        return Usage(sum(parts), tokens_out)

    async def close(self) -> None:
        await self._clients.close()


def _thought(block: Any, kind: str) -> str:
    """What was thought in a block or a piece of one; a redacted one holds nothing that can be read."""
    thought = getattr(block, "thinking", None) if getattr(block, "type", None) == kind else None
    return thought if isinstance(thought, str) else ""


def _counts(answer: Any) -> dict[str, Any]:
    """The token counts that a message or an event names; in a stream the later ones count."""
    usage = getattr(answer, "usage", None)
    fields = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    return {field: value for field in fields if (value := getattr(usage, field, None)) is not None}


def anthropic_faults() -> Faults:
    import anthropic
    import httpx2

    return Faults(
        anthropic.APIStatusError,
        anthropic.APITimeoutError,
        anthropic.APIConnectionError,
        anthropic.AnthropicError,
        transport=(httpx2.HTTPError,),
        form=(anthropic.APIResponseValidationError,),
    )
