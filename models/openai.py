"""OpenAI's chat API through its SDK: OpenAI itself, vLLM, and any server that speaks the same protocol.

Knows nothing about prices, budgets or retries: those wrap it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from models.boundary import Boundary, ClientPerLoop, Faults, public_url
from models.capabilities import Capabilities
from models.chat import Completion, FinishReason, Message, Usage
from models.errors import BadInput

FINISH: dict[str, FinishReason] = {"length": "length", "content_filter": "refusal"}


class OpenAIModel:
    """One model behind OpenAI's chat completions.

    ``name`` is what is recorded, ``model`` what the server calls it. With ``choices`` a server that declares the
    capability is held to one of them by constrained decoding; from another the caller reads the text.
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
        import openai

        self.name = name
        self._model = model
        self._capabilities = capabilities
        # Retries are ours (models/retry.py), so that every attempt passes the ledger.
        self._clients = ClientPerLoop(
            lambda: openai.AsyncOpenAI(api_key=api_key, base_url=base_url, timeout=timeout_s, max_retries=0)
        )
        self._boundary = Boundary(name, timeout_s, openai_faults(), (*url_secrets(base_url), api_key))

    def __repr__(self) -> str:
        return f"OpenAIModel({self.name!r})"

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        choices: Sequence[str] | None = None,
        max_tokens: int = 256,
        temperature: float = 0.0,
        seed: int | None = None,
    ) -> Completion:
        request: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            self._capabilities.token_field: max_tokens,
        }
        if self._capabilities.samples:
            request["temperature"] = temperature
            if seed is not None:
                request["seed"] = seed & 0x7FFF_FFFF_FFFF_FFFF  # the API's field is a signed 64-bit integer
        if choices is not None:
            request |= self._capabilities.quick
            if self._capabilities.choices:
                # vLLM ignores its older ``guided_choice`` without a word; this field it obeys.
                request["extra_body"] = {"structured_outputs": {"choice": list(choices)}}
        answer, latency = await self._boundary.call(self._clients.get().chat.completions.create(**request))
        completion = self._read(answer, latency)
        if choices is not None and self._capabilities.choices:
            return replace(completion, text=nearest_choice(completion.text, choices))
        return completion

    def _read(self, answer: Any, latency: float) -> Completion:
        """The completion in ``answer``. The SDK does not validate what it parsed, so everything is checked here."""
        if not getattr(answer, "choices", None):
            raise self._boundary.malformed("no choices in it")
        choice = answer.choices[0]
        message = getattr(choice, "message", None)
        content, refusal = getattr(message, "content", None), getattr(message, "refusal", None)
        if message is None or not isinstance(content, str | None):
            raise self._boundary.malformed("no message text in it")
        usage = getattr(answer, "usage", None)
        tokens_in, tokens_out = getattr(usage, "prompt_tokens", None), getattr(usage, "completion_tokens", None)
        if not (isinstance(tokens_in, int) and isinstance(tokens_out, int)):
            raise self._boundary.malformed("no token counts in it, so its cost cannot be booked")
        finish: FinishReason = "refusal" if refusal else FINISH.get(str(choice.finish_reason), "stop")
        return Completion(content or refusal or "", Usage(tokens_in, tokens_out), latency, finish)

    async def close(self) -> None:
        await self._clients.close()


def nearest_choice(text: str, choices: Sequence[str]) -> str:
    """The choice that ``text`` is but for its spaces, or ``text`` itself.

    A constrained server lets a model spell a choice with any of its tokens, and some tokenizers are decoded with a
    space between tokens: "throw" may come back as " t h r o w".
    """
    if text.strip() in choices:
        return text.strip()
    same = [choice for choice in choices if "".join(choice.split()) == "".join(text.split())]
    return same[0] if len(same) == 1 else text


def openai_faults() -> Faults:
    import openai

    return Faults(openai.APIStatusError, openai.APITimeoutError, openai.APIConnectionError, openai.OpenAIError)


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
