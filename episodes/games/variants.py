"""Variants of a game: the same rules in another dress, recorded with the game's name.

``GAME+unlisted``  players are not shown which moves are legal, and models are not held to them
``GAME+renamed``   the moves and every word by which the game might be recognised are replaced by made-up words, always
                   the same ones: what a player still knows then it knows by thinking, not by heart

Knows nothing about any game's rules.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Protocol, cast

from episodes.game import Game, Input, Move, Observation, RenamableGame, State
from models.errors import BadInput

VARIANTS = ("unlisted", "renamed")


def dressed(game: Game, variants: Sequence[str]) -> Game:
    """``game`` in its variants, in the order given; raises ``BadInput`` for one that is unknown or does not fit."""
    for variant in variants:
        if variant not in VARIANTS or variants.count(variant) > 1:
            raise BadInput(f"{game.name} has no variant {variant!r}: write one or both of +{' +'.join(VARIANTS)}")
        if variant == "unlisted":
            game = _dress(game, "unlisted", _Unlisted())
        elif isinstance(game, RenamableGame) and game.moves:
            game = _dress(game, "renamed", _Renamed.of(game))
        else:
            raise BadInput(f"{game.name} cannot be renamed: it does not declare the words that would give it away")
    return game


class Dress(Protocol):
    """How what a game says is shown to players (out), and how what they say is put to the game (in)."""

    def move_out(self, move: Move) -> Move: ...

    def move_in(self, move: Move) -> Move: ...

    def text_out(self, text: str) -> str: ...

    def observation(self, observation: Observation) -> Observation: ...


class _Unlisted:
    def move_out(self, move: Move) -> Move:
        return move

    def move_in(self, move: Move) -> Move:
        return move

    def text_out(self, text: str) -> str:
        return text

    def observation(self, observation: Observation) -> Observation:
        return replace(observation, listed=False)


@dataclass(frozen=True, slots=True)
class _Renamed:
    """``new`` words by the old ones, both in lower case; ``old`` words by the new ones, as the game spells them."""

    new: Mapping[str, str]
    old: Mapping[str, str]
    find_old: re.Pattern[str]
    find_any: re.Pattern[str]

    @classmethod
    def of(cls, game: RenamableGame) -> "_Renamed":
        spelled = {word.lower(): word for word in (*game.terms, *game.moves)}
        new: dict[str, str] = {}
        for word in sorted(spelled):
            draw = 0
            while (made := _made_up(f"{game.name} {word} {draw}")) in new.values() or made in spelled:
                draw += 1
            new[word] = made
        old = {made: spelled[word] for word, made in new.items()}
        return cls(new, old, _whole_words(spelled), _whole_words([*spelled, *old]))

    def move_out(self, move: Move) -> Move:
        return self.text_out(move)

    def move_in(self, move: Move) -> Move:
        """The old words for the new ones; an old word is none of this game's, and nothing is made of it."""
        return self.find_any.sub(lambda found: self.old.get(found[0].lower(), "?"), move)

    def text_out(self, text: str) -> str:
        return self.find_old.sub(lambda found: _cased(self.new[found[0].lower()], found[0]), text)

    def observation(self, observation: Observation) -> Observation:
        legal = tuple(self.move_out(move) for move in observation.legal_moves)
        return replace(observation, text=self.text_out(observation.text), legal_moves=legal)


def _whole_words(words: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, longest_first))})(?![\w-])", re.IGNORECASE)


_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]


def _made_up(seed: str) -> str:
    """A word of three syllables."""
    digest = hashlib.blake2b(seed.encode(), digest_size=3).digest()
    return "".join(_SYLLABLES[byte % len(_SYLLABLES)] for byte in digest)


def _cased(word: str, like: str) -> str:
    return word.capitalize() if like[:1].isupper() else word


class _State:
    """A state of the game beneath, dressed. Its class gets the rest of that state's members, see ``_state_class``."""

    def __init__(self, inner: State, dress: Dress) -> None:
        self.inner = inner
        self.dress = dress

    def observe(self, seat: int) -> Observation:
        return self.dress.observation(self.inner.observe(seat))

    def accepts(self, seat: int, move: Move) -> bool:
        return self.inner.accepts(seat, self.dress.move_in(move))

    def apply(self, moves: Mapping[int, Move | None]) -> None:
        self.inner.apply({seat: None if move is None else self.dress.move_in(move) for seat, move in moves.items()})


def _copy(self: _State, *arguments: Any, name: str) -> _State:
    return type(self)(getattr(self.inner, name)(*arguments), self.dress)


def _legal_moves(self: _State, seat: int) -> tuple[Move, ...]:
    return tuple(self.dress.move_out(move) for move in cast(Any, self.inner).legal_moves(seat))


def _inputs(self: _State) -> tuple[Input, ...]:
    return tuple(replace(one, move=self.dress.move_out(one.move)) for one in cast(Any, self.inner).inputs())


def _method(name: str) -> Callable[..., Any]:
    return lambda self, *arguments: getattr(self.inner, name)(*arguments)


_PLAIN = ("to_act", "is_terminal", "returns", "advance", "ready_in", "fingerprint", "close")
_CHANGED: Mapping[str, Any] = {
    "clone": lambda self: _copy(self, name="clone"),
    "belief": lambda self, seat, seed: _copy(self, seat, seed, name="belief"),
    "legal_moves": _legal_moves,
    "inputs": _inputs,
    "tick": property(lambda self: self.inner.tick),
}


@cache
def _state_class(inner: type) -> type[_State]:
    """A class with the capabilities of ``inner`` and no others: they are looked for on the class."""
    members: dict[str, Any] = {name: _method(name) for name in _PLAIN if hasattr(inner, name)}
    members |= {name: member for name, member in _CHANGED.items() if hasattr(inner, name)}
    return type(f"Dressed{inner.__name__}", (_State,), members)


class _Game:
    """The game beneath, dressed. Its class gets the members by which that game declares more, see ``_dress``."""

    def __init__(self, inner: Game, variant: str, dress: Dress) -> None:
        self.inner, self.variant, self.dress = inner, variant, dress
        self.name = f"{inner.name}+{variant}"
        self.seats, self.tick_rate, self.can_clone = inner.seats, inner.tick_rate, inner.can_clone
        self.features = inner.features
        self.moves = tuple(dress.move_out(move) for move in inner.moves)
        self.rules = dress.text_out(inner.rules)

    def __reduce__(self) -> tuple[Callable[..., Game], tuple[Game, str, Dress]]:
        """Another process makes the class anew."""
        return _dress, (self.inner, self.variant, self.dress)

    def initial_state(self, seed: int) -> State:
        state = self.inner.initial_state(seed)
        return cast(State, _state_class(type(state))(state, self.dress))

    def phrase(self, feature: str, value: str) -> str:
        return self.dress.text_out(self.inner.phrase(feature, value))

    def read_move(self, reply: str, observation: Observation) -> Move | None:
        legal = tuple(self.dress.move_in(move) for move in observation.legal_moves)
        inside = replace(observation, text=self.dress.move_in(observation.text), legal_moves=legal)
        return _shown(self.dress, self.inner.read_move(self.dress.move_in(reply), inside))


def _shown(dress: Dress, move: Move | None) -> Move | None:
    return None if move is None else dress.move_out(move)


def _first_move(self: _Game, text: str) -> Move | None:
    return _shown(self.dress, cast(Any, self.inner).first_move(self.dress.move_in(text)))


def _rest_of(self: _Game, plan: Move) -> Move | None:
    return _shown(self.dress, cast(Any, self.inner).rest_of(self.dress.move_in(plan)))


_DECLARED: Mapping[str, Any] = {
    "most_at_once": property(lambda self: self.inner.most_at_once),
    "first_move": _first_move,
    "rest_of": _rest_of,
    "terms": property(lambda self: tuple(map(self.dress.text_out, self.inner.terms))),
}


def _dress(game: Game, variant: str, dress: Dress) -> Game:
    members = {name: member for name, member in _DECLARED.items() if hasattr(game, name)}
    return cast(Game, type(f"Dressed{type(game).__name__}", (_Game,), members)(game, variant, dress))
