"""Writing under a grammar, token by token: what a model in this process may write next, after its thought if it thinks.

A tokenizer is known by what its tokens add to a text, in bytes. For every state of a grammar's walk the tokens that go
on with it are found once and kept. Knows nothing about models, messages and sampling.
"""

import json
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.grammar import Either, Grammar, Row, UpTo, Walker

KEPT = 256
"""Grammars of which the states are kept."""

PLAIN_DECODERS = frozenset({"Replace", "Metaspace", "ByteFallback", "Fuse", "Strip"})
"""Parts of a decoder that join tokens as they are, but for spaces, which are written with a mark."""


class Spelling:
    """What tokens spell. ``pieces``: what each adds to a text, by its number, ``None`` for one that is no text."""

    def __init__(self, pieces: Sequence[bytes | None]) -> None:
        self.pieces = pieces
        self._sorted = sorted((piece, token) for token, piece in enumerate(pieces) if piece)
        self._walks: OrderedDict[Grammar, Walk] = OrderedDict()

    @classmethod
    def of(cls, tokenizer: Any) -> "Spelling | None":
        """The spelling of a tokenizer of transformers; ``None`` if its texts are more than its tokens in a row."""
        kinds = _decoders(tokenizer)
        if "ByteLevel" in kinds:
            letters = _byte_letters()

            def read(token: str) -> bytes | None:
                return (
                    bytes(letters[letter] for letter in token) if all(letter in letters for letter in token) else None
                )

        elif kinds and kinds <= PLAIN_DECODERS:

            def read(token: str) -> bytes | None:
                if len(token) == 6 and token.startswith("<0x") and token.endswith(">"):
                    return bytes((int(token[3:5], 16),))
                return token.replace("▁", " ").encode()

        else:
            return None
        pieces = [
            None if token is None else read(token) for token in tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
        ]
        for number, added in tokenizer.added_tokens_decoder.items():
            pieces[number] = None if added.special else str(added).encode()
        return cls(pieces)

    def walk(self, grammar: Grammar) -> "Walk":
        """The walk of ``grammar`` in tokens; one that was asked for before is the same."""
        if grammar not in self._walks:
            self._walks[grammar] = Walk(grammar, self._sorted)
            if len(self._walks) > KEPT:
                self._walks.popitem(last=False)
        self._walks.move_to_end(grammar)
        return self._walks[grammar]


class Walk:
    """A grammar walked in tokens. A text may begin with a space: many tokenizers have words only with one."""

    def __init__(self, grammar: Grammar, tokens: Sequence[tuple[bytes, int]]) -> None:
        self._walker = Walker(Row((UpTo(1, " "), grammar)))
        self._tokens = tokens
        self._next: dict[int, Mapping[int, int]] = {}

    def steps(self, state: int) -> Mapping[int, int]:
        """The tokens with which a text can go on, the lowest first, and the state after each."""
        if state not in self._next:
            self._next[state] = dict(sorted(self._from(state, b"")))
        return self._next[state]

    def ends(self, state: int) -> bool:
        """Whether a text may end here."""
        return self._walker.ends(state)

    def after(self, text: bytes) -> int:
        """The state after ``text``; that of the beginning, where no text begins so."""
        return self._walker.after(text) or 0

    def _from(self, state: int, prefix: bytes) -> Iterator[tuple[int, int]]:
        """Tokens that begin with ``prefix``, which led to ``state``, and go on as a text may."""
        for byte, after in self._walker.steps(state).items():
            piece = prefix + bytes((byte,))
            at = bisect_left(self._tokens, (piece, 0))
            if at == len(self._tokens) or not self._tokens[at][0].startswith(piece):
                continue
            while at < len(self._tokens) and self._tokens[at][0] == piece:
                yield self._tokens[at][1], after
                at += 1
            yield from self._from(after, piece)


def _decoders(tokenizer: Any) -> set[str]:
    """The kinds of the parts of a tokenizer's decoder; none where it has none that can be looked at."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    decoder = json.loads(backend.to_str())["decoder"] if backend is not None else None
    parts = [] if decoder is None else decoder.get("decoders", [decoder])
    return {part["type"] for part in parts}


def _byte_letters() -> dict[str, int]:
    """The letters in which byte-level tokenizers write bytes: printable ones as they are, the others from 256 on."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + at): byte for at, byte in enumerate(others)}


class Pen:
    """One answer as it is written: a text of a grammar, and then one of the tokens ``ends``."""

    def __init__(self, walk: Walk, ends: Sequence[int]) -> None:
        self.finished = False
        self._walk = walk
        self._ends = tuple(ends)
        self._state = 0

    def allowed(self) -> Sequence[int] | None:
        """The tokens of which the next is one; ``None`` for any."""
        return (*self._walk.steps(self._state), *(self._ends if self._walk.ends(self._state) else ()))

    def wrote(self, token: int) -> None:
        """``token``, which was allowed, is written. With the last word of a grammar the answer is ``finished``."""
        if token in self._ends:
            self.finished = True
        else:
            self._state = self._walk.steps(self._state)[token]
            self.finished = self._walk.ends(self._state) and not self._walk.steps(self._state)


@dataclass(frozen=True, slots=True)
class Thinking:
    """How a model thinks before it answers: between tags named ``tag``, of which the prompt has ``opened`` the first.

    ``close`` are the tokens of the closing tag.
    """

    tag: str
    opened: bool
    close: tuple[int, ...]


ROOM = 48
"""Tokens that a thought leaves for the answer, or half of all that may be written where that is less."""


class ThinkingPen(Pen):
    """As ``Pen``, after a thought that is free. One that would leave no room for the answer is ended."""

    def __init__(
        self, spelling: Spelling, grammar: Grammar, ends: Sequence[int], thinking: Thinking, most: int
    ) -> None:
        """``most`` is the limit of thought and answer together, in tokens."""
        self._answer = spelling.walk(Row((UpTo(2, "\n"), grammar)))
        unopened = spelling.walk(Either((grammar, f"<{thinking.tag}>")))
        super().__init__(self._answer if thinking.opened else unopened, ends)
        self._pieces = spelling.pieces
        self._thinking = thinking
        self._left = most
        self._room = min(ROOM, most // 2)
        self._thought = b"" if thinking.opened else None
        """What is thought so far; ``None`` before a thought, and after it."""
        self._said = b""
        self._due: list[int] = []

    def allowed(self) -> Sequence[int] | None:
        if self._thought is None:
            return super().allowed()
        if not self._due and self._left <= self._room:
            self._due = list(self._thinking.close)
        return self._due[:1] or None

    def wrote(self, token: int) -> None:
        self._left -= 1
        piece = self._pieces[token] or b""
        if self._thought is None:
            super().wrote(token)
            self._said += piece
            if (
                self._walk is not self._answer
                and self._said.strip().decode(errors="replace") == f"<{self._thinking.tag}>"
            ):
                self._thought, self.finished = b"", False
            return
        if self._due:
            self._due.pop(0)
        elif token in self._ends:
            self._due = list(self._thinking.close)
        self._thought += piece
        _, closed, rest = self._thought.partition(f"</{self._thinking.tag}>".encode())
        if closed:
            self._thought, self._walk = None, self._answer
            self._state = self._walk.after(rest)
