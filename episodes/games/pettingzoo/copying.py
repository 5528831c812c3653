"""Faithful copies of PettingZoo environments.

``copy.deepcopy`` is not one: environments built on ``EzPickle`` come back from it as fresh ones, at their start.
"""

import copy
from typing import Any

_SHARED = ("action_spaces", "observation_spaces", "possible_agents")
"""Attributes that never change and are shared with the copy: spaces are slow to copy."""


def copied(env: Any) -> Any:
    """An independent copy of ``env`` and of every environment that it wraps."""
    return _copied(env, {})


def _copied(env: Any, memo: dict[int, Any]) -> Any:
    other = object.__new__(type(env))
    memo[id(env)] = other
    for name, value in vars(env).items():
        if name in _SHARED:
            other.__dict__[name] = value
        elif hasattr(value, "step") and hasattr(value, "possible_agents"):
            other.__dict__[name] = memo[id(value)] if id(value) in memo else _copied(value, memo)
        else:
            other.__dict__[name] = copy.deepcopy(value, memo)
    return other
