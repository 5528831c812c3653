"""Names with parameters, ``NAME(key=value,key=value)``, as games of Gymnasium and PettingZoo are written."""

import re

from models.errors import BadInput

Value = int | float | bool | str

_NAME = re.compile(r"(?P<name>[\w./:-]+)(?:\((?P<parameters>[^()]*)\))?")


def split_name(written: str) -> tuple[str, dict[str, Value]]:
    """The name and its parameters, numbers and ``True``/``False`` as such. Raises ``BadInput`` for anything else."""
    found = _NAME.fullmatch(written)
    if found is None:
        raise BadInput(f"{written!r} is no name of a game: write NAME or NAME(parameter=value,parameter=value)")
    parameters: dict[str, Value] = {}
    for part in (found["parameters"] or "").split(","):
        key, equals, text = part.strip().partition("=")
        if not key and not equals and not found["parameters"]:
            continue
        if not equals or not key.isidentifier():
            raise BadInput(f"{part!r} in {written!r} is no parameter: write name=value")
        parameters[key] = _value(text)
    return found["name"], parameters


def take_number(parameters: dict[str, Value], key: str) -> float | None:
    """Remove ``key`` and give its value, ``None`` if it is not there; raises ``BadInput`` if it is no number."""
    value = parameters.pop(key, None)
    if value is None:
        return None
    if isinstance(value, str | bool):
        raise BadInput(f"{key}={value}: give a number")
    return value


def _value(text: str) -> Value:
    if text in ("True", "False"):
        return text == "True"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
