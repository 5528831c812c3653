"""Opening a model by its name: the one place that knows every kind of model.

rookie                the small model that ships with the program
local:PATH_OR_NAME    a Hugging Face model, run in this process
openai:NAME           OpenAI, or a server that speaks its protocol (``base_url``)
anthropic:NAME        Anthropic, or a server that speaks its protocol (``base_url``)
vllm:URL[#NAME]       a vLLM server; without #NAME its only model
scripted:FILE         the shipped fake, with its answers in a file
manual:DIR            a person, by way of files
"""

import difflib
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from models.anthropic import AnthropicModel
from models.boundary import public_url
from models.capabilities import COMPATIBLE, VLLM, anthropic_capabilities, openai_capabilities
from models.chat import ChatModel
from models.errors import BadInput
from models.ledger import Ledger, Metered
from models.manual import ManualModel
from models.openai import OpenAIModel, only_model
from models.prices import FREE, Price, find_price
from models.retry import Retrying
from models.scripted import ScriptedModel

KINDS = {
    "rookie": "rookie",
    "local": "local:PATH_OR_NAME",
    "openai": "openai:NAME",
    "anthropic": "anthropic:NAME",
    "vllm": "vllm:URL[#NAME]",
    "scripted": "scripted:FILE",
    "manual": "manual:DIR",
}

OPENAI_URL = "https://api.openai.com/v1"
ANTHROPIC_URL = "https://api.anthropic.com"
KEY_VARIABLES = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY", "vllm": "VLLM_API_KEY"}
NO_KEY = "no-key"
"""What is sent to a server that asks for no key: the SDKs insist on something."""


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """How to open a model; everything has a default.

    ``timeout_s`` bounds one attempt and ``max_retries`` the attempts after the first. ``base_url`` is another server
    for ``openai:`` or ``anthropic:``. ``api_key_env`` names the environment variable that holds the key; the key itself
    is never configured. All models of a night share one ``ledger``. ``prices`` adds to the shipped table.
    """

    timeout_s: float = 60.0
    max_retries: int = 4
    base_url: str | None = None
    api_key_env: str | None = None
    ledger: Ledger = field(default_factory=Ledger)
    prices: Mapping[str, Price] = field(default_factory=dict)


def open_model(spec: str, options: ModelOptions | None = None) -> ChatModel:
    """The model that ``spec`` names, metered and retried where it is a service; raises ``BadInput``.

    Opening calls no provider, but for ``vllm:URL`` without a name, which asks the server what it serves.
    """
    options = options or ModelOptions()
    kind, _, rest = spec.partition(":")
    if spec == "rookie":
        return _local("rookie", "rookie")
    if kind not in KINDS or kind == "rookie" or not rest:
        raise BadInput(_unknown(spec, kind))
    if kind == "local":
        return _local(rest, spec)
    if kind == "scripted":
        return ScriptedModel.from_file(Path(rest))
    if kind == "manual":
        return ManualModel(Path(rest))
    served = {"openai": _openai, "anthropic": _anthropic, "vllm": _vllm}[kind](rest, options)
    return _wrapped(served, kind, options)


def _wrapped(model: ChatModel, kind: str, options: ModelOptions) -> ChatModel:
    """``model`` with every single attempt on the ledger, retried ones too: a provider may bill each of them."""
    price = FREE if kind == "vllm" else find_price(model.name, options.prices)
    if price is None and options.ledger.limit_usd is not None:
        raise BadInput(
            f"the price of {model.name} is not known, so the limit of ${options.ledger.limit_usd:g} could not be kept; "
            f'declare US dollars per million tokens, in and out: [prices] "{model.name}" = [1.0, 4.0]'
        )
    seed = int.from_bytes(hashlib.blake2b(model.name.encode(), digest_size=8).digest())
    metered = Metered(model, options.ledger, price)
    return Retrying(metered, max_retries=options.max_retries, seed=seed)


def _local(model: str, name: str) -> ChatModel:
    from models.hub import model_folder
    from models.local import LocalModel

    return LocalModel(model_folder(model), name=name)


def _openai(model: str, options: ModelOptions) -> ChatModel:
    base_url = _checked_url(options.base_url or OPENAI_URL)
    return OpenAIModel(
        model,
        name=f"openai:{model}",
        api_key=_key("openai", options),
        capabilities=COMPATIBLE if options.base_url else openai_capabilities(model),
        base_url=base_url,
        timeout_s=options.timeout_s,
    )


def _anthropic(model: str, options: ModelOptions) -> ChatModel:
    return AnthropicModel(
        model,
        name=f"anthropic:{model}",
        api_key=_key("anthropic", options),
        capabilities=COMPATIBLE if options.base_url else anthropic_capabilities(model),
        base_url=_checked_url(options.base_url or ANTHROPIC_URL),
        timeout_s=options.timeout_s,
    )


def _vllm(rest: str, options: ModelOptions) -> ChatModel:
    url, _, model = rest.partition("#")
    url = _checked_url(url)
    base_url = url if urlsplit(url).path.rstrip("/").endswith("/v1") else url.rstrip("/") + "/v1"
    key = _key("vllm", options)
    model = model or only_model(base_url, key)
    return OpenAIModel(
        model,
        name=f"vllm:{public_url(url)}#{model}",
        api_key=key,
        capabilities=VLLM,
        base_url=base_url,
        timeout_s=options.timeout_s,
    )


def _key(kind: str, options: ModelOptions) -> str:
    """The key from the environment. A server of one's own may need none: then only a named variable must be set."""
    variable = options.api_key_env or KEY_VARIABLES[kind]
    key = os.environ.get(variable, "").strip()
    if key:
        return key
    if options.api_key_env is None and (kind == "vllm" or options.base_url):
        return NO_KEY
    raise BadInput(f"{kind}: the environment variable {variable} is not set; put the key there (not in a file)")


def _checked_url(url: str) -> str:
    """``url`` if it is a server's address and nothing more: the rest would be recorded with the model's name."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInput(f"{public_url(url)!r} is not a URL of a server; write one like http://127.0.0.1:8000")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise BadInput(
            f"the URL of {public_url(url)} holds a user, a password or a query; "
            "a key belongs in the environment variable that api_key_env names"
        )
    return url


def _unknown(spec: str, kind: str) -> str:
    known = f"the kinds are {', '.join(KINDS.values())}"
    if kind in KINDS:
        return f"the model {spec!r} is not written as {KINDS[kind]}; {known}"
    near = difflib.get_close_matches(kind.lower(), KINDS, n=1, cutoff=0.6)
    return f"unknown model {spec!r}{f': did you mean {KINDS[near[0]]}?' if near else ';'} {known}"
