"""Reading a rule's sentence back into its structured form.

The counterpart of ``Rule.sentence``: reads exactly its wording, case and spaces aside, and two near ones that people
write ("if" for "when", "feature is value" for the game's clause). Knows nothing about files.
"""

import re
from collections.abc import Mapping

from episodes.game import Game
from prompts.rule import MAX_CONDITIONS, Rule

_CONDITIONAL = re.compile(r"(?:when|if|whenever) (?P<when>.+), (?:use|play|choose) (?P<move>\S.*?)\.?", re.IGNORECASE)
_ALWAYS = re.compile(r"(?:always|otherwise) (?:use|play|choose) (?P<move>\S.*?)\.?", re.IGNORECASE)
_JOINT = " and "


def read_rule(game: Game, text: str) -> Rule | None:
    """The rule that ``text`` states, or ``None`` where it is not one of ``game``."""
    plain = " ".join(text.split())
    if found := _ALWAYS.fullmatch(plain):
        move = _move(game, found["move"])
        return Rule((), move) if move is not None else None
    found = _CONDITIONAL.fullmatch(plain)
    if found is None:
        return None
    move, situation = _move(game, found["move"]), _situation(clauses(game), found["when"].lower(), MAX_CONDITIONS)
    if move is None or not situation:
        return None
    return Rule.of(game, situation, move)


def clauses(game: Game) -> dict[str, tuple[str, str]]:
    """Every clause that names a feature's value, in lower case, with what it names."""
    known: dict[str, tuple[str, str]] = {}
    for feature, values in game.features.items():
        for value in values:
            for clause in (
                f"{feature} = {value}",
                f"{feature}={value}",
                f"{feature} is {value}",
                f"the {feature} is {value}",
            ):
                known.setdefault(clause.lower(), (feature, value))
    known.update(
        {
            game.phrase(feature, value).lower(): (feature, value)
            for feature, values in game.features.items()
            for value in values
        }
    )
    return known


def _move(game: Game, text: str) -> str | None:
    return next((move for move in game.moves if move.lower() == text.lower()), None)


def _situation(known: Mapping[str, tuple[str, str]], text: str, most: int) -> dict[str, str] | None:
    """The situation that clauses joined by "and" give; a clause may itself hold the word "and"."""
    if text in known:
        return dict([known[text]])
    if most == 1:
        return None
    at = text.find(_JOINT)
    while at >= 0:
        first, rest = text[:at], _situation(known, text[at + len(_JOINT) :], most - 1)
        if first in known and rest is not None and known[first][0] not in rest:
            return dict([known[first]]) | rest
        at = text.find(_JOINT, at + 1)
    return None
