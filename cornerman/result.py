"""Results of the program's use cases: frozen records that screen, ``--json`` and page read alike.

And the one place where a record becomes JSON. Knows nothing about any result.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None

FLAT = {"json": "flat"}
"""Metadata of a field: its own keys stand among those of the record, in place of the field's name."""
IF_ANY = {"json": "if any"}
"""Metadata of a field: the key is left out where the value is ``None``."""
HIDDEN = {"json": "hidden"}
"""Metadata of a field that is not printed: a property says it under the name that readers know."""
TEXT = {"json": "text"}
"""Metadata of a field: it is printed as text, or each of its values if there are several."""


class Result:
    """The base of a record whose properties, which follow from its fields, belong to its JSON as the fields do.

    Subclasses are frozen dataclasses. What only the screen needs is a method or a function.
    """

    __slots__ = ()


def as_json(record: "DataclassInstance") -> dict[str, Json]:
    """The JSON object of a record: its fields by name, after the properties of a ``Result``, which sum them up."""
    return dict(_items(record))


def _items(record: "DataclassInstance") -> Iterator[tuple[str, Json]]:
    if isinstance(record, Result):
        for kind in type(record).__mro__:
            for name, member in vars(kind).items():
                if isinstance(member, property):
                    yield name, _plain(getattr(record, name))
    for field in fields(record):
        value, how = getattr(record, field.name), field.metadata.get("json")
        if how == "flat":
            flat = _plain(value)
            assert isinstance(flat, dict), f"{field.name} has no keys of its own"
            yield from flat.items()
        elif how == "hidden":
            continue
        elif how == "text":
            yield field.name, [str(one) for one in value] if isinstance(value, tuple) else str(value)
        elif how != "if any" or value is not None:
            yield field.name, _plain(value)


def _plain(value: object) -> Json:
    """``value`` in the types of JSON; what can be iterated becomes a list."""
    if isinstance(value, Enum):
        return _plain(value.value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, Iterable):
        return [_plain(one) for one in value]
    if is_dataclass(value) and not isinstance(value, type):
        return as_json(value)
    raise TypeError(f"a result holds {type(value).__name__}, which JSON has no word for")
