"""The contract of a game: seats, states, observations, moves.

The words are OpenSpiel's. A turn-based game implements ``Game`` and ``State``; a real-time game has a tick rate and
adds ``RealTimeState``. What else a game can do it declares as ``Capabilities``, and nothing is found out by looking at
its objects: ``real_time``, ``cloneable``, ``closable``, ``plan_game`` and ``grammar_game`` give them as what they are
declared to be.
``check_game`` tests that declarations are true.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol, cast, runtime_checkable

from models.grammar import Grammar

Move = str


@dataclass(frozen=True, slots=True)
class Observation:
    """What one seat sees at one moment.

    ``text`` is for a reader of English and never shows what is hidden from the seat; ``situation`` maps each feature
    of ``Game.features`` to one of its values; ``legal_moves`` are single moves, never empty for a seat that is to act
    (all of them or, in a game of free text, some). ``text`` does not list them: a prompt does, if they are ``listed``.
    """

    text: str
    situation: Mapping[str, str]
    legal_moves: tuple[Move, ...]
    listed: bool = True


class State(Protocol):
    """One position of one play-through; mutable, owned by whoever plays it."""

    def to_act(self) -> tuple[int, ...]:
        """Seats that owe a decision now; several in a simultaneous game, none once terminal."""

    def observe(self, seat: int) -> Observation:
        """What ``seat`` sees. Pure: observing changes nothing."""

    def accepts(self, seat: int, move: Move) -> bool:
        """Whether ``apply`` would take this move (a legal move or, where the game has them, a plan of moves)."""

    def apply(self, moves: Mapping[int, Move | None]) -> None:
        """Put decisions into effect, all at the same moment.

        ``None`` is a decision that gave no acceptable move; the game's rules say what that costs (a lost turn, a lost
        game). In a turn-based game the keys are ``to_act()``; in a real-time game any seat may decide at any time.
        """

    def is_terminal(self) -> bool: ...

    def returns(self) -> tuple[float, ...]:
        """The return of each seat so far, in [-1, 1], higher is better; the final result once terminal.

        In a game of one seat it is graded: the seat's score is (1 + return) / 2.
        """


@runtime_checkable
class RealTimeState(State, Protocol):
    """A state in which time passes by itself."""

    @property
    def tick(self) -> int:
        """Ticks since the start."""

    def advance(self, ticks: int) -> int:
        """Let at most ``ticks`` > 0 pass; stop early when a seat enters ``to_act()`` or the game ends.

        A seat that was to act already (its player is still thinking) does not stop the clock.
        Returns how many ticks passed.
        """

    def ready_in(self, seat: int) -> int:
        """Ticks until ``seat`` is expected to owe a decision, as it knows itself; 0 means it is in ``to_act()``."""

    def inputs(self) -> "tuple[Input, ...]":
        """Every input given so far with its fate, in the order given."""


@runtime_checkable
class CloneableState(State, Protocol):
    """A state that can be copied, so that what-ifs and searches can play on from it."""

    def clone(self) -> "CloneableState":
        """An independent copy: same future under the same moves."""

    def fingerprint(self) -> str:
        """A short digest of everything that decides the future; equal states have equal fingerprints."""

    def belief(self, seat: int, seed: int) -> "CloneableState":
        """A copy as ``seat`` may believe the state to be: what is hidden from it is drawn from ``seed``.

        In a game of perfect information this is ``clone()``.
        """

    def legal_moves(self, seat: int) -> tuple[Move, ...]:
        """``observe(seat).legal_moves`` without the rest: a search asks many thousand times a second."""


@runtime_checkable
class ClosableState(State, Protocol):
    """A state that another process keeps. Its calls wait for that process, and may come from several threads in turn.

    A process that dies is ``models.errors.Unavailable``: the fault is nobody's who plays.
    """

    def close(self) -> None:
        """End that process or give it back, also in the middle of a game; calling it twice is harmless."""


Fate = Literal["waiting", "played", "late", "superseded", "skipped"]


@dataclass(frozen=True, slots=True)
class Input:
    """One move of one decision and what became of it.

    ``decision`` counts the seat's decisions from 0; ``tick`` is when the fate was settled. ``waiting`` becomes
    ``played`` when the move starts, ``superseded`` when a newer decision replaces it, ``skipped`` when its condition
    does not hold, and ``late`` when the game ends before it could start.
    """

    seat: int
    decision: int
    move: Move
    fate: Fate
    tick: int


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a game can do beyond the plain contract; what is not declared is not there.

    Real time is none of them: how fast time runs is a rule, ``Game.tick_rate``.
    """

    clone: bool = False
    """States are ``CloneableState``, so that searches and what-ifs can play on from them."""
    plans: bool = False
    """Models may answer with plans of moves: the game is a ``PlanGame``."""
    grammar: bool = False
    """Plans are texts of a grammar, to which models can be held: the game is a ``GrammarGame``."""
    most_at_once: int | None = None
    """States live in other processes and are ``ClosableState``; so many episodes can run beside each other."""
    terms: tuple[str, ...] | None = None
    """The game can be played under other words: beside its moves, these in its rules and texts would give it away."""


class Game(Protocol):
    """Rules. Immutable and shared; everything that changes is in the state."""

    @property
    def name(self) -> str:
        """As on the command line, one word: letters, digits and ``- _ : ( ) [ ] , ; = . + / ~``."""

    @property
    def seats(self) -> int: ...

    @property
    def tick_rate(self) -> int | None:
        """Ticks a second where states are ``RealTimeState``, or ``None`` for a turn-based game."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do beyond this; a game that is loaded without is given them, see ``games.undeclared``."""

    @property
    def moves(self) -> tuple[Move, ...]:
        """Every single move that can ever be legal; empty where moves are free text."""

    @property
    def features(self) -> Mapping[str, tuple[str, ...]]:
        """Each situation feature with all its values, in order."""

    @property
    def rules(self) -> str:
        """The rules as text for a prompt."""

    def initial_state(self, seed: int) -> State:
        """The start that ``seed`` draws. Same seed, same start."""

    def phrase(self, feature: str, value: str) -> str:
        """A clause that says ``feature`` is ``value``, fit to follow "When", e.g. "the opponent is far"."""

    def read_move(self, reply: str, observation: Observation) -> Move | None:
        """The move that a free-text reply names, whether legal or not; ``None`` if it names none."""


@runtime_checkable
class PlanGame(Game, Protocol):
    """A game that accepts several moves in one decision, to be made one after the other."""

    def first_move(self, text: str) -> Move | None:
        """The first move of a plan, where ``text`` has arrived of a reply and nothing that follows can change it."""

    def rest_of(self, plan: Move) -> Move | None:
        """What an accepted ``plan`` asks for after its first move; ``None`` if that was all."""


@runtime_checkable
class GrammarGame(PlanGame, Protocol):
    """A game that says what a plan may be."""

    def plan_grammar(self, observation: Observation) -> Grammar:
        """Plans as ``read_move`` gives them, each of which the game accepts where this is seen; single moves too."""


@runtime_checkable
class ExternalGame(Game, Protocol):
    """What a game may inherit that was written before ``Capabilities.most_at_once``; see ``games.undeclared``."""

    @property
    def most_at_once(self) -> int: ...


@runtime_checkable
class RenamableGame(Game, Protocol):
    """What a game may inherit that was written before ``Capabilities.terms``; see ``games.undeclared``."""

    @property
    def terms(self) -> tuple[str, ...]: ...


def real_time(game: Game, state: State) -> RealTimeState | None:
    """``state`` of ``game`` as one in which time passes; ``None`` in a turn-based game."""
    return None if game.tick_rate is None else cast(RealTimeState, state)


def cloneable(game: Game, state: State) -> CloneableState | None:
    """``state`` of ``game`` as one that can be copied; ``None`` where it cannot."""
    return cast(CloneableState, state) if game.capabilities.clone else None


def closable(game: Game, state: State) -> ClosableState | None:
    """``state`` of ``game`` as one that another process keeps; ``None`` where this one does."""
    return None if game.capabilities.most_at_once is None else cast(ClosableState, state)


def plan_game(game: Game) -> PlanGame | None:
    """``game`` as one that takes plans; ``None`` where every decision is one move."""
    return cast(PlanGame, game) if game.capabilities.plans else None


def grammar_game(game: Game) -> GrammarGame | None:
    """``game`` as one that says what a plan may be; ``None`` where it does not."""
    return cast(GrammarGame, game) if game.capabilities.grammar else None


def last_named(reply: str, moves: Sequence[Move]) -> Move | None:
    """The move named last in ``reply`` as a whole word, case ignored: what most games want as ``read_move``.

    People and models reason first and decide last. Where two moves start at the same place the longer one counts.
    Accents and the kind of apostrophe make no difference, unless they do between two moves.
    """
    distinct = len(set(map(_plain_move, moves))) == len(set(moves))
    lowered = plain(reply) if distinct else reply.lower()
    best: tuple[int, int, Move] | None = None
    for move in moves:
        word = _plain_move(move) if distinct else move.lower()
        at = lowered.rfind(word)
        while at >= 0:
            before, after = lowered[at - 1 : at], lowered[at + len(word) : at + len(word) + 1]
            if not (before.isalnum() or after.isalnum()):
                if best is None or (at, len(word)) > best[:2]:
                    best = (at, len(word), move)
                break
            at = lowered.rfind(word, 0, at)
    return best[2] if best else None


def plain(text: str) -> str:
    """``text`` as a keyboard without accents writes it, in lower case."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.translate(_SIGNS))
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign)).lower()


_plain_move = lru_cache(maxsize=4096)(plain)
_SIGNS = str.maketrans(
    dict.fromkeys("\u2018\u2019\u02bc\u00b4\u2032", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", '"')
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-")
    | {"\u00e6": "ae", "\u00c6": "AE", "\u0153": "oe", "\u0152": "OE", "\u00f8": "o", "\u00d8": "O", "\u00df": "ss"}
)
"""Signs that have another shape on paper than on a keyboard."""
