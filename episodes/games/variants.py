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

from episodes.game import (
    Capabilities,
    CloneableState,
    Game,
    GrammarGame,
    Input,
    Move,
    Observation,
    PlanGame,
    RealTimeState,
    State,
)
from models.errors import BadInput
from models.grammar import Grammar, reworded

VARIANTS = ("unlisted", "renamed")


def dressed(game: Game, variants: Sequence[str]) -> Game:
    """``game`` in its variants, in the order given; raises ``BadInput`` for one that is unknown or does not fit."""
    for variant in variants:
        if variant not in VARIANTS or variants.count(variant) > 1:
            raise BadInput(f"{game.name} has no variant {variant!r}: write one or both of +{' +'.join(VARIANTS)}")
        if variant == "unlisted":
            game = _dress(game, "unlisted", _Unlisted())
        elif game.capabilities.terms is not None and game.moves:
            game = _dress(game, "renamed", _Renamed.of(game, game.capabilities.terms))
        else:
            raise BadInput(f"{game.name} cannot be renamed: it does not declare the words that would give it away")
    return game


class Dress(Protocol):
    """How what a game says is shown to players (out), and how what they say is put to the game (in)."""

    def move_out(self, move: Move) -> Move: ...

    def move_in(self, move: Move) -> Move: ...

    def text_out(self, text: str) -> str: ...

    def observation(self, observation: Observation) -> Observation: ...

    def capabilities(self, capabilities: Capabilities) -> Capabilities: ...


class _Unlisted:
    def move_out(self, move: Move) -> Move:
        return move

    def move_in(self, move: Move) -> Move:
        return move

    def text_out(self, text: str) -> str:
        return text

    def observation(self, observation: Observation) -> Observation:
        return replace(observation, listed=False)

    def capabilities(self, capabilities: Capabilities) -> Capabilities:
        return capabilities


@dataclass(frozen=True, slots=True)
class _Renamed:
    """``new`` words by the old ones, both in lower case; ``old`` words by the new ones, as the game spells them."""

    new: Mapping[str, str]
    old: Mapping[str, str]
    find_old: re.Pattern[str]
    find_any: re.Pattern[str]

    @classmethod
    def of(cls, game: Game, terms: Sequence[str]) -> "_Renamed":
        spelled = {word.lower(): word for word in (*terms, *game.moves)}
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

    def capabilities(self, capabilities: Capabilities) -> Capabilities:
        """Once is enough."""
        return replace(capabilities, terms=None)


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
    """A state of the game beneath, dressed; what else that game's states can do, its subclasses dress.

    ``inner`` is what the game beneath declares, and so is the subclass.
    """

    def __init__(self, inner: Any, dress: Dress) -> None:
        self.inner = inner
        self.dress = dress

    def to_act(self) -> tuple[int, ...]:
        return cast(State, self.inner).to_act()

    def observe(self, seat: int) -> Observation:
        return self.dress.observation(self.inner.observe(seat))

    def accepts(self, seat: int, move: Move) -> bool:
        return cast(State, self.inner).accepts(seat, self.dress.move_in(move))

    def apply(self, moves: Mapping[int, Move | None]) -> None:
        self.inner.apply({seat: None if move is None else self.dress.move_in(move) for seat, move in moves.items()})

    def is_terminal(self) -> bool:
        return cast(State, self.inner).is_terminal()

    def returns(self) -> tuple[float, ...]:
        return cast(State, self.inner).returns()


class _RealTime(_State):
    @property
    def tick(self) -> int:
        return cast(RealTimeState, self.inner).tick

    def advance(self, ticks: int) -> int:
        return cast(RealTimeState, self.inner).advance(ticks)

    def ready_in(self, seat: int) -> int:
        return cast(RealTimeState, self.inner).ready_in(seat)

    def inputs(self) -> tuple[Input, ...]:
        return tuple(replace(one, move=self.dress.move_out(one.move)) for one in self.inner.inputs())


class _Cloneable(_State):
    def clone(self) -> "_Cloneable":
        return type(self)(self.inner.clone(), self.dress)

    def fingerprint(self) -> str:
        return cast(CloneableState, self.inner).fingerprint()

    def belief(self, seat: int, seed: int) -> "_Cloneable":
        return type(self)(self.inner.belief(seat, seed), self.dress)

    def legal_moves(self, seat: int) -> tuple[Move, ...]:
        return tuple(self.dress.move_out(move) for move in self.inner.legal_moves(seat))


class _Closable(_State):
    def close(self) -> None:
        self.inner.close()


@cache
def _state_class(real_time: bool, clone: bool, external: bool) -> type[_State]:
    """A class that can do just this."""
    parts = ((_RealTime, real_time), (_Cloneable, clone), (_Closable, external))
    return type("DressedState", tuple(part for part, there in parts if there) or (_State,), {})


class _Game:
    """The game beneath, dressed; a subclass where that one takes plans, or says what they may be."""

    def __init__(self, inner: Game, variant: str, dress: Dress) -> None:
        self.inner, self.variant, self.dress = inner, variant, dress
        self.name = f"{inner.name}+{variant}"
        self.seats, self.tick_rate, self.features = inner.seats, inner.tick_rate, inner.features
        self.capabilities = dress.capabilities(inner.capabilities)
        self.moves = tuple(dress.move_out(move) for move in inner.moves)
        self.rules = dress.text_out(inner.rules)
        self._state = _state_class(
            self.tick_rate is not None, self.capabilities.clone, self.capabilities.most_at_once is not None
        )

    def __reduce__(self) -> tuple[Callable[..., Game], tuple[Game, str, Dress]]:
        """Another process makes the class anew."""
        return _dress, (self.inner, self.variant, self.dress)

    def initial_state(self, seed: int) -> State:
        return self._state(self.inner.initial_state(seed), self.dress)

    def phrase(self, feature: str, value: str) -> str:
        return self.dress.text_out(self.inner.phrase(feature, value))

    def read_move(self, reply: str, observation: Observation) -> Move | None:
        return _shown(self.dress, self.inner.read_move(self.dress.move_in(reply), self._inside(observation)))

    def _inside(self, observation: Observation) -> Observation:
        """What is seen, in the words of the game beneath."""
        legal = tuple(self.dress.move_in(move) for move in observation.legal_moves)
        return replace(observation, text=self.dress.move_in(observation.text), legal_moves=legal)


class _PlanGame(_Game):
    def first_move(self, text: str) -> Move | None:
        return _shown(self.dress, cast(PlanGame, self.inner).first_move(self.dress.move_in(text)))

    def rest_of(self, plan: Move) -> Move | None:
        return _shown(self.dress, cast(PlanGame, self.inner).rest_of(self.dress.move_in(plan)))


class _GrammarGame(_PlanGame):
    def plan_grammar(self, observation: Observation) -> Grammar:
        grammar = cast(GrammarGame, self.inner).plan_grammar(self._inside(observation))
        return reworded(grammar, self.dress.text_out)


def _shown(dress: Dress, move: Move | None) -> Move | None:
    return None if move is None else dress.move_out(move)


def _dress(game: Game, variant: str, dress: Dress) -> Game:
    can = game.capabilities
    kind = _GrammarGame if can.grammar else _PlanGame if can.plans else _Game
    return kind(game, variant, dress)


def lists_moves(game: Game) -> bool:
    """Whether players of ``game`` may be shown which moves are legal, and models be held to them."""
    while isinstance(game, _Game):
        if game.variant == "unlisted":
            return False
        game = game.inner
    return True


def beneath(game: Game, state: State) -> tuple[Game, State]:
    """``game`` and its ``state`` without any variant."""
    while isinstance(game, _Game) and isinstance(state, _State):
        game, state = game.inner, state.inner
    return game, state
