"""The front matter of Markdown files: ``key: value`` lines between two lines of three dashes.

A value is plain text, or a JSON string where it begins with a double quote. Knows nothing about what the keys mean.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from models.errors import BadInput

FENCE = "---"


@dataclass(frozen=True, slots=True)
class Document:
    """A file in two parts. ``fields`` are as written; ``body`` starts at line ``body_line`` (counted from 1)."""

    source: str
    fields: Mapping[str, str]
    lines: Mapping[str, int]
    body: str
    body_line: int

    def required(self, key: str) -> str:
        """The value of ``key``; raises ``BadInput`` where it is missing."""
        if key not in self.fields:
            raise BadInput(
                f"{self.source}: the front matter has no {key!r}; add a line '{key}: ...' between the dashes"
            )
        return self.fields[key]

    def flag(self, key: str) -> bool:
        """The value of ``key`` as yes or no; raises ``BadInput`` for anything else."""
        value = self.required(key)
        if value not in ("yes", "no"):
            raise BadInput(f"{self.source}:{self.lines[key]}: {key} must be yes or no, not {value!r}")
        return value == "yes"


def split(text: str, source: str, known: tuple[str, ...]) -> Document:
    """Read a document whose front matter may hold the ``known`` keys.

    Raises ``BadInput`` with the line number for a missing or unfinished front matter, a line that is no ``key: value``,
    an unknown or repeated key, and a quoted value that is no JSON string.
    """
    lines = text.replace("\r\n", "\n").lstrip("\ufeff").split("\n")
    if lines[0].rstrip() != FENCE:
        raise BadInput(
            f"{source}:1: the file must begin with a line '---' and its front matter; export a prompt to see one"
        )
    fields: dict[str, str] = {}
    places: dict[str, int] = {}
    for number, line in enumerate(lines[1:], start=2):
        if line.rstrip() == FENCE:
            return Document(source, fields, places, "\n".join(lines[number:]), number + 1)
        if not line.strip():
            continue
        key, colon, value = line.partition(":")
        key = key.strip()
        if not colon:
            raise BadInput(f"{source}:{number}: expected 'key: value' or the closing '---', found {line.strip()!r}")
        if key not in known:
            raise BadInput(f"{source}:{number}: unknown key {key!r}; the keys are {', '.join(known)}")
        if key in fields:
            raise BadInput(f"{source}:{number}: {key!r} is given twice; keep one of the two lines")
        fields[key], places[key] = _value(value.strip(), f"{source}:{number}"), number
    raise BadInput(f"{source}:{len(lines)}: the front matter is never closed; put a line '---' after its last key")


def _value(text: str, place: str) -> str:
    if not text.startswith('"'):
        return text
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadInput(
            f"{place}: not a quoted string: {error.msg}; write it as JSON, with \\n for a new line"
        ) from None
    return str(value)


def quoted(value: str) -> str:
    """``value`` as ``split`` reads it back."""
    return json.dumps(value, ensure_ascii=False)
