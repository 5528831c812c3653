"""Models that are asked over a network: what each kind of them needs, and the adapter that speaks its protocol.

Knows nothing about prices, budgets, limits or retries: ``models/registry.py`` puts those around what is opened here.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from models.anthropic import AnthropicModel
from models.boundary import public_url
from models.capabilities import (
    API,
    CLAUDE_VERSION,
    COMPATIBLE,
    EFFORTS,
    LOCAL_SERVER,
    VLLM,
    Capabilities,
    Effort,
    anthropic_capabilities,
    known_capabilities,
    openai_capabilities,
)
from models.chat import ChatModel
from models.endpoint import Endpoint, address_of, base_of, canonical_extra
from models.errors import BadInput
from models.ledger import Ledger
from models.notes import Notes
from models.openai import OpenAIModel, only_model, url_secrets
from models.prices import EFFORT_SUFFIX, Price
from models.responses import LEAST_TOKENS, ResponsesModel
from models.traffic import Traffic

URLS = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "ollama": "http://127.0.0.1:11434/v1",
    "llamacpp": "http://127.0.0.1:8080/v1",
    "openrouter": "https://openrouter.ai/api/v1",
}
KEY_VARIABLES = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "vllm": "VLLM_API_KEY",
    "ollama": "OLLAMA_API_KEY",
    "llamacpp": "LLAMACPP_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
}
KEYLESS = frozenset({"vllm", "ollama", "llamacpp"})
"""Kinds whose servers need no key by themselves."""

NO_KEY = "no-key"
"""What is sent to a server that asks for no key: the SDKs insist on something."""


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """How to open a model; everything has a default.

    ``timeout_s`` bounds one attempt and ``max_retries`` the attempts after the first. ``base_url`` is another server
    for a hosted kind. ``api_key_env`` names the environment variable that holds the key; the key itself is never
    configured. ``api`` chooses one of OpenAI's protocols and ``effort`` how much a reasoning model thinks.
    ``requests_per_minute`` and ``tokens_per_minute`` are the account's, and ``concurrency`` bounds the calls that the
    server gets at once. All models of a night share one ``ledger``, one ``traffic`` and one ``notes``. ``prices`` adds
    to the shipped table, and ``price`` is what this very model costs, whatever they say. ``extra`` holds further fields
    of every request. ``device`` is where a model in this process computes: ``cpu``, ``cuda``, ``cuda:N``, or ``auto``,
    which is what it does if nothing is said.
    """

    timeout_s: float = 60.0
    max_retries: int = 4
    base_url: str | None = None
    api_key_env: str | None = None
    api: API | None = None
    effort: Effort | None = None
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    concurrency: int | None = None
    ledger: Ledger = field(default_factory=Ledger)
    traffic: Traffic = field(default_factory=Traffic)
    notes: Notes = field(default_factory=Notes)
    prices: Mapping[str, Price] = field(default_factory=dict)
    price: Price | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    device: str | None = None

    def only_for_services(self, spec: str) -> None:
        """Raise ``BadInput`` if something is set that only a model behind a network can heed."""
        for key in ("api", "effort", "requests_per_minute", "tokens_per_minute", "concurrency", "price", "extra"):
            if getattr(self, key) not in (None, {}):
                raise BadInput(f"{spec} takes no {key}: that is for models behind a network; leave it out")

    def only_in_process(self, spec: str) -> None:
        """Raise ``BadInput`` if a device is named for a model that this process does not compute."""
        if self.device is not None:
            raise BadInput(f"{spec} takes no device: that is for the rookie and local:PATH, which compute here")

    def with_effort_of(self, spec: str) -> "ModelOptions":
        """These options with the effort that ``spec`` ends with, if it does."""
        found = EFFORT_SUFFIX.search(spec)
        return replace(self, effort=cast(Effort, found[1])) if found else self

    def key(self, kind: str) -> str:
        """The key from the environment. A server of one's own may need none: then only a named variable must be set."""
        variable = self.api_key_env or KEY_VARIABLES[kind]
        key = os.environ.get(variable, "").strip()
        if key:
            return key
        if self.api_key_env is None and (kind in KEYLESS or self.base_url):
            return NO_KEY
        raise BadInput(f"{kind}: the environment variable {variable} is not set; put the key there (not in a file)")

    def named(self, name: str, efforts: tuple[Effort, ...]) -> str:
        """What is recorded: ``name``, and the effort if one is set; raises ``BadInput`` for one that is not taken."""
        if self.effort is None:
            return name
        if self.effort not in efforts:
            takes = f"one of {', '.join(efforts)}" if efforts else "none: it does not reason"
            raise BadInput(f"{name} does not take the effort {self.effort!r}; it takes {takes}")
        return f"{name}+{self.effort}"

    def endpoint(self, kind: str, model: str, urls: Sequence[str] = (), api: str = "") -> Endpoint:
        """The endpoint of ``model`` with these options; raises ``BadInput`` for extra fields that cannot be."""
        extra = canonical_extra(self.extra, f"{kind}:{model}")
        return Endpoint(kind, model, address_of(urls), api, self.effort, extra)

    def chat_only(self, kind: str) -> None:
        """Raise ``BadInput`` for a choice of protocol where there is none."""
        if self.api is not None:
            raise BadInput(f"{kind}: takes no api: only openai: has two protocols to choose from")


@dataclass(frozen=True, slots=True)
class Opened:
    """Models (several: replicas) with the server of each, and what opens the account there.

    ``least_out`` is the smallest limit of an answer, in tokens, that the API takes; ``marks`` whether requests mark
    what the provider is to cache, which it may charge for.
    """

    name: str
    models: tuple[tuple[str, ChatModel], ...]
    account: str = field(repr=False)
    least_out: int = 0
    marks: bool = False


def _openai(model: str, options: ModelOptions) -> Opened:
    if options.base_url:  # elsewhere the older API is what there is, unless somebody says otherwise
        capabilities = known_capabilities(model) or COMPATIBLE
        return _speaking_openai("openai", model, options, capabilities, options.api or "chat")
    capabilities = openai_capabilities(model)
    return _speaking_openai("openai", model, options, capabilities, options.api or capabilities.api)


def _ollama(model: str, options: ModelOptions) -> Opened:
    options.chat_only("ollama")
    return _speaking_openai("ollama", model, options, LOCAL_SERVER)


def _llamacpp(model: str, options: ModelOptions) -> Opened:
    options.chat_only("llamacpp")
    return _speaking_openai("llamacpp", model, options, LOCAL_SERVER)


def _openrouter(model: str, options: ModelOptions) -> Opened:
    options.chat_only("openrouter")
    # Of others OpenRouter's providers cache what comes again by themselves.
    return _speaking_openai("openrouter", model, options, replace(COMPATIBLE, marks=model.startswith("anthropic/")))


def _speaking_openai(
    kind: str,
    model: str,
    options: ModelOptions,
    capabilities: Capabilities,
    api: API | Literal[""] = "",
) -> Opened:
    """The model by one of OpenAI's protocols; ``api`` says which where there is a choice."""
    url, key = base_of(options.base_url or URLS[kind]), options.key(kind)
    name = options.named(f"{kind}:{model}", capabilities.efforts)
    opened = (ResponsesModel if api == "responses" else OpenAIModel)(
        options.endpoint(kind, model, [url], api),
        name=name,
        api_key=key,
        capabilities=capabilities,
        base_url=url,
        timeout_s=options.timeout_s,
        notes=options.notes,
    )
    return Opened(name, ((url, opened),), key, LEAST_TOKENS if api == "responses" else 0, capabilities.marks)


def _vllm(rest: str, options: ModelOptions) -> Opened:
    options.chat_only("vllm")
    listed, _, model = rest.partition("#")
    urls = sorted({base_of(url.strip()) for url in listed.split(",")})
    bases = [url if urlsplit(url).path.endswith("/v1") else f"{url}/v1" for url in urls]
    key = options.key("vllm")
    model = model or _served_by_all(bases, key)
    # The first in order stands for all of them: the name stays when a replica is added, or goes.
    name = options.named(f"vllm:{public_url(urls[0])}{',...' if len(urls) > 1 else ''}#{model}", VLLM.efforts)
    models = [
        OpenAIModel(
            options.endpoint("vllm", model, [base]),
            name=name if len(urls) == 1 else f"vllm:{public_url(url)}#{model}",
            api_key=key,
            capabilities=VLLM,
            base_url=base,
            timeout_s=options.timeout_s,
            notes=options.notes,
        )
        for url, base in zip(urls, bases, strict=True)
    ]
    return Opened(name, tuple(zip(bases, models, strict=True)), key)


def _served_by_all(bases: list[str], key: str) -> str:
    """The only model of the first replica that answers; raises ``BadInput`` if none does."""
    problem = BadInput("")
    for base in bases:
        try:
            return only_model(base, key)
        except BadInput as refused:
            problem = refused
    raise problem


def _anthropic(model: str, options: ModelOptions) -> Opened:
    options.chat_only("anthropic")
    key = options.key("anthropic")
    url = base_of(options.base_url or URLS["anthropic"]).removesuffix("/v1")  # which the SDK adds
    unknown = bool(options.base_url) and CLAUDE_VERSION.search(model) is None
    capabilities = COMPATIBLE if unknown else anthropic_capabilities(model)
    name = options.named(f"anthropic:{model}", capabilities.efforts)

    def make() -> object:
        import anthropic

        # Retries are ours (models/retry.py), so that every attempt passes the ledger.
        return anthropic.AsyncAnthropic(api_key=key, base_url=url, timeout=options.timeout_s, max_retries=0)

    claude = AnthropicModel(
        options.endpoint("anthropic", model, [url]),
        name=name,
        make=make,
        capabilities=capabilities,
        secrets=(*url_secrets(url), key),
        timeout_s=options.timeout_s,
        notes=options.notes,
    )
    return Opened(name, ((url, claude),), key, marks=True)


def _cloud(kind: str) -> "Callable[[str, ModelOptions], Opened]":
    def opened(model: str, options: ModelOptions) -> Opened:
        from models import clouds

        options.chat_only(kind)
        name = options.named(f"{kind}:{model}", anthropic_capabilities(model).efforts)
        found = (clouds.bedrock if kind == "bedrock" else clouds.vertex)(
            options.endpoint(kind, model),
            name,
            base_url=base_of(options.base_url) if options.base_url else None,
            api_key_env=options.api_key_env,
            timeout_s=options.timeout_s,
            notes=options.notes,
        )
        return Opened(name, ((found.server, found.model),), found.account, marks=True)

    return opened


def _litellm(model: str, options: ModelOptions) -> Opened:
    from models.litellm import LiteLLMModel

    options.chat_only("litellm")
    key = os.environ.get(options.api_key_env, "").strip() if options.api_key_env else None
    if options.api_key_env and not key:
        raise BadInput(f"litellm: the environment variable {options.api_key_env} is not set; put the key there")
    url = base_of(options.base_url) if options.base_url else None
    if url and model.startswith("anthropic/"):
        url = url.removesuffix("/v1")  # which litellm adds
    if url and not key:  # a server of one's own, which may need none
        key = os.environ.get(f"{model.partition('/')[0].upper()}_API_KEY", "").strip() or NO_KEY
    name = options.named(f"litellm:{model}", EFFORTS)
    endpoint = options.endpoint("litellm", model, [url] if url else [])
    opened = LiteLLMModel(
        endpoint, name=name, api_key=key, base_url=url, timeout_s=options.timeout_s, notes=options.notes
    )
    place = url or f"litellm {model.partition('/')[0]}"
    return Opened(name, ((place, opened),), key or "", marks=opened.marks)


SERVED: Mapping[str, Callable[[str, ModelOptions], Opened]] = {
    "openai": _openai,
    "anthropic": _anthropic,
    "bedrock": _cloud("bedrock"),
    "vertex": _cloud("vertex"),
    "vllm": _vllm,
    "ollama": _ollama,
    "llamacpp": _llamacpp,
    "openrouter": _openrouter,
    "litellm": _litellm,
}
"""What opens each kind, from the name after the colon."""
