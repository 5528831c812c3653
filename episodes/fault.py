"""What the code of a plug-in raised, as plain values that can be kept, sent to other processes and shown.

Texts are bounded and hold no keys: an author's exception may say anything. Knows nothing about who asked.
"""

import operator
import os
import reprlib
import traceback as tracebacks
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from models.boundary import one_line, without_keys
from models.errors import BadInput, CornermanError, Void

FRAMES = 30
"""Calls of a traceback that are kept, the innermost."""
LONGEST_TRACEBACK = 8000
_MOST_COUNT = 2**62
_SECRET_NAMES = ("KEY", "TOKEN", "SECRET", "PASSWORD")
_SHORTEST_SECRET = 8


class ContractBroken(Exception):
    """A plug-in gave what the contract does not allow; the message says what, and what is wanted."""

    def __init__(self, given: object, wanted: str) -> None:
        super().__init__(f"gave {one_line(reprlib.repr(given))}; {wanted}")


def checked_text(found: object) -> str:
    """``found``, if it is a text that can be stored; raises ``ContractBroken``, as do the next two."""
    if isinstance(found, str):
        try:
            found.encode()
        except UnicodeEncodeError:
            raise ContractBroken(found, "it has half a surrogate pair, so it is no text") from None
        return found
    raise ContractBroken(found, "a text is wanted")


def checked_texts(found: object) -> tuple[str, ...]:
    if isinstance(found, tuple | list):
        return tuple(map(checked_text, found))
    raise ContractBroken(found, "a tuple of texts is wanted")


def checked_count(found: object) -> int:
    try:
        count = operator.index(found)  # type: ignore[arg-type]  # that it may not be one is what is asked
    except TypeError:
        raise ContractBroken(found, "a whole number is wanted") from None
    if abs(count) >= _MOST_COUNT:
        raise ContractBroken(found, "a smaller number is wanted")
    return count


@dataclass(frozen=True, slots=True)
class GuestFault:
    """One fault of a game or of a player that is not ours.

    ``message`` says where it happened and what was wrong, in one line; ``kind`` is the exception's class; ``player``
    and ``seat`` are whose decision it was, if anybody's; ``turn`` and ``tick`` are those of the decision, or of the
    last one before a game broke. A player's faults in one episode are one, the first, with how many ``times``.
    """

    where: Literal["game", "player"]
    kind: str
    message: str
    traceback: str
    seat: int | None = None
    player: str | None = None
    turn: int | None = None
    tick: int | None = None
    times: int = 1

    def line(self, game: str) -> str:
        """What is shown of it; ``game`` is the name of the game that was played."""
        if self.where == "game":
            words = self.message.startswith("in phrase: ")
            lost = "situations are told by their names" if words else "what was being played is void"
            return f"the game {game} broke {self.message}; {lost}"
        at = "" if self.turn is None else f" at turn {self.turn}"
        return f"the player {self.player} broke{at} {self.message}; the decision is lost"


@dataclass(frozen=True, slots=True)
class FaultPlace:
    """The episode in which a fault came up, whether or not it is kept."""

    episode_id: str
    game: str
    pair_id: str | None
    night_id: str | None


def raised(where: Literal["game", "player"], call: str, error: BaseException, seat: int | None = None) -> GuestFault:
    """The fault that ``error`` is, which came out of the plug-in's ``call``."""
    said = tracebacks.TracebackException.from_exception(error, limit=-FRAMES)
    traceback = _bounded(_clean("".join(said.format())))
    return GuestFault(where, one_line(type(error).__name__), f"in {call}: {told(error)}", traceback, seat)


def told(error: BaseException) -> str:
    """What a plug-in's ``error`` is and in which line of which file it was raised, in one line."""
    if isinstance(error, ContractBroken):
        return one_line(_clean(str(error)))
    said = tracebacks.TracebackException.from_exception(error, limit=-1)
    message = one_line(_clean("".join(said.format_exception_only())))
    if not said.stack or said.stack[0].filename.startswith("<"):  # the machinery of imports is no place
        return message
    return f"{message} ({one_line(_clean(Path(said.stack[0].filename).name))}, line {said.stack[0].lineno})"


@contextmanager
def opening(what: str) -> Iterator[None]:
    """What the code of a plug-in raises inside, before there is anything to play, is ``BadInput`` that begins so."""
    try:
        yield
    except (CornermanError, KeyboardInterrupt):
        raise
    except BaseException as error:  # an author's code may raise anything
        raise BadInput(f"{what}: {told(error)}") from error


def faults_of(void: Void) -> tuple[GuestFault, ...]:
    """The faults of plug-ins that came before an episode was void, or made it so."""
    return tuple(fault for fault in void.faults if isinstance(fault, GuestFault))


def first_of_each_seat(faults: Iterable[GuestFault]) -> tuple[GuestFault, ...]:
    """One episode's faults of players, which are in order, by seat: the first of each seat with how many there were."""
    of_seat: dict[int, list[GuestFault]] = {}
    for fault in faults:
        assert fault.seat is not None
        of_seat.setdefault(fault.seat, []).append(fault)
    return tuple(replace(found[0], times=len(found)) for _, found in sorted(of_seat.items()))


def _clean(text: str) -> str:
    """Without keys, ours and what looks like one, and such that it can be stored."""
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST_SECRET and name.upper().endswith(_SECRET_NAMES):
            text = text.replace(value, "[key]")
    return without_keys(text).encode(errors="replace").decode()


def _bounded(text: str) -> str:
    """The end of a long text, where the fault is."""
    return text if len(text) <= LONGEST_TRACEBACK else "…" + text[1 - LONGEST_TRACEBACK :]
