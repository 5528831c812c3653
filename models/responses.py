"""OpenAI's Responses API through its SDK: the protocol that its reasoning models are offered by.

Knows nothing about prices, budgets or retries: those wrap it. Nothing is kept at the provider (``store`` is off).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from models.answer import Answer
from models.chat import ChatRequest, Completion, OnText, given_whole
from models.openai import OpenAIService
from models.thoughts import parted

LEAST_TOKENS = 16
"""The API takes no smaller limit of the answer."""

ENDS = ("response.completed", "response.incomplete", "response.failed")


class ResponsesModel(OpenAIService):
    """One model behind OpenAI's responses.

    The API takes no seed, and holding it to choices would cost a compilation of each new list of moves: with
    ``choices`` the caller reads the text. What the model thought is no part of the text, and counts as tokens out.
    """

    async def complete(self, request: ChatRequest) -> Completion:
        messages = self._manner.messages(request.messages)
        fields: dict[str, Any] = {
            "model": self.endpoint.name,
            "input": [{"role": message.role, "content": message.content} for message in messages],
            "max_output_tokens": max(LEAST_TOKENS, request.max_tokens),
            "store": False,
        }
        if self._capabilities.samples:
            fields["temperature"] = request.temperature
        if effort := self._thinks(request):
            fields["reasoning"] = {"effort": effort}
        fields = self._manner.fitted(fields)
        fields["extra_body"] = self.endpoint.extra_fields(fields)
        chosen = self.endpoint.effort is not None
        on_text = request.on_text if self._manner.takes("stream") else None
        names = self._names(fields, *(("stream",) if on_text else ()))
        with self._manner.learning(names, messages, fixed=self._fixed, chosen=chosen):
            create = self._client().responses.create
            call = self._streamed(fields, on_text) if on_text else create(**fields)
            answer, latency = await self._boundary.call(call)
            completion = replace(self._read(request, answer), latency=latency)
        return completion if on_text else given_whole(request, completion)

    async def _streamed(self, fields: dict[str, Any], on_text: OnText) -> Any:
        """The whole response, which comes with the last event."""
        text = ""
        async with await self._client().responses.create(**fields, stream=True) as stream:
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

    def _read(self, request: ChatRequest, answer: Any) -> Completion:
        """The completion in ``answer``, without its latency; the SDK does not validate what it parsed."""
        status, error = getattr(answer, "status", None), getattr(answer, "error", None)
        if status == "failed" or error:
            raise self._boundary.event_fault(_said(error))
        items = getattr(answer, "output", None)
        if not isinstance(items, list):
            raise self._boundary.malformed("no output in it")
        contents = [_of(item, "content") for item in items if _of(item, "type") == "message"]
        parts = [part for content in contents if isinstance(content, list) for part in content]
        refusals = [_of(part, "refusal") for part in parts if _of(part, "type") == "refusal"]
        found = [parted(content) for content in contents]
        if None in found or not all(isinstance(refusal, str) for refusal in refusals):
            raise self._boundary.malformed("a part of the output without text")
        said = [one for one in found if one is not None]
        text, refusal = "".join(text for text, _ in said), "".join(refusals)
        thought = "\n\n".join(filter(None, [_thought(items), *(thought for _, thought in said)]))
        why = _of(getattr(answer, "incomplete_details", None), "reason") if status == "incomplete" else status
        return Answer(text, thought, refusal, why, getattr(answer, "usage", None)).completion(request, self._boundary)


def _thought(items: Sequence[Any]) -> str:
    """What the model thought, where the server shows it, else the summaries: at OpenAI it stays with the provider."""
    shown = [_of(item, "content") or _of(item, "summary") for item in items if _of(item, "type") == "reasoning"]
    parts = [part for one in shown if isinstance(one, list) for part in one]
    texts = [_of(part, "text") for part in parts]
    return "\n\n".join(text for text in texts if isinstance(text, str))


def _of(thing: Any, field: str) -> Any:
    """A field of what the SDK parsed, or left as it came."""
    return thing.get(field) if isinstance(thing, Mapping) else getattr(thing, field, None)


def _said(error: Any) -> dict[str, Any]:
    """What an error says, in the fields that all of them have."""
    if isinstance(error, str):
        return {"message": error}
    return {field: _of(error, field) for field in ("code", "message")}
