"""Base texts: what a player is told before any guidance, and how one turn is put to it.

They are Markdown files in ``prompts/bases``. Three kinds ship: ``full`` for models that read (the game's rules and how
to answer), ``brief`` for the smallest, ``bare`` for students, which get no guidance. Knows nothing about items of it.
"""

import string
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from episodes.game import Game
from models.errors import BadInput
from models.ids import content_id
from prompts.frontmatter import split

BASES = Path(__file__).parent / "bases"
ANY_GAME = "*"
TOO_SMALL_TO_READ = ("rookie", "smollm2")
STUDENT = "bare"
"""The base text of students, which are asked as they were taught."""
FIELDS = ("game", "name", "turn", "constrained", "remarks", "heading")
_TURN_FIELDS = ("situation", "text", "legal")


@dataclass(frozen=True, slots=True)
class Base:
    """The part of a prompt that guidance is added to.

    ``turn`` is the user message of one decision with ``{situation}``, ``{text}`` and ``{legal}`` to fill.
    ``constrained`` asks for exactly one legal move; ``remarks`` says that the reader understands free remarks;
    ``heading`` is the line above the guidance where there is any.
    """

    game: str
    name: str
    text: str
    turn: str
    constrained: bool
    remarks: bool
    heading: str = ""

    @property
    def id(self) -> str:
        """Content hash, 20 hexadecimal digits."""
        parts = [self.game, self.name, self.text, self.turn, str(self.constrained), str(self.remarks), self.heading]
        return content_id("base", parts)


def check_turn(turn: str, place: str) -> str:
    """``turn`` if it can be filled; raises ``BadInput`` otherwise."""
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(turn) if name is not None]
    except ValueError as error:
        raise BadInput(
            f"{place}: the turn template is broken: {error}; double the braces that are plain text"
        ) from None
    unknown = [name for name in names if name not in _TURN_FIELDS]
    if unknown or not names:
        found = f"unknown field {{{unknown[0]}}}" if unknown else "no field"
        raise BadInput(f"{place}: the turn template has {found}; fill in {{situation}}, {{text}} and {{legal}}")
    return turn


def read_base(text: str, source: str) -> Base:
    """A base from a Markdown file as in ``prompts/bases``; ``{rules}`` in its text is filled by ``base_for``."""
    document = split(text, source, FIELDS)
    return Base(
        game=document.required("game"),
        name=document.required("name"),
        text=document.body.strip(),
        turn=check_turn(document.required("turn"), source),
        constrained=document.flag("constrained"),
        remarks=document.flag("remarks"),
        heading=document.fields.get("heading", ""),
    )


@cache
def _shipped() -> dict[tuple[str, str], Base]:
    bases = [read_base(path.read_text(encoding="utf-8"), path.name) for path in sorted(BASES.glob("*.md"))]
    return {(base.game, base.name): base for base in bases}


def base_for(game: Game, name: str) -> Base:
    """The shipped base ``name`` for ``game``, its own or the one for any game; raises ``BadInput`` if there is none."""
    bases = _shipped()
    found = bases.get((game.name, name)) or bases.get((ANY_GAME, name))
    if found is None:
        known = sorted({base for owner, base in bases if owner in (game.name, ANY_GAME)})
        raise BadInput(f"{game.name} has no base text {name!r}; it has {', '.join(known)}")
    text = found.text.replace("{rules}", game.rules.strip())
    return Base(game.name, found.name, text, found.turn, found.constrained, found.remarks, found.heading)


def default_base(game: Game, model: str) -> Base:
    """The base for a model by its name: ``brief`` for those that are too small to read a game's rules, ``bare`` for
    students, ``full`` for all others.

    A student is ``student:ID``, or served by the name that its export has, ``vllm:URL#student-ID``.
    """
    student = model.startswith("student:") or "#student-" in model
    kind = "brief" if model in TOO_SMALL_TO_READ else STUDENT if student else "full"
    shipped = (game.name, kind) in _shipped() or (ANY_GAME, kind) in _shipped()
    return base_for(game, kind if shipped else "full")
