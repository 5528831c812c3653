"""Two small games for the colosseum, of three seats and of one, and the text of files that name players for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from episodes.game import Capabilities, Move, Observation


@dataclass
class RaceState:
    """Each seat in turn walks 1 to 3 steps, three times; further is better. No acceptable move ends the race."""

    seats: int
    start: int
    walked: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    fallen: int | None = None

    def to_act(self) -> tuple[int, ...]:
        return () if self.is_terminal() else ((self.start + len(self.walked)) % self.seats,)

    def observe(self, seat: int) -> Observation:
        legal = ("walk-1", "walk-2", "walk-3") if seat in self.to_act() else ()
        return Observation(f"You are at {self.places[seat]}.", {"lap": str(len(self.walked) // self.seats)}, legal)

    def accepts(self, seat: int, move: Move) -> bool:
        return move in self.observe(seat).legal_moves

    def apply(self, moves: Mapping[int, Move | None]) -> None:
        ((seat, move),) = moves.items()
        if move is None:
            self.fallen = seat
            return
        self.walked.append(int(move[-1]))
        self.places[seat] += int(move[-1])

    def is_terminal(self) -> bool:
        return self.fallen is not None or len(self.walked) == 3 * self.seats

    def returns(self) -> tuple[float, ...]:
        return tuple(-1.0 if seat == self.fallen else place / 9 for seat, place in enumerate(self.places))


@dataclass(frozen=True)
class Race:
    seats: int = 3
    tick_rate: None = None
    capabilities: Capabilities = Capabilities()
    moves: tuple[Move, ...] = ("walk-1", "walk-2", "walk-3")
    rules: str = "Walk 1 to 3 steps in turn, three times; whoever is furthest wins."

    @property
    def name(self) -> str:
        return f"race-{self.seats}"

    @property
    def features(self) -> Mapping[str, tuple[str, ...]]:
        return {"lap": ("0", "1", "2")}

    def initial_state(self, seed: int) -> RaceState:
        return RaceState(self.seats, seed % self.seats, places=[0] * self.seats)

    def phrase(self, feature: str, value: str) -> str:
        return f"this is lap {value}"

    def read_move(self, reply: str, observation: Observation) -> Move | None:
        return next((move for move in self.moves if move in reply), None)


RACE = Race()
ALONE = Race(seats=1)
PAIR = Race(seats=2)

PLAYERS = '''
from dataclasses import dataclass, replace

from episodes.player import Decision, ReplyClass
from episodes.players.bots import load_bot
from models.chat import Usage
from models.errors import Unavailable


@dataclass
class Walker:
    """Walks so far; ``falls`` is one decision in so many on which it gives no move."""

    name: str
    steps: tuple
    falls: int = 0
    model: str = "walker"
    prompt_id: str | None = None

    async def act(self, observation, context):
        if self.falls and context.seed % self.falls == 0:
            return Decision(None, "I cannot walk", 0.0, ReplyClass.REFUSED)
        return Decision(f"walk-{self.steps[context.seed % len(self.steps)]}", "", 0.0)


@dataclass
class Timed:
    """A player that claims to take so many seconds a decision."""

    inner: object
    seconds: float
    model: str = "timed"
    name: str = "timed"
    prompt_id: str | None = None

    async def act(self, observation, context):
        decision = await self.inner.act(observation, context)
        return replace(decision, latency=self.seconds, usage=Usage(300, 10), cost=0.001)


@dataclass
class Broken:
    name: str = "broken"
    model: str = "broken"
    prompt_id: str | None = None
    calls: int = 0

    async def act(self, observation, context):
        self.calls += 1
        print(f"asked {self.calls}")
        raise Unavailable("the server is on fire")


fast = Walker("fast", (3, 3, 2))
middling = Walker("middling", (1, 2, 3))
slow = Walker("slow", (1, 1, 2))
clumsy = Walker("clumsy", (3,), falls=4)
small_fast = Timed(load_bot("rushdown"), 0.05)
large_slow = Timed(load_bot("zoner"), 1.5)
broken = Broken()
'''
"""A file of players."""
