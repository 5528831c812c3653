"""Plans: a decision of up to four moves of a DIAMBRA game, ``dash; throw``. Knows nothing about time."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from models.grammar import Either, Grammar, Row, UpTo

MAX_STEPS = 4
_MARKS = r"[\s\"'`*]*"


@dataclass(frozen=True)
class Plans:
    """The plans that can be written with ``moves``."""

    moves: tuple[str, ...]
    _plan: re.Pattern[str] = field(init=False, repr=False)
    _leading: re.Pattern[str] = field(init=False, repr=False)
    _first: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        step = _any_of(self.moves)
        patterns = {
            "_plan": rf"(?<![\w-]){step}(?:\s*;\s*{step})*",
            "_leading": rf"{_MARKS}({step}(?:\s*;\s*{step})*)(?:\s*;|\.?{_MARKS}(?:\n|$))",
            "_first": rf"{_MARKS}({step})\s*(?:;|\n)",
        }
        for name, pattern in patterns.items():
            object.__setattr__(self, name, re.compile(pattern, re.IGNORECASE))

    def parse(self, text: str) -> tuple[str, ...] | None:
        """The moves of a plan, or ``None`` where it is not one: unknown words, no move, or more than ``MAX_STEPS``."""
        steps = tuple(part.strip().lower() for part in text.split(";"))
        return steps if len(steps) <= MAX_STEPS and all(step in self.moves for step in steps) else None

    def read(self, reply: str) -> str | None:
        """The plan in a free-text reply; ``None`` if no move is named.

        A reply that begins with a plan on a line of its own, or a move and a semicolon, means that one: its first move
        is taken before the rest has arrived. Otherwise the plan that stands last counts. Too long a plan is returned
        whole, so that it is refused rather than quietly cut.
        """
        if leading := self._leading.match(reply):
            return _plainly(leading[1])
        found = [match[0] for match in self._plan.finditer(reply)]
        return _plainly(found[-1]) if found else None

    def first(self, text: str) -> str | None:
        """The first move of the plan that a reply begins with, once its end has arrived."""
        found = self._first.match(text)
        return found[1].lower() if found else None

    def grammar(self, legal: Iterable[str]) -> Grammar:
        """Every plan, plainly written, that begins with one of the moves ``legal``."""
        return Row((Either(tuple(legal)), UpTo(MAX_STEPS - 1, Row(("; ", Either(self.moves))))))


def _any_of(moves: Iterable[str]) -> str:
    longest_first = sorted(moves, key=len, reverse=True)
    return rf"(?:{'|'.join(map(re.escape, longest_first))})(?![\w-])"


def _plainly(plan: str) -> str:
    return "; ".join(" ".join(step.split()).lower() for step in plan.split(";"))
