"""DIAMBRA's games, their moves, and the stick and buttons behind every move.

A move is a sequence of (stick, button, frames), written for a fighter that faces right; the client mirrors the stick
for one that faces left. Sticks and buttons are the engine's own numbers. Knows nothing about time or states.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

NEUTRAL, BACK, UP_BACK, UP, UP_FORWARD, FORWARD, DOWN_FORWARD, DOWN, DOWN_BACK = range(9)
"""The engine's stick positions 0 to 8, named for a fighter on the left, who faces right."""

Part = tuple[int, int, int]
"""(stick, button, frames); button 0 is none."""

PRESS = 3
"""Frames for which a button is held: at 60 a second the shortest press that no step ratio in use misses."""

IDLE: Part = (DOWN_BACK, 0, 1)
"""What a fighter does that has nothing to do: crouch and guard."""

_WALKS: Mapping[str, tuple[Part, ...]] = {
    "forward": ((FORWARD, 0, 18),),
    "back": ((BACK, 0, 18),),
    "guard": ((DOWN_BACK, 0, 18),),
    "jump": ((UP, 0, 6), (NEUTRAL, 0, 36)),
    "jump-forward": ((UP_FORWARD, 0, 6), (NEUTRAL, 0, 36)),
    "jump-back": ((UP_BACK, 0, 6), (NEUTRAL, 0, 36)),
    "dash": ((FORWARD, 0, 3), (NEUTRAL, 0, 3), (FORWARD, 0, 3), (NEUTRAL, 0, 9)),
}


def _press(button: int, rest: int, stick: int = NEUTRAL) -> tuple[Part, ...]:
    return ((stick, button, PRESS), (NEUTRAL, 0, rest))


_STREET_FIGHTER: Mapping[str, tuple[Part, ...]] = {
    "light-punch": _press(1, 9),
    "medium-punch": _press(2, 15),
    "heavy-punch": _press(3, 24),
    "light-kick": _press(4, 9),
    "medium-kick": _press(5, 18),
    "heavy-kick": _press(6, 27),
    "sweep": _press(6, 30, DOWN),
    "throw": _press(7, 27),
    "overhead": _press(8, 24),
}
_QUARTER = ((DOWN, 0, PRESS), (DOWN_FORWARD, 0, PRESS))
_SHOTO: Mapping[str, tuple[Part, ...]] = {
    "fireball": (*_QUARTER, (FORWARD, 2, PRESS), (NEUTRAL, 0, 36)),
    "dragon-punch": ((FORWARD, 0, PRESS), (DOWN, 0, PRESS), (DOWN_FORWARD, 3, PRESS), (NEUTRAL, 0, 42)),
    "hurricane-kick": ((DOWN, 0, PRESS), (DOWN_BACK, 0, PRESS), (BACK, 4, PRESS), (NEUTRAL, 0, 36)),
    "super": (*_QUARTER, (FORWARD, 0, PRESS), *_QUARTER, (FORWARD, 3, PRESS), (NEUTRAL, 0, 60)),
}
_SHOTOS = ("Ken", "Ryu", "Gouki")
SPECIALS = tuple(_SHOTO)
SUPER = "super"
"""Needs a full super bar, where the engine tells of one."""


@dataclass(frozen=True, slots=True)
class Arcade:
    """One game of DIAMBRA. ``attacks`` are the engine's attack actions from 1 on, those with one button only.

    ``rounds`` is how many rounds win the game, ``character`` who fights unless the user says otherwise (``None``: the
    first that the game lists).
    """

    title: str
    rounds: int
    attacks: tuple[str, ...]
    character: str | None = None
    moves: Mapping[str, tuple[Part, ...]] = field(default_factory=dict)


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(f"attack-{n}" for n in range(1, count + 1))


ARCADES: Mapping[str, Arcade] = MappingProxyType(
    {
        "sfiii3n": Arcade("Street Fighter III: 3rd Strike", 2, (), "Ken", _STREET_FIGHTER),
        "doapp": Arcade("Dead Or Alive ++", 2, ("hold", "punch", "kick")),
        "tektagt": Arcade("Tekken Tag Tournament", 2, ("left-punch", "right-punch", "left-kick", "right-kick", "tag")),
        "umk3": Arcade("Ultimate Mortal Kombat 3", 2, _numbered(6)),
        "samsh5sp": Arcade("Samurai Showdown 5 Special", 2, _numbered(4)),
        "kof98umh": Arcade("The King of Fighters '98 Ultimate Match Hero", 3, _numbered(4)),
        "mvsc": Arcade("Marvel vs. Capcom", 1, _numbered(6)),
        "xmvsf": Arcade("X-Men vs. Street Fighter", 1, _numbered(6)),
        "soulclbr": Arcade("Soul Calibur", 2, _numbered(4)),
    }
)
"""Every game of diambra-arena 2.2.7. The names of attacks are those of its documentation, or numbers."""


def moves_of(arcade: Arcade, character: str | None) -> dict[str, tuple[Part, ...]]:
    """Every move of ``character``, in the order in which prompts list them."""
    attacks = arcade.moves or {name: _press(n, 15) for n, name in enumerate(arcade.attacks, start=1)}
    specials = _SHOTO if arcade.moves and character in _SHOTOS else {}
    return {**_WALKS, **attacks, **specials}


def steps_of(parts: tuple[Part, ...], step_ratio: int) -> list[tuple[int, int]]:
    """The (stick, button) of every engine step of a move: each part lasts its frames, rounded up to whole steps."""
    return [(stick, button) for stick, button, frames in parts for _ in range(-(-frames // step_ratio))]


def kind_of(move: str) -> str:
    """``moving``, ``jumping``, ``guarding``, ``special`` or ``striking``."""
    if move.startswith("jump"):
        return "jumping"
    if move in ("forward", "back", "dash"):
        return "moving"
    if move == "guard":
        return "guarding"
    return "special" if move in SPECIALS else "striking"
