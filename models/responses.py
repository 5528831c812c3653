"""OpenAI's Responses API through its SDK: the protocol that its reasoning models are offered by.

Knows nothing about prices, budgets or retries: those wrap it. Nothing is kept at the provider (``store`` is off).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from models.chat import ChatRequest, Completion, FinishReason, OnText, Usage
from models.openai import OpenAIService

LEAST_TOKENS = 16
"""The API takes no smaller limit of the answer."""

FINISH: dict[str, FinishReason] = {"max_output_tokens": "length", "content_filter": "refusal"}
"""By the reason why a response is incomplete."""

ENDS = ("response.completed", "response.incomplete", "response.failed")


class ResponsesModel(OpenAIService):
    """One model behind OpenAI's responses.

    The API takes no seed, and holding it to choices would cost a compilation of each new list of moves: with
    ``choices`` the caller reads the text. What the model thought is no part of the text, and counts as tokens out.
    """

    async def complete(self, request: ChatRequest) -> Completion:
        fields: dict[str, Any] = {
            "model": self.endpoint.name,
            "input": [{"role": message.role, "content": message.content} for message in request.messages],
            "max_output_tokens": max(LEAST_TOKENS, request.max_tokens),
            "store": False,
        }
        if self._capabilities.samples:
            fields["temperature"] = request.temperature
        if effort := self._thinks(request):
            fields["reasoning"] = {"effort": effort}
        fields["extra_body"] = self.endpoint.extra_fields(fields)
        create = self._clients.get().responses.create
        call = create(**fields) if request.on_text is None else self._streamed(fields, request.on_text)
        answer, latency = await self._boundary.call(call)
        return replace(self._read(answer), latency=latency)

    async def _streamed(self, fields: dict[str, Any], on_text: OnText) -> Any:
        """The whole response, which comes with the last event."""
        text = ""
        async with await self._clients.get().responses.create(**fields, stream=True) as stream:
            async for event in stream:
                kind = getattr(event, "type", None)
                if kind == "response.output_text.delta":
                    text += str(getattr(event, "delta", None) or "")
                    if text:
                        on_text(text)
                elif kind == "error":
                    raise self._boundary.event_fault(_said(event))
                elif kind in ENDS:
                    return getattr(event, "response", None)
        raise self._boundary.cut("the stream ended before the answer did")

    def _read(self, answer: Any) -> Completion:
        """The completion in ``answer``, without its latency; the SDK does not validate what it parsed."""
        if getattr(answer, "status", None) == "failed":
            raise self._boundary.event_fault(_said(getattr(answer, "error", None)))
        items = getattr(answer, "output", None)
        if not isinstance(items, list):
            raise self._boundary.malformed("no output in it")
        parts = [part for item in items if _of(item, "type") == "message" for part in _of(item, "content") or ()]
        texts = [_of(part, "text") for part in parts if _of(part, "type") == "output_text"]
        refusals = [_of(part, "refusal") for part in parts if _of(part, "type") == "refusal"]
        if not all(isinstance(text, str) for text in (*texts, *refusals)):
            raise self._boundary.malformed("a part of the output without text")
        usage = getattr(answer, "usage", None)
        tokens_in, tokens_out = getattr(usage, "input_tokens", None), getattr(usage, "output_tokens", None)
        if not (isinstance(tokens_in, int) and isinstance(tokens_out, int)):
            raise self._boundary.malformed("no token counts in it, so its cost cannot be booked")
        why = str(_of(getattr(answer, "incomplete_details", None), "reason"))
        finish: FinishReason = "refusal" if refusals else FINISH.get(why, "stop")
        text, usage = "".join(texts) or "".join(refusals), Usage(tokens_in, tokens_out)
        return Completion(text, usage, 0.0, finish, thought=_thought(items))


def _thought(items: Sequence[Any]) -> str:
    """The summaries of what the model thought; what it thought in full stays with the provider."""
    parts = [part for item in items if _of(item, "type") == "reasoning" for part in _of(item, "summary") or ()]
    texts = [_of(part, "text") for part in parts]
    return "\n\n".join(text for text in texts if isinstance(text, str))


def _of(thing: Any, field: str) -> Any:
    """A field of what the SDK parsed, or left as it came."""
    return thing.get(field) if isinstance(thing, Mapping) else getattr(thing, field, None)


def _said(error: Any) -> dict[str, Any]:
    """What an error says, in the fields that all of them have."""
    return {field: getattr(error, field, None) for field in ("code", "message")}
