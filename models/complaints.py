"""What a server says against the way in which it was asked, in the words of many servers.

Pure functions over what an error says (``statements``). They find which field of a request is not wanted, and know
nothing about what is done then.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache

MOST_STATEMENTS = 40
LONGEST_STATEMENT = 2000
DEEPEST = 6
FARTHEST = 120
"""Characters between a complaint and the field that it is about."""

TELLING = (
    "message",
    "msg",
    "error",
    "errors",
    "detail",
    "details",
    "reason",
    "title",
    "description",
    "metadata",
    "raw",
)
"""Fields of an error body that say what is wrong, or hold what says it."""

SENTENCES = re.compile(r"(?<=[.!?;])\s+|\n")

NOT_TAKEN = re.compile(
    r"""unsupported | unknown | unrecogni[sz]ed | unexpected | extraneous | deprecated | extra_forbidden
    | extra[ ](?:inputs?|fields?|keys?|propert\w+)
    | (?:not|n't|no[ ]longer)[ ](?:\w+[ ]){0,3}?(?:support|permit|allow|accept|recogni[sz]|implement|available|enabled)
    | not[ ](?:an?[ ])?valid[ ](?:\w+[ ])?(?:field|param|arg|key|propert|option)
    | invalid[ ](?:\w+[ ])?(?:field|param|arg|key|propert|option)\w*(?:[ ]name)?\b(?![ ](?:value|\S+[ ]value))
    | (?:can(?:not|'t|[ ]not)|may[ ]not|must[ ]not)[ ]be[ ](?:set|specified|used|provided|sent|passed|given)
    | must[ ]be[ ]verified[ ]to | cannot[ ]find[ ]field | no[ ]such[ ](?:field|param|arg|key) | only[ ]the[ ]default
    """,
    re.I | re.X,
)
"""That a field is not known, or not wanted."""

BAD_VALUE = re.compile(
    r"invalid|must be|should be|out of range|too (?:large|big|long)|greater than|less than|at most|at least|overflow"
    r"|one of|expected|unsupported[ _]value|does(?:n't| not) support ['\"`\d]",
    re.I,
)
"""That a field's value is not."""

ANOTHER_VALUE = re.compile(
    r"unsupported[ _]value|does(?:n't| not) support ['\"`\d]|supported values|input should be", re.I
)
"""That a field is taken with other values."""

MORE_NAMES: Mapping[str, tuple[str, ...]] = {
    "stream_options": ("include_usage",),
    "reasoning_effort": ("reasoning.effort", "thinking effort", "effort parameter"),
    "output_config": ("effort",),
    "response_format": ("json_schema", "structured_outputs", "guided_json", "grammar"),
    "structured_outputs": ("guided_choice", "grammar"),
    "cache_control": ("prompt caching",),
}
"""What servers call a field beside its own name."""

_SYSTEM = r"['\"`]?\b(?:system|developer)\b['\"`]?"
_NOT = (
    r"(?:unsupported|unexpected|unknown|invalid|(?:not|n't) (?:\w+ ){0,3}?(?:support|allow|permit|accept|enable|valid))"
)
ROLES = re.compile(
    rf"{_SYSTEM}[ _-]?(?:role|message|prompt|instruction)s?\b.{{0,40}}?{_NOT}"
    rf"|{_NOT}\w*\b.{{0,60}}{_SYSTEM}"
    rf"|\brole\b.{{0,40}}{_SYSTEM}.{{0,40}}{_NOT}"
    r"|\broles?\b.{0,40}\balternat|\balternat\w* (?:\w+ ){0,3}(?:role|user)"
    r"|\bonly\b.{0,30}\buser\b.{0,30}\bassistant\b.{0,30}\brole"
    r"|input should be ['\"`]?(?:user|assistant)\b|one of:? ?[\[(]?['\"`]user\b"
    r"|\b(?:first|conversation)\b.{0,40}\bmust (?:start|begin|be)\b.{0,30}\buser\b",
    re.I,
)
"""That the system has no role, or that user and assistant must take turns."""

TOO_LONG = re.compile(
    r"context[ _](?:length|size|window)|max_model_len|prompt is too long|input is too long|too many (?:input )?tokens",
    re.I,
)


def statements(body: object) -> tuple[str, ...]:
    """What an error body says, one thing each; a parameter or a place that it names stands before it."""
    said: list[str] = []
    for found in _said(body, DEEPEST):
        statement = found.strip()[:LONGEST_STATEMENT]
        if statement and statement not in said:
            said.append(statement)
        if len(said) == MOST_STATEMENTS:
            break
    return tuple(said)


def refused_field(said: Sequence[str], sent: Collection[str], model: str, *, by_value: Collection[str] = ()) -> str:
    """The field among those ``sent`` that the complaint is about, or nothing.

    Of those in ``by_value`` it is enough that their value is not wanted. ``model``, which may be called as a field is,
    is left out of what is said, as is the field that names it: nearly every complaint speaks of a model.
    """
    sent = {field for field in sent if field != "model"}
    named = re.compile(rf"(?<!\w){re.escape(model)}(?!\w)") if model else re.compile(r"(?!)")
    for heard in said:
        statement = named.sub("", heard)
        for text in (*SENTENCES.split(statement), statement):
            if name := _nearest(NOT_TAKEN, text, sent):
                return name
            if (name := _nearest(BAD_VALUE, text, sent)) and name in by_value:
                return name
    return ""


def about_a_value(said: Sequence[str]) -> bool:
    """Whether the complaint is that a field wants another value, not that it is not wanted."""
    return any(ANOTHER_VALUE.search(statement) for statement in said)


def about_roles(said: Sequence[str]) -> bool:
    """Whether the complaint is that the system has no role of its own, or that roles do not take turns."""
    return any(ROLES.search(statement) for statement in said)


def about_the_address(said: Sequence[str]) -> bool:
    """Whether the complaint is that the API is somewhere else (LM Studio says so with status 200)."""
    return any(re.search("unexpected endpoint|unknown endpoint|cannot post", statement, re.I) for statement in said)


def about_a_model(said: Sequence[str]) -> bool:
    """Whether a model is spoken of: so the address was right."""
    return any(re.search(r"\bmodel", statement, re.I) for statement in said)


def about_length(said: Sequence[str]) -> bool:
    """Whether the complaint is that the request does not fit into the context."""
    return any(TOO_LONG.search(statement) for statement in said)


def _nearest(complaint: re.Pattern[str], text: str, sent: Collection[str]) -> str:
    """The field whose name stands nearest to a complaint in ``text``."""
    found = [
        (max(0, name.start() - what.end(), what.start() - name.end()), name.start(), field)
        for what in complaint.finditer(text)
        for field in sent
        for name in _spelled(field).finditer(text)
    ]
    distance, _, field = min(found, default=(FARTHEST + 1, 0, ""))
    return field if distance <= FARTHEST else ""


@cache
def _spelled(field: str) -> re.Pattern[str]:
    """How ``field`` may be written: ``reasoning_effort``, ``reasoningEffort``, ``reasoning effort``."""
    names = (r"[ _.-]?".join(map(re.escape, re.split(r"[ _.]", name))) for name in (field, *MORE_NAMES.get(field, ())))
    return re.compile(rf"(?<![A-Za-z0-9_])(?:{'|'.join(names)})(?![A-Za-z0-9_])", re.I)


def _said(body: object, deep: int) -> Iterator[str]:
    if isinstance(body, str):
        yield body
    elif deep and isinstance(body, Mapping):
        place = body.get("param") or body.get("loc") or ""
        if isinstance(place, list | tuple):
            place = ".".join(str(part) for part in place if part != "body")
        kind = " ".join(str(body[key]).replace("_", " ") for key in ("code", "type") if isinstance(body.get(key), str))
        if place and kind:
            yield f"{kind}: {place}"
        for key in TELLING:
            for statement in _said(body.get(key), deep - 1):
                yield f"{place}: {statement}" if place and isinstance(place, str) else statement
    elif deep and isinstance(body, list | tuple):
        for part in body[:MOST_STATEMENTS]:
            yield from _said(part, deep - 1)
