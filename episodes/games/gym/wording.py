"""What a game says about an environment: rules, names of its actions, its situation. This one fits any environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from episodes.game import Move
from episodes.games.gym.spaces import action_names, describe


@dataclass(frozen=True, slots=True)
class Declared:
    """What an environment says of itself in its ``metadata``, see ``docs/gym.md``; ``None`` where it does not."""

    rules: str | None
    action_names: tuple[str, ...] | None
    return_range: tuple[float, float] | None

    @classmethod
    def of(cls, env: Any) -> "Declared":
        """Its ``reward_range`` counts as the range of its return where ``metadata`` gives no ``return_range``."""
        metadata = getattr(env.unwrapped, "metadata", None) or {}
        names = metadata.get("action_names")
        span = metadata.get("return_range", getattr(env.unwrapped, "reward_range", None))
        if span is not None and not (len(span) == 2 and float("-inf") < span[0] < span[1] < float("inf")):
            span = None
        return cls(
            metadata.get("rules"),
            None if names is None else tuple(names),
            None if span is None else (float(span[0]), float(span[1])),
        )


class Wording:
    """Words for any environment. ``name`` is the game's, ``declared`` what the environment says of itself.

    ``terms`` are words by which a game might be recognised, see ``Capabilities``; none where it cannot be renamed.
    """

    features: ClassVar[Mapping[str, tuple[str, ...]]] = {"phase": ("opening", "middle", "ending")}
    terms: tuple[str, ...] = ()
    own_rules: str | None = None
    own_range: tuple[float, float] | None = None

    def __init__(self, name: str, env: Any, declared: Declared) -> None:
        """``return_range``: the lowest and the highest sum of rewards, which become the returns -1 and 1."""
        self.name = name
        self.declared = declared
        self.return_range = self.own_range or declared.return_range
        self.rules = self.own_rules or declared.rules or first_paragraph(env.unwrapped) or f"{name}, for one player."

    def moves(self, env: Any) -> tuple[Move, ...]:
        return action_names(env.action_space, self.name, self.declared.action_names)

    def text(self, env: Any, observation: Any) -> str:
        return describe(env.observation_space, observation)

    def situation(self, env: Any, observation: Any, progress: float) -> dict[str, str]:
        """``progress`` is the share of the steps that are used up, from 0 to 1."""
        return {"phase": ("opening", "middle", "ending")[min(int(3 * progress), 2)]}

    def phrase(self, feature: str, value: str) -> str:
        return f"the task is in its {value}"


def first_paragraph(env: Any) -> str:
    """The first paragraph of the documentation of an environment's class, as one line."""
    documentation = type(env).__doc__ or ""
    return " ".join(documentation.strip().split("\n\n")[0].split())
