"""Frozen records as JSON and back: every value of its declared type, by pydantic.

Knows nothing about what the records mean.
"""

import json
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")

_ADAPTERS: dict[Any, "TypeAdapter[Any]"] = {}


def adapter_of(kind: Any) -> "TypeAdapter[Any]":
    """What reads and writes values of the type ``kind``; made once."""
    from pydantic import TypeAdapter

    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def to_json(kind: Any, value: object) -> str:
    """``value``, of the type ``kind`` (dataclasses of plain values), as JSON; infinite numbers survive."""
    return json.dumps(adapter_of(kind).dump_python(value))


def from_json(kind: type[T], text: str) -> T:
    """The inverse; keys that ``kind`` does not have are passed over, for an older version may have kept more.

    Raises ``pydantic.ValidationError``.
    """
    read: T = adapter_of(kind).validate_json(text)
    return read
