"""A game that is not ours, as the program uses it: what its code raises is a fault, and no crash.

An exception of the game's, or an answer that the contract does not allow, becomes ``GameFault``: the episode is void,
for it is nobody's fault who plays. Errors of ours pass (a provider's fault, bad input), and so does what ends the
program. Whatever plays in such a game, a search too, sees the guarded states and never the bare ones.

The guard stands where plug-ins are opened. This program's own games have none: a fault of theirs is ours.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, cast, get_args

from episodes.fault import (
    ContractBroken,
    GuestFault,
    checked_count,
    checked_text,
    checked_texts,
    faults_of,
    opening,
    raised,
)
from episodes.game import Capabilities, Fate, Game, Input, Move, Observation, State
from models.errors import CornermanError, GameFault
from models.grammar import Grammar, is_grammar

FATES: tuple[Fate, ...] = get_args(Fate)
MOST_TICKS = 10**6
"""Ticks a second: with more, the ticks of a long latency could not be counted."""
_WITH_SEAT = frozenset({"observe", "accepts", "ready_in", "belief", "legal_moves"})
"""Calls whose first argument is a seat."""


class _Guarded:
    """A game or a state, ``inner``, that is called with care. What is not of the contract's it is asked itself."""

    inner: Any

    def __getattr__(self, name: str) -> Any:
        if name == "inner":  # not there yet, while a copy is being made
            raise AttributeError(name)
        return getattr(self.inner, name)


Reader = Callable[[Any, Any, tuple[Any, ...]], Any]
"""What is made of an answer: of whom it is, the answer, and what it was asked with. Raises ``ContractBroken``."""


def _calling(call: str, read: Reader) -> Callable[..., Any]:
    """The method ``call`` of a guest, its answer read by ``read``."""

    def method(self: Any, *arguments: Any) -> Any:
        try:
            return read(self, getattr(self.inner, call)(*arguments), arguments)
        except (CornermanError, KeyboardInterrupt):
            raise
        except BaseException as error:  # an author's code may raise anything
            raise broken(call, error, arguments) from None

    return method


def broken(call: str, error: BaseException, arguments: tuple[Any, ...] = ()) -> GameFault:
    """The fault of a game in whose ``call`` something was raised."""
    seat = arguments[0] if call in _WITH_SEAT and arguments and isinstance(arguments[0], int) else None
    fault = raised("game", call, error, seat)
    found = GameFault(fault.message)
    found.faults = (fault,)
    return found


def _read_nothing(owner: Any, found: object, asked: tuple[Any, ...]) -> None:
    return None


def _read_truth(owner: Any, found: object, asked: tuple[Any, ...]) -> bool:
    return bool(found)


def _read_text(owner: Any, found: object, asked: tuple[Any, ...]) -> str:
    return checked_text(found)


def _read_move(owner: Any, found: object, asked: tuple[Any, ...]) -> Move | None:
    return None if found is None else checked_text(found)


def _read_grammar(owner: Any, found: object, asked: tuple[Any, ...]) -> Grammar:
    if not is_grammar(found):
        raise ContractBroken(found, "a grammar is wanted, see models/grammar.py")
    return cast(Grammar, found)


def _read_count(owner: Any, found: object, asked: tuple[Any, ...]) -> int:
    return checked_count(found)


def _read_start(owner: "_Game", found: object, asked: tuple[Any, ...]) -> "_State":
    return _state(found, owner)


def _read_copy(owner: "_State", found: object, asked: tuple[Any, ...]) -> "_State":
    return type(owner)(found, owner._game) if type(found) is type(owner.inner) else _state(found, owner._game)


def _read_due(owner: "_State", found: Any, asked: tuple[Any, ...]) -> tuple[int, ...]:
    seats, game = tuple(map(checked_count, found)), owner._game
    if len(set(seats)) < len(seats) or not all(0 <= seat < game.seats for seat in seats):
        raise ContractBroken(found, f"different seats from 0 to {game.seats - 1} are wanted")
    if not seats and game.tick_rate is None and not owner.inner.is_terminal():
        raise ContractBroken(found, "nobody is to act and the game is not over")
    return seats


def _read_legal(owner: "_State", found: object, asked: tuple[Any, ...]) -> tuple[Move, ...]:
    legal = checked_texts(found)
    if not legal and asked[0] in owner.inner.to_act():
        raise ContractBroken(found, f"seat {asked[0]} is to act and has no legal move")
    return legal


def _read_observation(owner: "_State", found: object, asked: tuple[Any, ...]) -> Observation:
    """The observation in plain values, which stay what they were when the game goes on."""
    if not isinstance(found, Observation):
        raise ContractBroken(found, "an Observation is wanted")
    situation = {checked_text(feature): checked_text(value) for feature, value in found.situation.items()}
    for feature, values in owner._game.features.items():
        if situation.get(feature) not in values:
            raise ContractBroken(situation, f"a situation has one of {values} as its {feature!r}")
    if found.listed not in (True, False):
        raise ContractBroken(found.listed, "listed is True or False")
    legal = _read_legal(owner, found.legal_moves, asked)
    return Observation(checked_text(found.text), situation, legal, bool(found.listed))


def _read_returns(owner: "_State", found: Any, asked: tuple[Any, ...]) -> tuple[float, ...]:
    returns, seats = tuple(map(float, found)), owner._game.seats
    if len(returns) != seats or not all(map(math.isfinite, returns)) or (seats == 1 and abs(returns[0]) > 1):
        raise ContractBroken(found, f"{seats} finite numbers in [-1, 1] are wanted")
    return returns


def _read_passed(owner: "_State", found: object, asked: tuple[Any, ...]) -> int:
    passed = checked_count(found)
    if not 0 <= passed <= asked[0]:
        raise ContractBroken(found, f"it was asked to let at most {asked[0]} ticks pass")
    return passed


def _read_inputs(owner: "_State", found: Any, asked: tuple[Any, ...]) -> tuple[Input, ...]:
    return tuple(_read_input(one, owner._game.seats) for one in found)


def _read_input(found: object, seats: int) -> Input:
    if not isinstance(found, Input):
        raise ContractBroken(found, "an Input is wanted")
    seat, decision, tick = map(checked_count, (found.seat, found.decision, found.tick))
    if not 0 <= seat < seats:
        raise ContractBroken(seat, f"seats from 0 to {seats - 1} are wanted")
    if found.fate not in FATES:
        raise ContractBroken(found.fate, f"a fate is one of {', '.join(FATES)}")
    return Input(seat, decision, checked_text(found.move), found.fate, tick)


def _read_tick(self: "_State") -> int:
    try:
        return checked_count(self.inner.tick)
    except (CornermanError, KeyboardInterrupt):
        raise
    except BaseException as error:  # as above
        raise broken("tick", error) from None


_pass_time = _calling("advance", _read_passed)


def _advance(self: Any, ticks: int) -> int:
    """``advance``, by which time must pass: whoever plays would wait for ever where it stands still."""
    before = self.tick
    passed: int = _pass_time(self, ticks)
    if self.tick - before != passed:
        raise broken("advance", ContractBroken(passed, f"tick went from {before} to {self.tick}"))
    if not passed and not self.is_terminal():
        raise broken("advance", ContractBroken(passed, "time has to pass while the game is not over"))
    return passed


_STATE: Mapping[str, Any] = {
    "to_act": _calling("to_act", _read_due),
    "observe": _calling("observe", _read_observation),
    "accepts": _calling("accepts", _read_truth),
    "apply": _calling("apply", _read_nothing),
    "is_terminal": _calling("is_terminal", _read_truth),
    "returns": _calling("returns", _read_returns),
}
_REAL_TIME: Mapping[str, Any] = {
    "tick": property(_read_tick),
    "advance": _advance,
    "ready_in": _calling("ready_in", _read_count),
    "inputs": _calling("inputs", _read_inputs),
}
_CLONEABLE: Mapping[str, Any] = {
    "clone": _calling("clone", _read_copy),
    "fingerprint": _calling("fingerprint", _read_text),
    "belief": _calling("belief", _read_copy),
    "legal_moves": _calling("legal_moves", _read_legal),
}
_CLOSABLE: Mapping[str, Any] = {"close": _calling("close", _read_nothing)}
_MORE: Mapping[str, Any] = {**_REAL_TIME, **_CLONEABLE, **_CLOSABLE}


class _State(_Guarded):
    """A state of a guest. Its class has the capabilities of the state beneath and no others: see ``_state_class``."""

    def __init__(self, inner: Any, game: "_Game") -> None:
        self.inner = inner
        self._game = game


@cache
def _state_class(inner: type, more: tuple[str, ...]) -> type[_State]:
    members = {**_STATE, **{name: _MORE[name] for name in more}}
    return type(f"Guest{inner.__name__}", (_State,), members)


def _has(found: object, name: str) -> bool:
    """Whether it has the member; a property is looked for and not asked."""
    return hasattr(type(found), name) or hasattr(found, name)


def _state(found: object, game: "_Game") -> _State:
    """``found`` as a guest with what its game declares; raises ``ContractBroken`` where that is not there."""
    capabilities = game.capabilities
    more = [
        *(_REAL_TIME if game.tick_rate is not None else ()),
        *(_CLONEABLE if capabilities.clone else ()),
        *(_CLOSABLE if capabilities.most_at_once is not None else ()),
    ]
    missing = sorted(name for name in (*_STATE, *more) if not _has(found, name))
    if missing:
        raise ContractBroken(found, f"a state with {', '.join(missing)} is wanted")
    return _state_class(cast(type, type(found)), tuple(more))(found, game)


def _read_capabilities(found: Capabilities) -> Capabilities:
    most, terms = found.most_at_once, found.terms
    if most is not None and checked_count(most) < 1:
        raise ContractBroken(most, "most_at_once is one episode at least")
    return replace(found, terms=None if terms is None else checked_texts(terms))


def _read_features(found: object) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(found, Mapping):
        raise ContractBroken(found, "a mapping is wanted")
    return {checked_text(feature): checked_texts(values) for feature, values in found.items()}


_say = _calling("phrase", _read_text)


class _Game(_Guarded):
    """A game of a guest. What it declares was read once; its class gets the rest, see ``guest_game``."""

    def __init__(self, inner: Any, place: str, reopen: Callable[[str], Game]) -> None:
        self.inner = inner
        self.name = checked_text(inner.name)
        self.seats = checked_count(inner.seats)
        if self.seats < 1:
            raise ContractBroken(self.seats, "one seat at least is wanted")
        self.tick_rate = None if inner.tick_rate is None else checked_count(inner.tick_rate)
        if self.tick_rate is not None and not 1 <= self.tick_rate <= MOST_TICKS:
            raise ContractBroken(self.tick_rate, f"ticks a second, from 1 to {MOST_TICKS}, or None are wanted")
        self.capabilities = _read_capabilities(inner.capabilities)
        self.moves = checked_texts(inner.moves)
        self.features = _read_features(inner.features)
        self.rules = checked_text(inner.rules)
        self._opened = (reopen, place)
        self.unsaid: tuple[GuestFault, ...] = ()

    def __reduce__(self) -> tuple[Callable[[str], Game], tuple[str]]:
        """Another process opens the game anew: the module that a file became is known in this one only."""
        reopen, place = self._opened
        return reopen, (place,)

    initial_state = _calling("initial_state", _read_start)

    def phrase(self, feature: str, value: str) -> str:
        """Words play no part in a game: where it has none, the names of the situation serve. ``unsaid`` tells of it."""
        try:
            return cast(str, _say(self, feature, value))
        except GameFault as broke:
            self.unsaid = self.unsaid or faults_of(broke)
            return f"{feature} is {value}"

    read_move = _calling("read_move", _read_move)


_PLANS: Mapping[str, Any] = {
    "first_move": _calling("first_move", _read_move),
    "rest_of": _calling("rest_of", _read_move),
}
_GRAMMAR: Mapping[str, Any] = {"plan_grammar": _calling("plan_grammar", _read_grammar)}


def guest_game(inner: Game, place: str, reopen: Callable[[str], Game]) -> Game:
    """``inner``, which was found at ``place``, as a guest; ``reopen`` opens what is at a place.

    Raises ``BadInput`` where the game cannot even say what it is.
    """
    with opening(f"{place} cannot be opened: in its declarations"):
        can = inner.capabilities
        members = {**(_PLANS if can.plans else {}), **(_GRAMMAR if can.grammar else {})}
        made = type(f"Guest{type(inner).__name__}", (_Game,), members)
        return cast(Game, made(inner, place, reopen))


def unsaid(game: Game) -> tuple[GuestFault, ...]:
    """What broke when the ``game`` of a guest was asked for words, the first time; nothing for others."""
    while not isinstance(game, _Game) and hasattr(game, "inner"):
        game = game.inner
    return game.unsaid if isinstance(game, _Game) else ()


def no_legal_move(state: State, seat: int) -> GameFault | None:
    """The fault of a guest whose ``state`` was asked for what ``seat`` sees and named no move; ``None`` for others."""
    while not isinstance(state, _State) and hasattr(state, "inner"):
        state = state.inner
    wanted = f"seat {seat} is asked for a move and has none"
    return broken("observe", ContractBroken((), wanted), (seat,)) if isinstance(state, _State) else None
