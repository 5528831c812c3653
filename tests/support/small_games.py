"""Two real games small enough to reason about, and players that do as they are told."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fake_chat import FakeChat

from episodes.game import Capabilities, Fate, Input, Move, Observation
from episodes.player import Context, Decision, ReplyClass
from models.chat import ChatRequest, Completion, FinishReason, Usage
from models.errors import ModelError


def digest(*parts: object) -> str:
    return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()


@dataclass
class HeapState:
    """Take 1 to 3 stones in turn; whoever takes the last wins. No acceptable move loses."""

    stones: int
    mover: int = 0
    winner: int | None = None

    def to_act(self) -> tuple[int, ...]:
        return () if self.is_terminal() else (self.mover,)

    def observe(self, seat: int) -> Observation:
        legal = tuple(f"take-{n}" for n in (1, 2, 3) if n <= self.stones) if seat in self.to_act() else ()
        many = "many" if self.stones > 3 else "few"
        return Observation(f"{self.stones} stones are left.", {"stones": many}, legal)

    def accepts(self, seat: int, move: Move) -> bool:
        return move in self.observe(seat).legal_moves

    def apply(self, moves: Mapping[int, Move | None]) -> None:
        (seat, move), *_ = moves.items()
        if move is None:
            self.winner = 1 - seat
            return
        self.stones -= int(move[-1])
        if self.stones == 0:
            self.winner = seat
        self.mover = 1 - seat

    def is_terminal(self) -> bool:
        return self.winner is not None

    def returns(self) -> tuple[float, ...]:
        if self.winner is None:
            return (0.0, 0.0)
        return (1.0, -1.0) if self.winner == 0 else (-1.0, 1.0)

    def clone(self) -> "HeapState":
        return HeapState(self.stones, self.mover, self.winner)

    def fingerprint(self) -> str:
        return digest(self.stones, self.mover, self.winner)

    def belief(self, seat: int, seed: int) -> "HeapState":
        return self.clone()

    def legal_moves(self, seat: int) -> tuple[Move, ...]:
        return self.observe(seat).legal_moves


@dataclass(frozen=True)
class Heap:
    """Copying may be given away, to see what happens without fingerprints."""

    capabilities: Capabilities = Capabilities(clone=True)
    name: str = "heap"
    seats: int = 2
    tick_rate: None = None
    moves: tuple[Move, ...] = ("take-1", "take-2", "take-3")
    rules: str = "Take 1 to 3 stones in turn; whoever takes the last stone wins."

    @property
    def features(self) -> Mapping[str, tuple[str, ...]]:
        return {"stones": ("few", "many")}

    def initial_state(self, seed: int) -> HeapState:
        return HeapState(5 + seed % 4)

    def phrase(self, feature: str, value: str) -> str:
        return f"{value} stones are left"

    def read_move(self, reply: str, observation: Observation) -> Move | None:
        return next((move for move in self.moves if move in reply), None)


ROUND = 240
BUSY = {"push": 12, "wait": 6}


@dataclass
class RopeState:
    """A tug of war on 60 ticks a second: a push that ends moves the rope by one, unless the other pushes as well.

    A new decision replaces one that waits; a decision that gave no move is a wait.
    """

    drift: int
    rope: int = 0
    tick: int = 0
    doing: list[tuple[Move, int] | None] = field(default_factory=lambda: [None, None])
    waiting: list[int | None] = field(default_factory=lambda: [None, None])
    decisions: list[int] = field(default_factory=lambda: [0, 0])
    given: list[Input] = field(default_factory=list)

    def to_act(self) -> tuple[int, ...]:
        if self.is_terminal():
            return ()
        return tuple(seat for seat in (0, 1) if self.doing[seat] is None)

    def observe(self, seat: int) -> Observation:
        mine = self.rope if seat == 0 else -self.rope
        side = "ahead" if mine > 0 else "behind" if mine < 0 else "even"
        return Observation(f"Tick {self.tick}, the rope is at {mine}.", {"rope": side}, tuple(BUSY))

    def accepts(self, seat: int, move: Move) -> bool:
        return move in BUSY

    def apply(self, moves: Mapping[int, Move | None]) -> None:
        for seat, move in moves.items():
            if move is not None and move not in BUSY:
                raise ValueError(f"no move {move}")
            before = self.waiting[seat]
            if before is not None:
                self._settle(before, "superseded")
            self.given.append(Input(seat, self.decisions[seat], move or "wait", "waiting", self.tick))
            self.decisions[seat] += 1
            self.waiting[seat] = len(self.given) - 1
            self._start(seat)

    def _settle(self, index: int, fate: Fate) -> None:
        old = self.given[index]
        self.given[index] = Input(old.seat, old.decision, old.move, fate, self.tick)

    def _start(self, seat: int) -> None:
        index = self.waiting[seat]
        if self.doing[seat] is None and index is not None:
            move = self.given[index].move
            self._settle(index, "played")
            self.doing[seat], self.waiting[seat] = (move, BUSY[move]), None

    def advance(self, ticks: int) -> int:
        for passed in range(1, ticks + 1):
            self.tick += 1
            ended = []
            for seat in (0, 1):
                doing = self.doing[seat]
                if doing is not None:
                    self.doing[seat] = (doing[0], doing[1] - 1) if doing[1] > 1 else None
                    if self.doing[seat] is None:
                        ended.append((seat, doing[0]))
            for seat, move in ended:
                other = self.doing[1 - seat]
                if move == "push" and not (other and other[0] == "push"):
                    self.rope += 1 if seat == 0 else -1
            if self.tick % 40 == 0:
                self.rope += self.drift
            for seat, _ in ended:
                self._start(seat)
            if self.is_terminal():
                for index in self.waiting:
                    if index is not None:
                        self._settle(index, "late")
                return passed
            if any(self.doing[seat] is None for seat, _ in ended):
                return passed
        return ticks

    def ready_in(self, seat: int) -> int:
        doing, index = self.doing[seat], self.waiting[seat]
        ahead = BUSY[self.given[index].move] if index is not None else 0
        return (doing[1] if doing else 0) + ahead

    def inputs(self) -> tuple[Input, ...]:
        return tuple(self.given)

    def is_terminal(self) -> bool:
        return self.tick >= ROUND

    def returns(self) -> tuple[float, ...]:
        lead = float((self.rope > 0) - (self.rope < 0)) if self.is_terminal() else self.rope / 100
        return (lead, -lead)

    def clone(self) -> "RopeState":
        lists = (self.doing.copy(), self.waiting.copy(), self.decisions.copy(), self.given.copy())
        return RopeState(self.drift, self.rope, self.tick, *lists)

    def fingerprint(self) -> str:
        plans = [None if index is None else self.given[index].move for index in self.waiting]
        return digest(self.drift, self.rope, self.tick, self.doing, plans, self.decisions)

    def belief(self, seat: int, seed: int) -> "RopeState":
        return self.clone()

    def legal_moves(self, seat: int) -> tuple[Move, ...]:
        return tuple(BUSY)


@dataclass(frozen=True)
class Rope:
    capabilities: Capabilities = Capabilities(clone=True)
    name: str = "rope"
    seats: int = 2
    tick_rate: int = 60
    moves: tuple[Move, ...] = tuple(BUSY)
    rules: str = "Pull the rope to your side."

    @property
    def features(self) -> Mapping[str, tuple[str, ...]]:
        return {"rope": ("ahead", "even", "behind")}

    def initial_state(self, seed: int) -> RopeState:
        return RopeState(seed % 3 - 1)

    def phrase(self, feature: str, value: str) -> str:
        return f"you are {value}"

    def read_move(self, reply: str, observation: Observation) -> Move | None:
        return next((move for move in (*self.moves, "yank") if move in reply), None)


@dataclass
class GuessState:
    """Every seat guesses once, all at the same moment; the return is a half, up or down, or 0 for no guess."""

    seats: int
    guesses: dict[int, Move | None] = field(default_factory=dict)

    def to_act(self) -> tuple[int, ...]:
        return () if self.guesses else tuple(range(self.seats))

    def observe(self, seat: int) -> Observation:
        return Observation("High or low?", {"asked": "yes"}, () if self.guesses else ("high", "low"))

    def accepts(self, seat: int, move: Move) -> bool:
        return move in ("high", "low")

    def apply(self, moves: Mapping[int, Move | None]) -> None:
        self.guesses = dict(moves)

    def is_terminal(self) -> bool:
        return bool(self.guesses)

    def returns(self) -> tuple[float, ...]:
        return tuple({"high": 0.5, "low": -0.5}.get(self.guesses.get(seat) or "", 0.0) for seat in range(self.seats))


@dataclass(frozen=True)
class Alone:
    """A task for one: "high" is right."""

    name: str = "alone"
    seats: int = 1
    tick_rate: None = None
    capabilities: Capabilities = Capabilities()
    moves: tuple[Move, ...] = ("high", "low")
    rules: str = "Guess high."

    @property
    def features(self) -> Mapping[str, tuple[str, ...]]:
        return {"asked": ("yes", "no")}

    def initial_state(self, seed: int) -> GuessState:
        return GuessState(self.seats)

    def phrase(self, feature: str, value: str) -> str:
        return "you are asked"

    def read_move(self, reply: str, observation: Observation) -> Move | None:
        return next((move for move in self.moves if move in reply), None)


@dataclass(frozen=True)
class Trio(Alone):
    """The same for three."""

    name: str = "trio"
    seats: int = 3


@dataclass
class Told:
    """Answers what ``choose`` says; ``latency`` is what it claims to have taken, ``slow`` lets other tasks run."""

    name: str
    choose: Callable[[Observation, Context], str | None]
    latency: Callable[[Context], float] = lambda context: 0.0
    model: str = "told"
    prompt_id: str | None = None
    calls: int = 0
    running: int = 0
    most: int = 0

    async def act(self, observation: Observation, context: Context) -> Decision:
        self.calls += 1
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        move = self.choose(observation, context)
        kind = ReplyClass.MOVE if move is not None else ReplyClass.EMPTY
        return Decision(move, move or "", self.latency(context), kind)


def drawn(observation: Observation, context: Context) -> str:
    """A legal move drawn from the decision's own seed."""
    return observation.legal_moves[context.seed % len(observation.legal_moves)]


class TinyChat(FakeChat):
    """A chat model that gives ``answers`` in turn: a text, a completion, or an error to raise."""

    name = "tiny"

    def __init__(self, answers: Sequence[str | Completion | ModelError | tuple[str, FinishReason]]) -> None:
        super().__init__()
        self.answers = answers

    async def answer(self, request: ChatRequest) -> Completion:
        answer = self.answers[(len(self.requests) - 1) % len(self.answers)]
        if isinstance(answer, ModelError):
            raise answer
        if isinstance(answer, Completion):
            return answer
        if isinstance(answer, str):
            return Completion(answer, Usage(11, 3), 0.25, "stop", 0.001)
        text, reason = answer
        return Completion(text, Usage(11, 3), 0.25, reason, 0.001)
