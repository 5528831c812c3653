"""What a chat model is: everything about it that shapes its answers, as one value that identifies it.

What it costs, how much of it the account allows, which variable holds its key, in which folder it lies, how long it is
waited for: none of that shapes an answer, so none of it is here. Knows nothing about how a model is opened.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from models.boundary import KEY_LIKE, public_url, without_keys
from models.capabilities import Effort
from models.errors import BadInput
from models.ids import content_id

DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model as it answers. Two models with equal endpoints answer alike; with any field different they may not.

    ``kind`` is as in ``registry.KINDS``, or ``student``. ``name`` is what the server calls the model; one in a folder
    has none, for its place does not matter. ``address`` is the server's (``address_of``), and empty in this process.
    ``api`` is ``chat`` or ``responses`` where there is a choice. ``extra`` holds the further fields of every request
    (``canonical_extra``). Of a model in this process ``device`` says where it computes (``cpu``, ``cuda:0``),
    ``precision`` in which numbers (``float64``, ``bfloat16``), and ``weights`` is a digest of its folder, or of the
    file of a script.
    """

    kind: str
    name: str = ""
    address: str = ""
    api: str = ""
    effort: Effort | None = None
    extra: str = ""
    device: str = ""
    precision: str = ""
    weights: str = ""

    @property
    def id(self) -> str:
        """A hash of what is known, 20 hexadecimal digits; a field that is empty leaves it as it is."""
        return content_id("endpoint", [part for fact in self.facts().items() for part in fact])

    def facts(self) -> dict[str, str]:
        """The fields that say something, by their names and in their order."""
        said = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in said.items() if value}

    def extra_fields(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The further fields for a request that has those of ``request``, which win wherever both say something."""
        extra: dict[str, Any] = json.loads(self.extra) if self.extra else {}
        return extra | {name: {**extra[name], **request[name]} for name in MERGED & extra.keys() & request.keys()}


def address_of(urls: Iterable[str]) -> str:
    """Where a model is served: public URLs in one spelling, in order and joined by commas."""
    return ",".join(sorted({_normal(url) for url in urls}))


def canonical_extra(extra: Mapping[str, Any], spec: str) -> str:
    """``extra`` as JSON, the same for equal ones; raises ``BadInput`` for a field that is ours, a key, or no JSON."""
    for name, value in extra.items():
        inner = value.keys() if isinstance(value, Mapping) else ()
        for ours in (name, *(f"{name}.{key}" for key in inner)):
            if ours in SET_ELSEWHERE:
                raise BadInput(f"{spec}: extra must not set {ours!r}: {SET_ELSEWHERE[ours]}")
        if name in MERGED and not isinstance(value, Mapping):
            raise BadInput(f"{spec}: extra.{name} must be a table: its other fields are ours")
    try:
        text = json.dumps(extra, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        what = "texts, finite numbers, booleans, lists and tables"
        raise BadInput(f"{spec}: extra must hold {what}: it is sent as JSON") from None
    if any(KEY_LIKE.search(said) for said in _texts(extra)):
        raise BadInput(f"{spec}: extra holds what looks like a key, and it is recorded; keys come from the environment")
    return text if extra else ""


MERGED = frozenset({"reasoning", "thinking", "output_config"})
"""Fields of a request that are tables of which some entries are ours and others may be the user's."""

_PROMPT = "what is asked comes from the game and the prompt"
_EFFORT = "set effort"
_MOVES = "a decision's legal moves or plans are what it is held to; free = true asks for free text"
_WRITING = "how an answer is read is the program's business"

HOLDING = (
    *("response_format", "structured_outputs", "grammar", "json_schema", "format"),
    *("guided_choice", "guided_regex", "guided_grammar", "guided_json"),
)
"""Fields by which servers are held to certain answers."""

SET_ELSEWHERE: Mapping[str, str] = {
    "model": "the model is named by model",
    **dict.fromkeys(("messages", "input", "system", "instructions", "prompt"), _PROMPT),
    **dict.fromkeys(("max_tokens", "max_completion_tokens", "max_output_tokens"), "set max_tokens"),
    "temperature": "set temperature",
    "seed": "seeds derive from night.seed, or from --seed",
    "reasoning_effort": _EFFORT,
    "reasoning.effort": _EFFORT,
    "thinking.type": _EFFORT,
    "thinking.budget_tokens": _EFFORT,
    "output_config.effort": _EFFORT,
    **dict.fromkeys(HOLDING, _MOVES),
    **dict.fromkeys(("stream", "stream_options", "background"), _WRITING),
    **dict.fromkeys(("n", "best_of"), "one answer is asked at a time, and its worst case set aside"),
    "store": "nothing is kept at the provider",
}
"""Fields of requests that are ours, and where they are set instead."""


def _texts(value: object) -> Iterator[str]:
    """Every text in a value of JSON, names of fields apart."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for inner in value.values() for text in _texts(inner))
    elif isinstance(value, list | tuple):
        yield from (text for inner in value for text in _texts(inner))


def _normal(url: str) -> str:
    """``url`` in one spelling: no credentials, no slash at its end, lower case before the path, no usual port."""
    parts = urlsplit(public_url(url))
    host = parts.netloc.lower()
    port = DEFAULT_PORTS.get(parts.scheme)
    return urlunsplit(parts._replace(netloc=re.sub(rf":{port}$", "", host)))


PATHS = re.compile(r"/+(?:chat/completions|completions|responses|messages|models)?/*$")
"""What stands behind the address of an API where somebody has copied that of one of its calls."""


def base_of(url: str) -> str:
    """The address that ``url`` is of, or of a call to it; raises ``BadInput`` for what is none."""
    return PATHS.sub("", checked_url(url))


def checked_url(url: str) -> str:
    """``url`` if it is a server's address and nothing more: the rest would be recorded with the model's name."""
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number, a bracket that is not closed
        whole = False
    if not whole:
        raise BadInput(f"{without_keys(url)!r} is not a URL of a server; write one like http://127.0.0.1:8000")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise BadInput(
            f"the URL of {public_url(url)} holds a user, a password or a query; "
            "a key belongs in the environment variable that api_key_env names"
        )
    return url
