"""Opening a model by its name: the one place that knows every kind of model.

rookie                the small model that ships with the program
smollm2               SmolLM2-135M-Instruct, which `make smollm2` fetches
local:PATH_OR_NAME    a Hugging Face model or a GGUF file, run in this process
openai:NAME           OpenAI, or a server that speaks its protocol (``base_url``)
anthropic:NAME        Anthropic, or a server that speaks its protocol (``base_url``)
bedrock:NAME          Claude on Amazon Bedrock
vertex:NAME           Claude on Google's Vertex AI
vllm:URL[,URL][#NAME] a vLLM server, or several that serve the same; without #NAME their only model
vllm-batch:DIR        a folder, run by vLLM in a process of its own, many requests at a time
ollama:NAME           Ollama on this machine (or ``base_url``)
llamacpp:NAME         llama.cpp's server on this machine (or ``base_url``)
openrouter:NAME       OpenRouter
litellm:NAME          whatever litellm knows, by its name there
scripted:FILE         the shipped fake, with its answers in a file
manual:DIR            a person, by way of files

``+low`` and the like after the name is a reasoning model's effort.
"""

import difflib
import json
from pathlib import Path

from models.chat import ChatModel
from models.concurrency import Throttled
from models.errors import BadInput
from models.hints import Hinting
from models.ids import hash64
from models.ledger import Metered
from models.limits import Limited
from models.manual import ManualModel
from models.prices import EFFORT_SUFFIX, FREE, Price, find_price
from models.replicas import Replicas
from models.retry import Retrying
from models.scripted import ScriptedModel
from models.served import KEY_VARIABLES, SERVED, ModelOptions, Opened
from models.thoughts import ThoughtsApart

__all__ = ["KEY_VARIABLES", "KINDS", "ModelOptions", "open_model"]

KINDS = {
    "rookie": "rookie",
    "smollm2": "smollm2",
    "local": "local:PATH_OR_NAME",
    "openai": "openai:NAME",
    "anthropic": "anthropic:NAME",
    "bedrock": "bedrock:NAME",
    "vertex": "vertex:NAME",
    "vllm": "vllm:URL[,URL...][#NAME]",
    "vllm-batch": "vllm-batch:DIR",
    "ollama": "ollama:NAME",
    "llamacpp": "llamacpp:NAME",
    "openrouter": "openrouter:NAME",
    "litellm": "litellm:NAME",
    "scripted": "scripted:FILE",
    "manual": "manual:DIR",
}

FREE_KINDS = frozenset({"vllm", "vllm-batch", "ollama", "llamacpp"})
"""Kinds that run on the user's own machines."""


NAMED_WHOLE = frozenset({"rookie", "smollm2"})
"""Kinds of one model, which is named by the kind alone."""

COMPUTED_HERE = NAMED_WHOLE | {"local"}
"""Kinds that this process computes, on a device of its choice."""


def open_model(spec: str, options: ModelOptions | None = None) -> ChatModel:
    """The model that ``spec`` names, metered and retried where it is a service; raises ``BadInput``.

    Opening calls no provider, but for ``vllm:URL`` without a name, which asks the server what it serves.
    """
    options = options or ModelOptions()
    kind, _, rest = spec.partition(":")
    if kind not in KINDS or (spec != kind if kind in NAMED_WHOLE else not rest):
        raise BadInput(_unknown(spec, kind))
    if kind not in SERVED:
        options.only_for_services(spec)
        return _here(kind, rest, spec, options)
    options.only_in_process(spec)
    options = options.with_effort_of(spec)
    opened = SERVED[kind](EFFORT_SUFFIX.sub("", rest), options)
    return _wrapped(opened, kind, options)


def _here(kind: str, rest: str, spec: str, options: ModelOptions) -> ChatModel:
    """A model that needs no service."""
    if kind not in COMPUTED_HERE:
        options.only_in_process(spec)
    if kind == "scripted":
        return ScriptedModel.from_file(Path(rest))
    if kind == "manual":
        return ManualModel(Path(rest))
    if kind == "vllm-batch":
        from models.vllm_batch import VLLMBatchModel

        batch = VLLMBatchModel(Path(rest), name=spec, notes=options.notes)
        metered = Metered(Hinting(ThoughtsApart(batch), options.notes, spec), options.ledger, FREE)
        return Retrying(metered, max_retries=options.max_retries, seed=hash64(spec), notes=options.notes)
    from models.hub import model_folder
    from models.local import LocalModel, tell_place

    folder = model_folder(rest or spec, lambda text: options.notes.tell(spec, "folder", text))
    model = LocalModel(folder, name=spec, kind=kind, device="auto" if options.device is None else options.device)
    tell_place(model, options.notes)
    return Hinting(model, options.notes, spec, served=False)


def price_of(name: str, options: ModelOptions) -> Price | None:
    """What the model recorded as ``name`` costs, opened with ``options``; ``None`` if it is not known."""
    kind = name.partition(":")[0]
    return options.price or (find_price(name, options.prices) if kind in SERVED.keys() - FREE_KINDS else FREE)


def _wrapped(opened: Opened, kind: str, options: ModelOptions) -> ChatModel:
    """What was opened, with every attempt on the ledger, retried ones too: a provider may bill each of them.

    From the inside out: thoughts are told apart from the text, what can be mended is told of, each call is metered,
    waits for a place at its server, goes to the least busy replica, waits for the account's limits, and is made again
    after a fault.
    """
    name = opened.name
    price = price_of(name, options)
    if price is None and options.ledger.limit_usd is not None:
        raise BadInput(
            f"the price of {name} is not known, so the limit of ${options.ledger.limit_usd:g} could not be kept; "
            "declare it in US dollars per million tokens, in and out: `price = [1.0, 4.0]` in the model's section, or "
            f"`{json.dumps(name)} = [1.0, 4.0]` in the section `[prices]`; [0.0, 0.0] is a server that costs nothing"
        )
    if price is not None and opened.marks:
        price = price.marking()
    throttled = []
    for server, model in opened.models:
        window = options.traffic.window(server)
        if options.concurrency is not None:
            window.limit(options.concurrency)
        heard = Hinting(ThoughtsApart(model), options.notes, name)
        metered = Metered(heard, options.ledger, price, opened.least_out, name, notes=options.notes)
        throttled.append(Throttled(metered, window))
    model = throttled[0] if len(throttled) == 1 else Replicas(throttled, name)
    limit = options.traffic.rate_limit(opened.models[0][0], opened.account)
    limit.declare(options.requests_per_minute, options.tokens_per_minute)
    limited = Limited(model, limit)
    return Retrying(limited, max_retries=options.max_retries, seed=hash64(name), notes=options.notes)


def _unknown(spec: str, kind: str) -> str:
    known = f"the kinds are {', '.join(KINDS.values())}"
    if kind in KINDS:
        return f"the model {spec!r} is not written as {KINDS[kind]}; {known}"
    near = difflib.get_close_matches(kind.lower(), KINDS, n=1, cutoff=0.6)
    return f"unknown model {spec!r}{f': did you mean {KINDS[near[0]]}?' if near else ';'} {known}"
