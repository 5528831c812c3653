"""Twenty-one: count up in turn by one to three; whoever has to say twenty-one loses."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from episodes.game import Move, Observation, last_named


@dataclass(slots=True)
class Counting:
    count: int = 0
    mover: int = 0
    loser: int | None = None

    def to_act(self) -> tuple[int, ...]:
        return () if self.is_terminal() else (self.mover,)

    def observe(self, seat: int) -> Observation:
        left = "few" if self.count > 15 else "many"
        return Observation(f"The count is {self.count}.", {"left": left}, self.legal_moves(seat))

    def legal_moves(self, seat: int) -> tuple[Move, ...]:
        return GAME.moves if seat in self.to_act() else ()

    def accepts(self, seat: int, move: Move) -> bool:
        return move in self.legal_moves(seat)

    def apply(self, moves: Mapping[int, Move | None]) -> None:
        (seat, move), *_ = moves.items()
        self.count += GAME.moves.index(move) + 1 if move else 21  # who says nothing loses
        self.loser = seat if self.count >= 21 else None
        self.mover = 1 - seat

    def is_terminal(self) -> bool:
        return self.loser is not None

    def returns(self) -> tuple[float, ...]:
        return (0.0, 0.0) if self.loser is None else (-1.0, 1.0) if self.loser == 0 else (1.0, -1.0)

    # What follows lets searches and what-ifs play on from any state (can_clone).

    def clone(self) -> "Counting":
        return replace(self)

    def fingerprint(self) -> str:
        return f"{self.count} {self.mover} {self.loser}"

    def belief(self, seat: int, seed: int) -> "Counting":
        return self.clone()  # nothing is hidden


@dataclass(frozen=True, slots=True)
class TwentyOne:
    name: str = "twenty-one"
    seats: int = 2
    tick_rate: int | None = None
    can_clone: bool = True
    moves: tuple[Move, ...] = ("add-one", "add-two", "add-three")
    rules: str = "Count up in turn by one, two or three, from 0. Whoever reaches 21 or more loses."

    @property
    def features(self) -> Mapping[str, tuple[str, ...]]:
        return {"left": ("many", "few")}

    def initial_state(self, seed: int) -> Counting:
        return Counting()

    def phrase(self, feature: str, value: str) -> str:
        return f"there are {value} numbers left"

    def read_move(self, reply: str, observation: Observation) -> Move | None:
        return last_named(reply, self.moves)


GAME = TwentyOne()
