"""Spaces of Gymnasium in words: what is observed as text, and discrete actions as named moves.

Knows nothing about any environment. ``gymnasium`` is imported by whoever made the spaces.
"""

import itertools
import math
import re
from collections.abc import Sequence
from typing import Any

from episodes.game import Move
from models.errors import BadInput

MOST_ACTIONS = 5000
_MOST_NUMBERS = 64
"""Numbers of an array that are written out; a larger one is summarised."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def kind(space: Any) -> str:
    """The name of the space's class: ``Discrete``, ``Box``, ..."""
    return type(space).__name__


def check_observations(space: Any, where: str) -> None:
    """Raises ``BadInput`` for a space that has no text here."""
    if kind(space) == "Dict":
        for part in space.spaces.values():
            check_observations(part, where)
    elif kind(space) == "Tuple":
        for part in space.spaces:
            check_observations(part, where)
    elif kind(space) not in ("Text", "Discrete", "MultiDiscrete", "MultiBinary", "Box"):
        raise BadInput(f"{where} observes a {kind(space)} space, for which there are no words here")


def describe(space: Any, value: Any, name: str = "") -> str:
    """``value`` of ``space`` as lines; the parts of a Dict or Tuple are named by their place, as in ``hand.cards``."""
    if kind(space) == "Dict":
        return "\n".join(describe(part, value[key], _joined(name, key)) for key, part in space.spaces.items())
    if kind(space) == "Tuple":
        parts = enumerate(zip(space.spaces, value, strict=True), start=1)
        return "\n".join(describe(part, one, _joined(name, str(n))) for n, (part, one) in parts)
    if kind(space) == "Text":
        text = _CONTROL.sub("", str(value))
        return f"{name}: {text}" if name else text
    label = name or "observation"
    if kind(space) == "Discrete":
        return f"{label}: {int(value)} (from {int(space.start)} to {int(space.start + space.n - 1)})"
    return f"{label}: {_array(value)}"


def _joined(name: str, part: str) -> str:
    return f"{name}.{part}" if name else str(part)


def _array(value: Any) -> str:
    import numpy as np

    array = np.asarray(value)
    if array.size <= _MOST_NUMBERS and array.ndim <= 1:
        return " ".join(map(_number, array.ravel().tolist()))
    if array.size <= _MOST_NUMBERS and array.ndim == 2:
        return "".join("\n  " + " ".join(map(_number, row)) for row in array.tolist())
    shape = " by ".join(map(str, array.shape))
    nonzero = int(np.count_nonzero(array))
    low, high, mean = (_number(float(one)) for one in (array.min(), array.max(), array.mean()))
    return f"array of {shape}, {nonzero} of {array.size} not zero, from {low} to {high}, mean {mean}"


def _number(value: float) -> str:
    return f"{value:.4g}" if isinstance(value, float) and math.isfinite(value) else str(value)


def action_names(space: Any, where: str, names: Sequence[str] | None = None) -> tuple[Move, ...]:
    """A move for every action in order: ``names``, or ``action-N``; raises ``BadInput`` where that cannot be.

    In a ``MultiDiscrete`` space a move is ``action-`` and its numbers, as in ``action-0-2``; see ``action_values``.
    """
    values = action_values(space, where)
    moves = tuple(names) if names is not None else tuple("action-" + "-".join(map(str, one)) for one in values)
    if len(moves) != len(values) or len(set(moves)) < len(moves) or not all(re.fullmatch(r"\S+", m) for m in moves):
        raise BadInput(
            f"{where} names {len(moves)} actions and has {len(values)}: give each a name of its own, no spaces"
        )
    return moves


def action_values(space: Any, where: str) -> list[tuple[int, ...]]:
    """Every action as a tuple of numbers, of one in a ``Discrete`` space."""
    if kind(space) == "Discrete":
        ranges = [range(int(space.start), int(space.start + space.n))]
    elif kind(space) == "MultiDiscrete" and len(space.shape) == 1:
        ranges = [range(int(low), int(low + size)) for low, size in zip(space.start, space.nvec, strict=True)]
    else:
        raise BadInput(
            f"{where} takes actions of a {kind(space)} space: games here need Discrete or MultiDiscrete actions, "
            "and in gym: also Text"
        )
    count = math.prod(len(one) for one in ranges)
    if count > MOST_ACTIONS:
        raise BadInput(f"{where} has {count} actions, more than the {MOST_ACTIONS} that are named here")
    return list(itertools.product(*ranges))


def scaled(total: float, low: float | None, high: float | None) -> float:
    """A sum of rewards as a return in [-1, 1]: the declared range laid over it, and cut off outside.

    Without a range it is x / (1 + |x|), which keeps the order and the sign of any sum.
    """
    if low is None or high is None:
        return total / (1 + abs(total)) if math.isfinite(total) else math.copysign(1.0, total)
    return min(max((2 * total - low - high) / (high - low), -1.0), 1.0)
