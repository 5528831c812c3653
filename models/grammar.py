"""What an answer may be, as a value: a small language of texts that a model can be held to.

A grammar is a text, one of several grammars, several in a row, or one that is repeated up to so many times. Every such
language is finite and regular, so it can be written as a regular expression for a server, and walked byte by byte where
tokens are masked in this process. Knows nothing about models, tokens and games.
"""

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Either:
    """One of ``options``, of which there is at least one."""

    options: "tuple[Grammar, ...]"


@dataclass(frozen=True, slots=True)
class Row:
    """All ``parts``, one after the other."""

    parts: "tuple[Grammar, ...]"


@dataclass(frozen=True, slots=True)
class UpTo:
    """``part`` repeated up to ``most`` times, or not at all."""

    most: int
    part: "Grammar"


Grammar: TypeAlias = str | Either | Row | UpTo


def is_grammar(found: object) -> bool:
    """Whether ``found`` is a grammar and has at least one text."""
    match found:
        case str():
            return True
        case Either(options=tuple() as parts):
            return bool(parts) and all(map(is_grammar, parts))
        case Row(parts=tuple() as parts):
            return all(map(is_grammar, parts))
        case UpTo(most=int() as most, part=part):
            return most >= 0 and is_grammar(part)
    return False


_SPECIAL = re.compile(r"[\\^$.|?*+()\[\]{}]")


def regex(grammar: Grammar) -> str:
    """A regular expression of exactly the texts of ``grammar``, in what all dialects have in common; no anchors."""
    match grammar:
        case str():
            return _SPECIAL.sub(lambda found: "\\" + found[0], grammar)
        case Either():
            return f"(?:{'|'.join(map(regex, grammar.options))})"
        case Row():
            return "".join(map(regex, grammar.parts))
        case UpTo():
            return f"(?:{regex(grammar.part)}){{0,{grammar.most}}}"


def reworded(grammar: Grammar, word: Callable[[str], str]) -> Grammar:
    """``grammar`` with other words: each of its texts as ``word`` has it."""
    match grammar:
        case str():
            return word(grammar)
        case Either():
            return Either(tuple(reworded(option, word) for option in grammar.options))
        case Row():
            return Row(tuple(reworded(part, word) for part in grammar.parts))
        case UpTo():
            return UpTo(grammar.most, reworded(grammar.part, word))


def drawn(grammar: Grammar, rng: random.Random) -> str:
    """A text of ``grammar``, drawn at random."""
    match grammar:
        case str():
            return grammar
        case Either():
            return drawn(rng.choice(grammar.options), rng)
        case Row():
            return "".join(drawn(part, rng) for part in grammar.parts)
        case UpTo():
            return "".join(drawn(grammar.part, rng) for _ in range(rng.randint(0, grammar.most)))


_Path: TypeAlias = "tuple[Grammar | bytes, ...]"
"""What is still to come on one of the ways in which a text may go on."""


class Walker:
    """Walks the texts of a grammar byte by byte (UTF-8). A state is a number; the walk begins at state 0.

    Every state lies on the way to the end of some text: there are no dead ends.
    """

    def __init__(self, grammar: Grammar) -> None:
        self._states: list[frozenset[_Path]] = []
        self._numbers: dict[frozenset[_Path], int] = {}
        self._steps: dict[int, Mapping[int, int]] = {}
        self._number(_expanded((grammar,)))

    def steps(self, state: int) -> Mapping[int, int]:
        """The bytes with which a text can go on, and the state after each."""
        if state not in self._steps:
            ways: dict[int, set[_Path]] = {}
            for head, *rest in (path for path in self._states[state] if path):
                assert isinstance(head, bytes)
                left: tuple[Grammar | bytes, ...] = (head[1:], *rest) if len(head) > 1 else tuple(rest)
                ways.setdefault(head[0], set()).update(_expanded(left))
            self._steps[state] = {byte: self._number(frozenset(paths)) for byte, paths in ways.items()}
        return self._steps[state]

    def ends(self, state: int) -> bool:
        """Whether a text may end here."""
        return () in self._states[state]

    def after(self, text: bytes, state: int = 0) -> int | None:
        """The state after ``text``; ``None`` if no text goes on so."""
        for byte in text:
            found = self.steps(state).get(byte)
            if found is None:
                return None
            state = found
        return state

    def knows(self, text: str) -> bool:
        """Whether ``text`` is one of the grammar."""
        state = self.after(text.encode())
        return state is not None and self.ends(state)

    def respaced(self, text: str) -> str | None:
        """A text of the grammar that ``text`` is but for its spaces; ``None`` if there is none."""
        ways = self._through_spaces({0: b""})
        for byte in "".join(text.split(" ")).encode():
            ways = {
                after: way + bytes((byte,))
                for state, way in ways.items()
                if (after := self.steps(state).get(byte)) is not None
            }
            ways = self._through_spaces(ways)
        return next((way.decode() for state, way in ways.items() if self.ends(state)), None)

    def _through_spaces(self, ways: Mapping[int, bytes]) -> dict[int, bytes]:
        """``ways`` (what was written to come to each state) and all that come of them by spaces alone."""
        found, new = dict(ways), dict(ways)
        while new:
            reached = {self.steps(state).get(ord(" ")): way + b" " for state, way in new.items()}
            new = {state: way for state, way in reached.items() if state is not None and state not in found}
            found |= new
        return found

    def _number(self, paths: frozenset[_Path]) -> int:
        if paths not in self._numbers:
            self._numbers[paths] = len(self._states)
            self._states.append(paths)
        return self._numbers[paths]


def _expanded(path: _Path) -> frozenset[_Path]:
    """The same ways, each of them at its end or beginning with bytes."""
    if not path or isinstance(path[0], bytes):
        return frozenset((path,))
    head, rest = path[0], path[1:]
    ways: tuple[_Path, ...]
    match head:
        case str():
            ways = ((head.encode(), *rest) if head else rest,)
            if head:
                return frozenset(ways)
        case Either():
            ways = tuple((option, *rest) for option in head.options)
        case Row():
            ways = ((*head.parts, *rest),)
        case UpTo():
            ways = (rest, (head.part, UpTo(head.most - 1, head.part), *rest)) if head.most else (rest,)
    return frozenset().union(*map(_expanded, ways))
