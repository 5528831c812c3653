"""Whatever litellm knows, through one adapter: Gemini, Mistral, Groq, Azure and a hundred more.

litellm translates the request; what it adds of its own is off: its retries, its telemetry, its logs, its fetching of a
newer price table when it is imported. What it hides stays hidden: it ends a stream that broke off without an error, or
had a chunk that cannot be read, as if it had been whole, and counts by itself the tokens of a stream that came without
counts. Knows nothing about prices, budgets or retries: those wrap it.
"""

import json
import logging
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from models.answer import Answer
from models.boundary import Boundary, Faults, retry_after
from models.chat import ChatRequest, Completion, OnText, given_whole
from models.endpoint import Endpoint, address_of
from models.errors import BadInput, ModelError, Refused, Unavailable
from models.manner import Manner
from models.notes import Notes
from models.openai import CACHED, sent, thought_in
from models.thoughts import parted

MARKING = frozenset({"anthropic", "bedrock", "vertex_ai"})
"""Providers of Claude, of which litellm marks what is to be cached as we do."""

UNOPENED = frozenset({"anthropic"})
"""Providers that litellm sends ``extra_body`` as a field of that name: they would refuse it, or not heed it."""

VARIABLES = {"ollama_chat": "OLLAMA", "vertex_ai": "VERTEXAI"}
"""What the variables of these providers begin with; those of all others begin with the provider's name."""

SECRET_ENDS = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD", "_CREDENTIALS")
SHORTEST_SECRET = 8

HANDLE_WITH = re.compile(r" ?Handle with `litellm\.\w+`\.?")
EXCEPTION_NAMES = re.compile(r"^(?:(?:litellm\.)?\w+(?:Error|Exception|Timeout)(?::| -) ?)+")


class LiteLLMModel:
    """One model by its name in litellm (``gemini/gemini-3-flash``, ``azure/DEPLOYMENT``).

    Keys are read by litellm from the environment, each provider's by its own variable; ``api_key`` is one for this
    model alone. A parameter that the provider does not take is left out (``drop_params``). Raises ``BadInput`` where
    litellm is not installed or does not know whose model it is.
    """

    streams = True

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        name: str,
        api_key: str | None = None,
        base_url: str | None = None,
        timeout_s: float = 60.0,
        notes: Notes | None = None,
    ) -> None:
        self.name = name
        self._manner = Manner(name, endpoint.name.rpartition("/")[2], notes)
        self._fixed = frozenset(endpoint.extra_fields({}))
        self._litellm = _imported()
        self._where = {key: value for key, value in (("api_key", api_key), ("base_url", base_url)) if value}
        self._timeout_s = timeout_s
        try:
            provider = self._litellm.get_llm_provider(endpoint.name, api_base=base_url)[1]
        except self._litellm.exceptions.BadRequestError:
            raise BadInput(
                f"litellm does not know whose model {endpoint.name!r} is; write it as PROVIDER/NAME, "
                "as litellm's documentation lists them"
            ) from None
        if endpoint.extra and provider in UNOPENED:
            raise BadInput(
                f"{name} takes no extra: litellm does not put such fields into requests to {provider}; "
                f"name the model as {provider}:{endpoint.name.partition('/')[2]}"
            )
        self.marks = provider in MARKING and "claude" in endpoint.name
        self.endpoint = endpoint if base_url else replace(endpoint, address=_address(provider))
        self._boundary = LiteLLMBoundary(name, timeout_s, _faults(), _secrets(api_key))

    def __repr__(self) -> str:
        return f"LiteLLMModel({self.name!r})"

    async def complete(self, request: ChatRequest) -> Completion:
        """See ``ChatModel``; with ``choices`` the caller reads the text."""
        messages = self._manner.messages(request.messages)
        marked = self.marks and self._manner.takes("cache_control")
        fields: dict[str, Any] = {
            "model": self.endpoint.name,
            "messages": [sent(message, marked) for message in messages],
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "timeout": self._timeout_s,
            "num_retries": 0,
            "max_retries": 0,
            "drop_params": True,
            **self._where,
        }
        if request.seed is not None:
            fields["seed"] = request.seed & 0x7FFF_FFFF
        if self.endpoint.effort:
            fields["reasoning_effort"] = self.endpoint.effort
        fields = self._manner.fitted(fields)
        extra = self.endpoint.extra_fields(fields)
        if extra:
            fields["extra_body"] = extra
        on_text = request.on_text if self._manner.takes("stream") else None
        if on_text and self._manner.takes("stream_options"):
            fields["stream_options"] = {"include_usage": True}
        names = {*fields, *extra, *(("stream",) if on_text else ()), *(CACHED if marked else ())}
        with self._manner.learning(names, messages, fixed=self._fixed, chosen=self.endpoint.effort is not None):
            call = self._streamed(request, fields, on_text) if on_text else self._whole(request, fields)
            completion, latency = await self._boundary.call(call)
            completion = replace(completion, latency=latency)
        return completion if on_text else given_whole(request, completion)

    async def _whole(self, request: ChatRequest, fields: dict[str, Any]) -> Completion:
        answer = await self._litellm.acompletion(**fields)
        choice = next(iter(getattr(answer, "choices", None) or ()), None)
        found = parted(getattr(getattr(choice, "message", None), "content", None))
        if choice is None or found is None:
            raise self._boundary.malformed("no message text in it")
        text, thought = found
        thought = thought_in(choice.message) + thought
        got = Answer(text, thought, "", choice.finish_reason, getattr(answer, "usage", None))
        return got.completion(request, self._boundary)

    async def _streamed(self, request: ChatRequest, fields: dict[str, Any], on_text: OnText) -> Completion:
        got = Answer()
        stream = await self._litellm.acompletion(**fields, stream=True)
        async for chunk in stream:
            got.usage = getattr(chunk, "usage", None) or got.usage
            for choice in getattr(chunk, "choices", None) or ():
                delta = getattr(choice, "delta", None)
                found = parted(getattr(delta, "content", None))
                if found is None:
                    raise self._boundary.malformed("a piece of text that is no text")
                piece, pondered = found
                got.thought += thought_in(delta) + pondered
                got.finish = getattr(choice, "finish_reason", None) or got.finish
                if piece:
                    got.text += piece
                    on_text(got.text)
        if got.finish is None:
            raise self._boundary.cut("the stream ended before the answer did")
        return got.completion(request, self._boundary)

    async def close(self) -> None:
        """litellm keeps its connections for all models of the process; they end with it."""


def _imported() -> Any:
    """litellm, with everything off that calls anybody but the provider, or says anything to the terminal."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else importing it fetches a table from the network
    try:
        import litellm
    except ImportError:
        raise BadInput("litellm is not installed: pip install 'cornerman[litellm]'") from None
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.turn_off_message_logging = True
    litellm.num_retries = 0
    for logger in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(logger).setLevel(logging.CRITICAL)
    return litellm


def _address(provider: str) -> str:
    """Where litellm asks when it is not told: what the provider's variables say, or nothing for the usual place."""
    prefix = VARIABLES.get(provider, provider.upper())
    urls = (os.environ.get(f"{prefix}_{ending}", "").strip() for ending in ("BASE_URL", "API_BASE"))
    return address_of([url for url in urls if url][:1])


@dataclass(frozen=True, slots=True)
class LiteLLMBoundary(Boundary):
    """litellm makes OpenAI's exceptions of all others, with a status of its own where the provider gave none."""

    def translate(self, error: Exception) -> ModelError:
        if isinstance(error, ModelError):
            return error
        if isinstance(error, TimeoutError | self.faults.timeout):
            return Boundary.translate(self, error)
        # The first line says it: where litellm itself fell over, a traceback follows.
        said = next(iter(str(error).splitlines()), "") or type(error).__name__
        said = HANDLE_WITH.sub("", EXCEPTION_NAMES.sub("", said))
        if type(error).__name__ == "ContentPolicyViolationError":
            return Refused(f"{self.who}: the provider blocked the request ({self.redact(said)})")
        status = getattr(error, "status_code", None)
        if not isinstance(status, int):
            what = f"litellm could not make the call ({type(error).__name__}: {self.redact(said)})"
            return Unavailable(f"{self.who}: {what}", retryable=False, may_be_billed=True)
        headers = getattr(error, "litellm_response_headers", None)
        if status == 500 and (headers is None or isinstance(error, self.faults.connection)):
            return Unavailable(f"{self.who}: no answer that could be read ({self.redact(said)})", may_be_billed=True)
        body = getattr(error, "body", None)
        detail = body if isinstance(body, Mapping) else _body(said)
        return self._fault(status, detail, retry_after(headers or {}, time.time()))


def _body(said: str) -> Mapping[str, object]:
    """What the provider's body says, which some providers' adapters put into the message as it came."""
    _before, brace, after = said.partition("{")
    try:
        body = json.loads(brace + after)
    except ValueError:
        return {"message": said}
    error = body.get("error", body) if isinstance(body, dict) else None
    return error if isinstance(error, Mapping) else {"message": said}


def _faults() -> Faults:
    """litellm raises errors of its own, of OpenAI's SDK, and whatever happened to it."""
    import openai

    return Faults(openai.APIStatusError, openai.APITimeoutError, openai.APIConnectionError, Exception)


def _secrets(api_key: str | None) -> tuple[str, ...]:
    """The key, and every value of the environment that is one by its name: litellm may have used any of them."""
    named = [value for name, value in os.environ.items() if name.upper().endswith(SECRET_ENDS)]
    return tuple(value for value in (api_key, *named) if value and len(value) >= SHORTEST_SECRET)
