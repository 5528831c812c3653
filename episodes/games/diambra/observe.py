"""What a seat sees of a DIAMBRA fight, in words and features. Knows nothing about engines or time.

The engine tells of both fighters' bars and no positions, so distance is unknown, and the text says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from episodes.games.diambra.moves import kind_of

FEATURES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "health": ("behind", "even", "ahead"),
        "rounds": ("trailing", "level", "leading"),
        "bar": ("charging", "full"),
        "stun": ("nobody", "me", "opponent"),
        "side": ("left", "right"),
        "opponent": ("unknown", "moving", "jumping", "guarding", "striking", "special"),
    }
)
"""``bar``: this seat's super bar; ``opponent``: the kind of move that the other began last."""

_PHRASES = {
    "health": "you are {} on health",
    "rounds": "you are {} on rounds",
    "bar": "your super bar is {}",
    "side": "you are on the {}",
    "opponent": "the opponent's last move was {}",
}
_IRREGULAR = {
    ("health", "even"): "health is even",
    ("rounds", "level"): "rounds are level",
    ("stun", "nobody"): "nobody is stunned",
    ("stun", "me"): "you are stunned",
    ("stun", "opponent"): "the opponent is stunned",
    ("opponent", "unknown"): "the opponent has not moved yet",
}
HEALTH_LEAD = 0.08
"""Share of full health by which fighters must differ to be ahead or behind."""
RECENT = 4
_TOLD_APART = ("side", "wins", "character", "stunned", "super_type", "active_character")


def phrase(feature: str, value: str) -> str:
    return _IRREGULAR.get((feature, value)) or _PHRASES[feature].format(value)


@dataclass(slots=True)
class Fight:
    """A fight as the engine last told of it. ``bounds`` are the largest values of a fighter's numbers."""

    title: str
    to_win: int
    characters: Sequence[str]
    bounds: Mapping[str, int]
    seen: dict[str, Any]
    rounds: list[int] = field(default_factory=lambda: [0, 0])

    def fighter(self, seat: int) -> dict[str, int]:
        own: dict[str, int] = self.seen[f"P{seat + 1}"]
        return own

    def health(self, seat: int) -> float:
        """The share of full health that is left, of the whole team in games of teams."""
        return _health(self.fighter(seat)) / _health(self.bounds)

    def full_bar(self, seat: int) -> bool:
        """Whether a super can be paid for, as far as the engine tells; where it tells of no bar, always."""
        return self.fighter(seat).get("super_count", 1) > 0

    def end_round(self, ended: Mapping[str, Any]) -> None:
        """Count a round that ended: by the wins that the engine shows or, where it has put them back, by who led."""
        before, after = ended["before"], ended["after"]
        won = [after[side].get("wins", 0) > before[side].get("wins", 0) for side in ("P1", "P2")]
        lead = _health(before["P1"]) - _health(before["P2"]) + ended["reward"]
        if not any(won):
            won = [lead > 0, lead < 0]
        for seat in range(2):
            self.rounds[seat] += won[seat]

    def situation(self, seat: int, begun: Sequence[Sequence[str]]) -> dict[str, str]:
        """``begun`` are the moves that each seat began, oldest first."""
        own, other = self.fighter(seat), self.fighter(1 - seat)
        lead = self.health(seat) - self.health(1 - seat)
        rounds = self.rounds[seat] - self.rounds[1 - seat]
        theirs = begun[1 - seat]
        return {
            "health": "ahead" if lead > HEALTH_LEAD else "behind" if lead < -HEALTH_LEAD else "even",
            "rounds": "leading" if rounds > 0 else "trailing" if rounds < 0 else "level",
            "bar": "full" if self.full_bar(seat) else "charging",
            "stun": "me" if own.get("stunned") else "opponent" if other.get("stunned") else "nobody",
            "side": "right" if own.get("side", seat) else "left",
            "opponent": kind_of(theirs[-1]) if theirs else "unknown",
        }

    def text(self, seat: int, begun: Sequence[Sequence[str]]) -> str:
        lines = [
            f"{self.title}, stage {self.seen.get('stage', 1)}. Timer: {self.seen.get('timer', 'unknown')}.",
            f"Rounds won: you {self.rounds[seat]}, the opponent {self.rounds[1 - seat]}; {self.to_win} win the game.",
            f"You: {self._fighter(seat)}.",
            f"Opponent: {self._fighter(1 - seat)}.",
            "Distance: unknown, the engine tells no positions.",
            f"Your last moves: {', '.join(begun[seat][-RECENT:]) or 'none'}.",
            f"The opponent's last moves: {', '.join(begun[1 - seat][-RECENT:]) or 'none'}.",
        ]
        return "\n".join(lines)

    def _fighter(self, seat: int) -> str:
        own = self.fighter(seat)
        index = own.get("active_character", 0)
        name = self._name(own[f"character_{index + 1}"] if f"character_{index + 1}" in own else own["character"])
        words = [name, "on the right" if own.get("side", seat) else "on the left"]
        bars = sorted((key for key in own if _is_bar(key)), key=lambda key: (not key.startswith("health"), key))
        words += [f"{key.replace('_', ' ')} {max(own[key], 0)} of {self.bounds.get(key, '?')}" for key in bars]
        if own.get("stunned"):
            words.append("stunned")
        return ", ".join(words)

    def _name(self, index: int) -> str:
        return self.characters[index] if 0 <= index < len(self.characters) else "an unknown character"


def _is_bar(key: str) -> bool:
    return key not in _TOLD_APART and not key.startswith("character")


def _health(numbers: Mapping[str, int]) -> float:
    """All of a fighter's health; below 0, which the engine has for knocked out, counts as 0."""
    return sum(max(value, 0) for key, value in numbers.items() if key.startswith("health"))
