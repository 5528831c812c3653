"""Anthropic's messages API through its SDK: Anthropic itself, Bedrock, Vertex AI, or a server of the same protocol.

Knows nothing about prices, budgets or retries: those wrap it. Where a model is served, and by whose credentials, is
the business of whoever makes the client (``models/registry.py``, ``models/clouds.py``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from models.answer import Answer
from models.boundary import Boundary, ClientPerLoop, Faults
from models.capabilities import Capabilities, Effort
from models.chat import ChatRequest, Completion, OnText, given_whole
from models.endpoint import Endpoint
from models.errors import BadInput
from models.manner import Manner
from models.notes import Notes
from models.openai import CACHED
from models.thoughts import parted

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
        notes: Notes | None = None,
    ) -> None:
        self.name = name
        self.endpoint = endpoint
        self._capabilities = capabilities
        self._manner = Manner(name, endpoint.name, notes)
        self._fixed = frozenset({"max_tokens", *endpoint.extra_fields({})})  # the API has no other name for the limit
        self._clients = ClientPerLoop(make)
        self._boundary = Boundary(name, timeout_s, faults or anthropic_faults(), tuple(secrets))

    def __repr__(self) -> str:
        return f"AnthropicModel({self.name!r})"

    async def complete(self, request: ChatRequest) -> Completion:
        """See ``ChatModel``; the provider keeps what the system says in its cache, for the calls that follow."""
        messages = self._manner.messages(request.messages)
        system = "\n\n".join(message.content for message in messages if message.role == "system")
        said = [message for message in messages if message.role != "system"]
        fields: dict[str, Any] = {
            "model": self.endpoint.name,
            "messages": [{"role": message.role, "content": message.content} for message in said],
            "max_tokens": request.max_tokens,
        }
        marked = bool(system) and self._manner.takes("cache_control")
        if system:
            fields["system"] = [{"type": "text", "text": system, **CACHED}] if marked else system
        thinking = self._manner.fitted(self._thinking(request.choices is not None, request.max_tokens))
        fields |= thinking
        fields["extra_body"] = self.endpoint.extra_fields(fields)
        if self._capabilities.samples and not thinking and self._manner.takes("temperature"):
            # Newer models take no temperature and the SDK has dropped the parameter; the API's scale ends at 1.
            fields["extra_body"]["temperature"] = min(request.temperature, 1.0)
        on_text = request.on_text if self._manner.takes("stream") else None
        names = {*fields, *fields["extra_body"], *(("stream",) if on_text else ()), *(CACHED if marked else ())}
        with self._manner.learning(names, messages, fixed=self._fixed, chosen=self.endpoint.effort is not None):
            if on_text:
                completion, latency = await self._boundary.call(self._streamed(request, fields, on_text))
                return replace(completion, latency=latency)
            answer, latency = await self._boundary.call(self._clients.get().messages.create(**fields))
            completion = replace(self._read(request, answer), latency=latency)
        return given_whole(request, completion)

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

    async def _streamed(self, request: ChatRequest, fields: dict[str, Any], on_text: OnText) -> Completion:
        """The completion, given to ``on_text`` as it is written; its latency is not filled in."""
        got, ended = Answer(), False
        counts: dict[str, Any] = {}
        async with await self._clients.get().messages.create(**fields, stream=True) as stream:
            async for event in stream:
                kind = getattr(event, "type", None)
                if kind == "message_start":
                    counts |= _counts(getattr(event, "message", None))
                elif kind == "message_delta":
                    counts |= _counts(event)
                    got.finish = getattr(getattr(event, "delta", None), "stop_reason", None) or got.finish
                elif kind == "content_block_delta":
                    delta = getattr(event, "delta", None)
                    piece = (getattr(delta, "text", None) if getattr(delta, "type", "") == "text_delta" else "") or ""
                    if not isinstance(piece, str):
                        raise self._boundary.malformed("a piece of text that is no text")
                    if piece:
                        got.text += piece
                        on_text(got.text)
                    got.thought += _thought(delta, "thinking_delta")
                ended = ended or kind == "message_stop"
        if not ended:
            raise self._boundary.cut("the stream ended before the answer did")
        got.usage = counts
        return got.completion(request, self._boundary, apart=True)

    def _read(self, request: ChatRequest, answer: Any) -> Completion:
        """The completion in ``answer``, without its latency: everything is checked, for the SDK checks nothing."""
        if isinstance(error := getattr(answer, "error", None), Mapping):
            raise self._boundary.event_fault(error)
        blocks = getattr(answer, "content", None)
        if not isinstance(blocks, list | str):
            raise self._boundary.malformed("no content in it")
        found = parted(blocks)
        if found is None:
            raise self._boundary.malformed("a text block without text")
        text, thought = found
        got = Answer(text, thought, "", getattr(answer, "stop_reason", None), _counts(answer))
        # Tokens read from and written to the provider's prompt cache are counted apart from the others.
        return got.completion(request, self._boundary, apart=True)

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
