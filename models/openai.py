"""OpenAI's chat API through its SDK: OpenAI itself, vLLM, and any server that speaks the same protocol.

Knows nothing about prices, budgets or retries: those wrap it. The newer Responses API is in ``models/responses.py``.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from models.boundary import Boundary, ClientPerLoop, Faults, public_url
from models.capabilities import Capabilities, Choosing, Effort
from models.chat import ChatRequest, Completion, FinishReason, OnText, Usage, given_whole
from models.endpoint import Endpoint
from models.errors import BadInput

FINISH: dict[str, FinishReason] = {"length": "length", "content_filter": "refusal"}


class OpenAIService:
    """One model of a server that speaks OpenAI's protocols: its client, its faults, what it takes.

    ``name`` is what is recorded; ``endpoint`` says what the server calls it, how much it is to think, and what else is
    sent with each request. Without an effort the model thinks as much as it does by itself, and as little as it can
    where it is to choose.
    """

    streams = True

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        name: str,
        api_key: str,
        capabilities: Capabilities,
        base_url: str | None = None,
        timeout_s: float = 60.0,
    ) -> None:
        import openai

        from models.transport import lanes

        self.name = name
        self.endpoint = endpoint
        self._capabilities = capabilities
        # Retries are ours (models/retry.py), so that every attempt passes the ledger.
        self._clients = ClientPerLoop(
            lambda: openai.AsyncOpenAI(
                api_key=api_key,
                base_url=base_url,
                timeout=timeout_s,
                max_retries=0,
                http_client=openai.DefaultAsyncHttpxClient(transport=lanes()),
            )
        )
        self._boundary = Boundary(name, timeout_s, openai_faults(), (*url_secrets(base_url), api_key))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def _thinks(self, request: ChatRequest) -> Effort | None:
        """The effort to ask for, if any."""
        return self.endpoint.effort or (self._capabilities.quick if request.choices is not None else None)

    async def close(self) -> None:
        await self._clients.close()


class OpenAIModel(OpenAIService):
    """One model behind OpenAI's chat completions.

    With ``choices`` a server that declares the capability is held to one of them by constrained decoding, and
    ``on_text`` gets the choice when it is made; from another the caller reads the text. Servers that send what the
    model thought send it beside the text, in a field of their own, which OpenAI itself does not have.
    """

    async def complete(self, request: ChatRequest) -> Completion:
        fields: dict[str, Any] = {
            "model": self.endpoint.name,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            self._capabilities.token_field: request.max_tokens,
        }
        if self._capabilities.samples:
            fields["temperature"] = request.temperature
            if request.seed is not None:
                fields["seed"] = request.seed & 0x7FFF_FFFF_FFFF_FFFF  # the API's field is a signed 64-bit integer
        if effort := self._thinks(request):
            fields["reasoning_effort"] = effort
        choices, held = request.choices, self._capabilities.choices
        if choices is None or held is None:
            return await self._ask(fields, request.on_text)
        fields |= one_of(choices, held)
        completion = await self._ask(fields, None)
        return given_whole(request, replace(completion, text=nearest_choice(completion.text, choices, held)))

    async def _ask(self, fields: dict[str, Any], on_text: OnText | None) -> Completion:
        fields["extra_body"] = self.endpoint.extra_fields(fields) | fields.get("extra_body", {})
        if on_text is not None:
            completion, latency = await self._boundary.call(self._streamed(fields, on_text))
            return replace(completion, latency=latency)
        answer, latency = await self._boundary.call(self._posted(fields))
        return self._read(answer, latency)

    async def _posted(self, fields: dict[str, Any]) -> Any:
        """The answer as JSON: to make the SDK's objects of it takes as long again, and they are not checked either."""
        import httpx

        body = {**fields, **fields["extra_body"]}
        del body["extra_body"]
        answer = await self._clients.get().post("/chat/completions", cast_to=httpx.Response, body=body)
        return json.loads(answer.content, object_hook=_Said)

    async def _streamed(self, fields: dict[str, Any], on_text: OnText) -> Completion:
        """The completion, given to ``on_text`` as it is written; its latency is not filled in."""
        usage: Any = None
        text, thought, refusal, finish = "", "", "", None
        stream = await self._clients.get().chat.completions.create(
            **fields, stream=True, stream_options={"include_usage": True}
        )
        async with stream:
            async for chunk in stream:
                usage = getattr(chunk, "usage", None) or usage
                # The chunk with the usage has no choices; servers differ in whether an empty list is sent.
                for choice in getattr(chunk, "choices", None) or ():
                    delta = getattr(choice, "delta", None)
                    piece = getattr(delta, "content", None) or ""
                    if not isinstance(piece, str):
                        raise self._boundary.malformed("a piece of text that is no text")
                    refusal += str(getattr(delta, "refusal", None) or "")
                    thought += thought_in(delta)
                    finish = getattr(choice, "finish_reason", None) or finish
                    if piece:
                        text += piece
                        on_text(text)
        if finish is None:
            raise self._boundary.cut("the stream ended before the answer did")
        return replace(self._completion(text, refusal, finish, usage), thought=thought)

    def _read(self, answer: Any, latency: float) -> Completion:
        """The completion in ``answer``. The SDK does not validate what it parsed, so everything is checked here."""
        choices = getattr(answer, "choices", None)
        if not choices or not isinstance(choices, list):
            if isinstance(error := getattr(answer, "error", None), Mapping):  # OpenRouter: an error with status 200
                raise self._boundary.event_fault(error)
            raise self._boundary.malformed("no choices in it")
        choice = choices[0]
        message = getattr(choice, "message", None)
        content, refusal = getattr(message, "content", None), getattr(message, "refusal", None)
        if message is None or not (isinstance(content, str | None) and isinstance(refusal, str | None)):
            raise self._boundary.malformed("no message text in it")
        completion = self._completion(
            content or "", refusal or "", choice.finish_reason, getattr(answer, "usage", None)
        )
        return replace(completion, latency=latency, thought=thought_in(message))

    def _completion(self, text: str, refusal: str, finish: object, usage: Any) -> Completion:
        """A completion without its latency."""
        tokens_in, tokens_out = getattr(usage, "prompt_tokens", None), getattr(usage, "completion_tokens", None)
        if not (isinstance(tokens_in, int) and isinstance(tokens_out, int)):
            raise self._boundary.malformed("no token counts in it, so its cost cannot be booked")
        total = getattr(usage, "total_tokens", None)
        if isinstance(total, int):
            tokens_out = max(tokens_out, total - tokens_in)  # some servers count what was thought in the total only
        reason: FinishReason = "refusal" if refusal else FINISH.get(str(finish), "stop")
        return Completion(text or refusal, Usage(tokens_in, tokens_out), 0.0, reason)


class _Said(dict[str, Any]):
    """An object of an answer; what it does not say is ``None``."""

    def __getattr__(self, name: str) -> Any:
        return self.get(name)


def thought_in(said: object) -> str:
    """What a message, or a piece of one, holds of the model's thinking; servers differ in what they call it."""
    found = (getattr(said, field, None) for field in ("reasoning_content", "reasoning"))
    return next((thought for thought in found if thought and isinstance(thought, str)), "")


def one_of(choices: Sequence[str], how: Choosing) -> dict[str, Any]:
    """The request fields that hold a server to one of ``choices``."""
    if how == "choice":
        # vLLM ignores its older ``guided_choice`` without a word; this field it obeys.
        return {"extra_body": {"structured_outputs": {"choice": list(choices)}}}
    schema = {"type": "string", "enum": list(choices)}
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "choice", "schema": schema}}}


def nearest_choice(text: str, choices: Sequence[str], how: Choosing = "choice") -> str:
    """The choice that ``text`` is but for its spaces (and, by a schema, its quotes), or ``text`` itself.

    A constrained server lets a model spell a choice with any of its tokens, and some tokenizers are decoded with a
    space between tokens: "throw" may come back as " t h r o w".
    """
    if how == "schema":
        text = _unquoted(text)
    if text.strip() in choices:
        return text.strip()
    same = [choice for choice in choices if "".join(choice.split()) == "".join(text.split())]
    return same[0] if len(same) == 1 else text


def _unquoted(text: str) -> str:
    """The string that ``text`` is in JSON; one that was cut off loses its quotation mark."""
    try:
        found = json.loads(text)
    except ValueError:
        return text.strip().strip('"')
    return found if isinstance(found, str) else text


def openai_faults() -> Faults:
    import httpx
    import openai

    return Faults(
        openai.APIStatusError,
        openai.APITimeoutError,
        openai.APIConnectionError,
        openai.OpenAIError,
        transport=(httpx.HTTPError,),
        form=(openai.APIResponseValidationError,),
    )


def url_secrets(url: str | None) -> tuple[str, ...]:
    """User, password and query values of a URL: none may be shown."""
    if url is None:
        return ()
    parts = urlsplit(url)
    values = [parts.username, parts.password, *(value for _, value in parse_qsl(parts.query))]
    return tuple(value for value in values if value)


def only_model(base_url: str, api_key: str, timeout_s: float = 10.0) -> str:
    """The one model that the server at ``base_url`` serves; raises ``BadInput`` if it is not one, or not to be had."""
    import openai

    shown = public_url(base_url)
    fault = ""
    models: list[str] = []
    try:
        with openai.OpenAI(api_key=api_key, base_url=base_url, timeout=timeout_s, max_retries=0) as client:
            models = [model.id for model in client.models.list().data or []]
    except (openai.OpenAIError, ValueError) as error:
        boundary = Boundary("vllm", timeout_s, openai_faults(), (*url_secrets(base_url), api_key))
        fault = str(boundary.translate(error))
    if fault:
        raise BadInput(f"{shown} does not list its models: {fault}")
    if len(models) != 1:
        listing = ", ".join(models) or "none"
        raise BadInput(f"vllm: {shown} serves {len(models)} models ({listing}); write vllm:{shown}#NAME")
    return models[0]
