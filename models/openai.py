"""OpenAI's chat API through its SDK: OpenAI itself, vLLM, and any server that speaks the same protocol.

Knows nothing about prices, budgets or retries: those wrap it. The newer Responses API is in ``models/responses.py``.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from models.answer import Answer
from models.boundary import Boundary, ClientPerLoop, Faults, public_url
from models.capabilities import Capabilities, Effort
from models.chat import ChatRequest, Completion, Holds, Message, OnText, given_whole
from models.endpoint import Endpoint
from models.errors import BadInput
from models.holding import as_said, held_to, nearest_choice, nearest_text
from models.manner import ADDRESS, Manner
from models.notes import Notes
from models.thoughts import parted

CACHED = {"cache_control": {"type": "ephemeral"}}
"""What marks a part of a message up to which the provider is to cache what it was sent."""


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
        notes: Notes | None = None,
    ) -> None:
        import openai

        from models.transport import lanes

        self.name = name
        self.endpoint = endpoint
        self._capabilities = capabilities
        self._manner = Manner(name, endpoint.name, notes)
        self._fixed = frozenset(endpoint.extra_fields({}))
        self._at_root = base_url is not None and not urlsplit(base_url).path.strip("/")
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

    @property
    def holds(self) -> Holds:
        return "grammar" if self._capabilities.holding else "nothing"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def _thinks(self, request: ChatRequest) -> Effort | None:
        """The effort to ask for, if any."""
        return self.endpoint.effort or (self._capabilities.quick if request.choices is not None else None)

    def _client(self) -> Any:
        """The SDK's client; for a server whose address is given without a path and that is not found there, in /v1."""
        client = self._clients.get()
        if self._manner.takes(ADDRESS):
            return client
        return client.with_options(base_url=f"{str(client.base_url).rstrip('/')}/v1")

    def _names(self, fields: Mapping[str, Any], *more: str) -> set[str]:
        """What a request of ``fields`` holds that the server may not want."""
        places = (ADDRESS,) if self._at_root and self._manner.takes(ADDRESS) else ()
        return {*fields, *fields["extra_body"], *places, *more}

    async def close(self) -> None:
        await self._clients.close()


class OpenAIModel(OpenAIService):
    """One model behind OpenAI's chat completions.

    With ``choices`` or a ``grammar`` a server that declares the capability is held to them by constrained decoding, and
    ``on_text`` gets a choice when it is made; from another the caller reads the text. Servers that send what the
    model thought send it beside the text, in a field of their own, which OpenAI itself does not have.
    """

    async def complete(self, request: ChatRequest) -> Completion:
        fields: dict[str, Any] = {
            "model": self.endpoint.name,
            self._capabilities.token_field: request.max_tokens,
        }
        if self._capabilities.samples:
            fields["temperature"] = request.temperature
            if request.seed is not None:
                fields["seed"] = request.seed & 0x7FFF_FFFF_FFFF_FFFF  # the API's field is a signed 64-bit integer
        if effort := self._thinks(request):
            fields["reasoning_effort"] = effort
        how, choices, grammar = self._capabilities.holding, request.choices, request.grammar
        if how is not None and choices is not None:
            completion = await self._ask(request, fields | held_to(request, how), None)
            return given_whole(request, replace(completion, text=nearest_choice(completion.text, choices, how)))
        if how is not None and grammar is not None:
            request = replace(request, on_text=as_said(request.on_text, how))
            completion = await self._ask(request, fields | held_to(request, how), request.on_text)
            return replace(completion, text=nearest_text(completion.text, grammar, how))
        return await self._ask(request, fields, request.on_text)

    async def _ask(self, request: ChatRequest, fields: dict[str, Any], on_text: OnText | None) -> Completion:
        """Ask with ``fields``, as far as the server takes them; what it does not take is learnt."""
        held = self._manner.fitted(fields.pop("extra_body", {}))
        messages, fields = self._manner.messages(request.messages), self._manner.fitted(fields)
        marked = self._capabilities.marks and self._manner.takes("cache_control")
        fields["messages"] = [sent(message, marked) for message in messages]
        fields["extra_body"] = self.endpoint.extra_fields(fields) | held
        streams = on_text is not None and self._manner.takes("stream")
        if streams and self._manner.takes("stream_options"):
            fields["stream_options"] = {"include_usage": True}
        names = self._names(fields, *(("stream",) if streams else ()), *(CACHED if marked else ()))
        chosen = self.endpoint.effort is not None
        with self._manner.learning(names, messages, fixed=self._fixed, chosen=chosen):
            if on_text is not None and streams:
                completion, latency = await self._boundary.call(self._streamed(request, fields, on_text))
                return replace(completion, latency=latency)
            answer, latency = await self._boundary.call(self._posted(fields))
            completion = replace(self._read(request, answer), latency=latency)
        return given_whole(replace(request, on_text=on_text), completion)

    async def _posted(self, fields: dict[str, Any]) -> Any:
        """The answer as JSON: to make the SDK's objects of it takes as long again, and they are not checked either."""
        import httpx

        body = {**fields, **fields["extra_body"]}
        del body["extra_body"]
        answer = await self._client().post("/chat/completions", cast_to=httpx.Response, body=body)
        return json.loads(answer.content, object_hook=_Said)

    async def _streamed(self, request: ChatRequest, fields: dict[str, Any], on_text: OnText) -> Completion:
        """The completion, given to ``on_text`` as it is written; its latency is not filled in."""
        got = Answer()
        stream = await self._client().chat.completions.create(**fields, stream=True)
        async with stream:
            async for chunk in stream:
                got.usage = getattr(chunk, "usage", None) or got.usage
                # The chunk with the usage has no choices; servers differ in whether an empty list is sent.
                for choice in getattr(chunk, "choices", None) or ():
                    self._check(choice)
                    delta = getattr(choice, "delta", None)
                    piece, pondered = self._parted(getattr(delta, "content", None))
                    got.refusal += str(getattr(delta, "refusal", None) or "")
                    got.thought += thought_in(delta) + pondered
                    got.finish = getattr(choice, "finish_reason", None) or got.finish
                    if piece:
                        got.text += piece
                        on_text(got.text)
        if got.finish is None:
            raise self._boundary.cut("the stream ended before the answer did")
        return got.completion(request, self._boundary)

    def _read(self, request: ChatRequest, answer: Any) -> Completion:
        """The completion in ``answer``, without its latency: everything is checked, for the SDK checks nothing."""
        choices = getattr(answer, "choices", None)
        if error := getattr(answer, "error", None):  # OpenRouter and others: an error with status 200
            raise self._boundary.event_fault(error if isinstance(error, Mapping) else {"message": str(error)})
        if choices is None and isinstance(answer, Mapping) and answer.get("object") == "error":
            raise self._boundary.event_fault(answer)
        if not isinstance(choices, list):
            raise self._boundary.malformed("no choices in it")
        if not choices:
            raise self._boundary.cut("there are no choices in it")
        choice = choices[0]
        message = getattr(choice, "message", None)
        refusal = getattr(message, "refusal", None)
        if message is None or not isinstance(refusal, str | None):
            raise self._boundary.malformed("no message text in it")
        self._check(choice)
        text, thought = self._parted(getattr(message, "content", None))
        thought = thought_in(message) + thought
        got = Answer(text, thought, refusal or "", choice.finish_reason, getattr(answer, "usage", None))
        return got.completion(request, self._boundary)

    def _parted(self, content: object) -> tuple[str, str]:
        """The text and the thoughts in what a message, or a piece of one, holds."""
        found = parted(content)
        if found is None:
            raise self._boundary.malformed("no message text in it")
        return found

    def _check(self, choice: Any) -> None:
        """Raise what went wrong while ``choice`` was written, which OpenRouter says in it."""
        if isinstance(error := getattr(choice, "error", None), Mapping):
            raise self._boundary.event_fault(error)


def sent(message: Message, marked: bool) -> dict[str, Any]:
    """A message as the API has it; what the system says is ``marked`` for the provider's cache, if anything is."""
    if not (marked and message.role == "system"):
        return {"role": message.role, "content": message.content}
    return {"role": message.role, "content": [{"type": "text", "text": message.content, **CACHED}]}


class _Said(dict[str, Any]):
    """An object of an answer; what it does not say is ``None``."""

    def __getattr__(self, name: str) -> Any:
        return self.get(name)


def thought_in(said: object) -> str:
    """What a message, or a piece of one, holds of the model's thinking; servers differ in what they call it."""
    found = (getattr(said, field, None) for field in ("reasoning_content", "reasoning"))
    return next((thought for thought in found if thought and isinstance(thought, str)), "")


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
