"""Games and players whose code breaks: what an author may do wrong, on the small games."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from small_games import Heap, HeapState, Rope, RopeState, drawn

from episodes.fault import FaultPlace, GuestFault
from episodes.game import Game, Observation
from episodes.games import load_game
from episodes.guest_game import guest_game
from episodes.player import Context, Decision
from episodes.record import EpisodeRecord


def fails(*arguments: object) -> Any:
    raise ZeroDivisionError("division by zero")


def breaking(call: str, how: Callable[..., Any] = fails, *, game: type[Heap] | type[Rope] = Heap) -> Game:
    """The heap or the rope as a guest, its ``call`` (of the game or of its states) replaced by ``how``."""
    state = HeapState if game is Heap else RopeState
    if not hasattr(state, call) and call != "tick":
        return guest_game(type("Broken", (game,), {call: how})(), "broken.py:GAME", load_game)
    members: dict[str, Any] = {call: property(how, lambda self, value: None) if call == "tick" else how}
    if game is Heap:  # a copy is made by the class's own name, so it is given its own
        members = {"clone": lambda self: broken(self.stones, self.mover, self.winner)} | members
    broken: Any = type("BrokenState", (state,), members)

    def initial_state(self: object, seed: int) -> Any:
        return broken(5 + seed % 4 if game is Heap else 0)

    return guest_game(type("Broken", (game,), {"initial_state": initial_state})(), "broken.py:GAME", load_game)


@dataclass
class Clumsy:
    """A player that answers with what ``answer`` gives, or with a legal move where that is ``None``."""

    answer: Callable[[Observation, Context], Any]
    name: str = "clumsy"
    model: str = "clumsy"
    prompt_id: str | None = None

    async def act(self, observation: Observation, context: Context) -> Decision:
        found = self.answer(observation, context)
        if found is None:
            move = drawn(observation, context)
            return Decision(move, move, 0.0)
        return found  # type: ignore[no-any-return]  # rubbish is what it is for


@dataclass
class Ledger:
    """A sink in memory that keeps faults of void episodes too."""

    kept: dict[str, EpisodeRecord] = field(default_factory=dict)
    faults: list[tuple[FaultPlace, GuestFault]] = field(default_factory=list)

    def scores(self, episode_id: str) -> tuple[float, ...] | None:
        record = self.kept.get(episode_id)
        return tuple(seat.score for seat in record.seats) if record else None

    def save(self, record: EpisodeRecord) -> None:
        self.kept[record.id] = record

    def save_faults(self, place: FaultPlace, faults: Sequence[GuestFault]) -> None:
        self.faults += [(place, fault) for fault in faults]
