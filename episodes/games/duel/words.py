"""Duel's vocabulary: its moves, the features of a situation, and the phrases that rules use.

Every value is one word, and no word means two things: small models give each its own token.
"""

from types import MappingProxyType

MOVES = ("jab", "heavy", "throw", "fireball", "uppercut", "jump", "guard", "advance", "retreat", "super")

TERMS = ("duel", "fighter", "fighters", "fight", "kick", "health", "meter", "stage", "punishment", "round")
"""Beside the moves, the words of its rules and texts by which the game might be recognised."""

FEATURES = MappingProxyType(
    {
        "distance": ("touching", "near", "midway", "far"),
        "opponent": (
            "standing",
            "advancing",
            "retreating",
            "guarding",
            "striking",
            "recovering",
            "jumping",
            "stunned",
        ),
        "wall": ("open", "cornered", "cornering"),
        "meter": ("charging", "full"),
        "shot": ("clear", "incoming", "flying"),
        "health": ("behind", "even", "ahead"),
        "last": ("neutral", "landed", "blocked", "whiffed", "hurt"),
    }
)
"""What a seat sees, from its own side.

``distance`` between the fighters; ``opponent``: what it was seen doing; ``wall``: whether this seat (cornered) or the
other (cornering) has its back to it; ``meter``: this seat's; ``shot``: a fireball in the air, coming or its own;
``health``: this seat's against the other's; ``last``: what became of this seat's last move.
"""

_PHRASES = {
    "distance": "the opponent is {}",
    "opponent": "the opponent is {}",
    "wall": "you are {}",
    "meter": "your meter is {}",
    "shot": "a fireball is {}",
    "health": "you are {}",
    "last": "your last move was {}",
}
_IRREGULAR = {
    ("wall", "open"): "the field is open",
    ("shot", "clear"): "the air is clear",
    ("last", "hurt"): "you were hurt",
}


def phrase(feature: str, value: str) -> str:
    """A clause that follows "When", e.g. ``phrase("distance", "far")`` is "the opponent is far"."""
    return _IRREGULAR.get((feature, value)) or _PHRASES[feature].format(value)
