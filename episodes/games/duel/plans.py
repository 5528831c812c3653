"""Plans: a decision of up to three moves, each with at most one condition on the situation at its moment.

``jab``, ``heavy if near``, ``advance; throw if distance=touching; guard if blocked``. Knows nothing about states.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from episodes.games.duel.words import FEATURES, MOVES
from models.grammar import Either, Grammar, Row, UpTo

MAX_STEPS = 3

FEATURE_OF = {value: feature for feature, values in FEATURES.items() for value in values}
"""Every value belongs to one feature only, so a bare value is a complete condition."""

_CONDITION = r"(?:(?:" + "|".join(FEATURES) + r")\s*=\s*)?(?:" + "|".join(FEATURE_OF) + ")"
_STEP = r"(?:" + "|".join(MOVES) + r")(?:\s+if\s+" + _CONDITION + r")?"
_PLAN = re.compile(rf"\b{_STEP}\b(?:\s*;\s*{_STEP}\b)*", re.IGNORECASE)
_MARKS = r"[\s\"'`*]*"
_LEADING = re.compile(rf"{_MARKS}({_STEP}(?:\s*;\s*{_STEP})*)(?:\s*;|\.?{_MARKS}(?:\n|$))", re.IGNORECASE)
_FIRST = re.compile(rf"{_MARKS}({_STEP})\s*(?:;|\n)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Step:
    """One move of a plan: its index in ``MOVES`` and the condition (feature, value) it waits on, if any."""

    move: int
    condition: tuple[str, str] | None

    def __str__(self) -> str:
        return MOVES[self.move] + (f" if {self.condition[1]}" if self.condition else "")


@lru_cache(maxsize=4096)
def parse_plan(text: str) -> tuple[Step, ...] | None:
    """The steps of a plan, or ``None`` where it is not one: unknown words, no step, or more than ``MAX_STEPS``."""
    parts = text.strip().lower().split(";")
    steps = [_parse_step(part) for part in parts]
    if len(steps) > MAX_STEPS or None in steps:
        return None
    return tuple(step for step in steps if step)


def _parse_step(text: str) -> Step | None:
    name, separator, condition = text.strip().partition(" if ")
    if name.strip() not in MOVES:
        return None
    move = MOVES.index(name.strip())
    if not separator:
        return Step(move, None)
    feature, equals, value = condition.rpartition("=")
    feature, value = feature.strip(), value.strip()
    if value not in FEATURE_OF or (equals and feature != FEATURE_OF[value]):
        return None
    return Step(move, (FEATURE_OF[value], value))


def read_plan(reply: str) -> str | None:
    """The plan in a free-text reply, written plainly; ``None`` if no move is named.

    A reply that begins with a plan on a line of its own, or a step and a semicolon, means that one: its first move is
    taken before the rest has arrived. Otherwise the plan that stands last counts, for people and models reason first
    and decide last. Too long a plan is returned whole, so that it is refused rather than quietly cut.
    """
    if leading := _LEADING.match(reply):
        return _plainly(leading[1])
    found = [match[0] for match in _PLAN.finditer(reply)]
    return _plainly(found[-1]) if found else None


def first_step(text: str) -> str | None:
    """The first step of the plan that a reply begins with, once its end has arrived; a step on a condition waits."""
    found = _FIRST.match(text)
    step = parse_plan(found[1]) if found else None
    return str(step[0]) if step and step[0].condition is None else None


@lru_cache(maxsize=64)
def plan_grammar(legal: Sequence[str]) -> Grammar:
    """Every plan, plainly written, that is accepted where the moves ``legal`` are: without a condition it begins with
    one of them."""
    condition = Row((" if ", Either(tuple(FEATURE_OF))))
    first = Either((*legal, Row((Either(MOVES), condition))))
    step = Row((Either(MOVES), UpTo(1, condition)))
    return Row((first, UpTo(MAX_STEPS - 1, Row(("; ", step)))))


def _plainly(plan: str) -> str:
    return "; ".join(" ".join(step.split()).lower() for step in plan.split(";"))
