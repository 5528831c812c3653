"""Branching a stored game: the very moment at which a decision took effect, and playing on from there.

A branch is exact: the state is rebuilt by applying the recorded moves at their recorded ticks, decisions that were
under way stay under way, and players' decisions after it are drawn from seeds of their own. Knows nothing about why
somebody branches.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import cast

from episodes.clock import Clock
from episodes.fault import GuestFault
from episodes.game import CloneableState, Game, Move, RealTimeState, State, real_time
from episodes.player import Context, Player
from episodes.real_time import run_ticks
from episodes.record import EpisodeRecord, Landing, TurnRecord
from models.errors import BadInput
from models.ids import seed63
from models.together import together


@dataclass(frozen=True, slots=True)
class Thinking:
    """A decision on its way: it takes effect at ``lands``."""

    seat: int
    lands: int
    move: Move | None
    follow: None = None
    """A decision made here takes effect as a whole."""


@dataclass(frozen=True, slots=True)
class Branch:
    """The moment just before a decision takes effect. Not to be changed: ``play_on`` works on copies of ``state``.

    ``others`` are the decisions that take effect at the same moment; ``thinking`` those still under way; ``counts`` the
    decisions each seat was asked for so far; ``leads`` the ticks that each seat's last decision took.
    """

    state: CloneableState
    seat: int
    others: Mapping[int, Move | None]
    thinking: Mapping[int, Thinking]
    counts: tuple[int, ...]
    leads: tuple[int, ...]
    latencies: tuple[float, ...]

    @property
    def legal(self) -> tuple[Move, ...]:
        """The single moves that the seat could choose at this moment."""
        return self.state.legal_moves(self.seat)


def branch_at(record: EpisodeRecord, game: Game, n: int) -> Branch:
    """The moment at which turn ``n`` of ``record`` took effect.

    Raises ``BadInput`` where the game cannot be branched, the turn came after the end, or the replay differs from the
    record (the game has changed since it was stored).
    """
    if not game.capabilities.clone:
        raise BadInput(f"{game.name} cannot copy its states, so its games cannot be replayed with another move")
    turn = record.turns[n]
    if turn.order < 0:
        raise BadInput(f"turn {n} of episode {record.id} came after the end and never took effect")
    state = cast(CloneableState, game.initial_state(record.seed))
    for landing in record.landings():
        if landing.order < turn.order:
            _advance_to(state, game, landing.tick)
            state.apply(landing.moves)
    _advance_to(state, game, turn.lands)
    together = next(landing for landing in record.landings() if landing.order == turn.order)
    if turn.lands == turn.tick and turn.fingerprint and state.fingerprint() != turn.fingerprint:
        raise BadInput(f"episode {record.id} does not replay to turn {n}: the game has changed since it was stored")
    return _branch(record, game, turn, state, together)


def _under_way(other: TurnRecord, turn: TurnRecord) -> Thinking | None:
    """What of another seat's decision takes effect after ``turn`` did."""
    if other.split and other.order < turn.order < other.split.order:
        return Thinking(other.seat, other.split.lands, other.split.rest)
    move = other.split.first if other.split else other.move
    return Thinking(other.seat, other.lands, move) if other.lands > turn.lands else None


def _branch(record: EpisodeRecord, game: Game, turn: TurnRecord, state: CloneableState, together: Landing) -> Branch:
    latest = {other.seat: other.n for other in together.turns}
    asked = [
        other
        for other in record.turns
        # What a seat was asked for after its decision took effect, at the same tick, is not yet under way.
        if other.tick <= turn.lands and other.n <= latest.get(other.seat, other.n)
    ]
    leads, latencies = [0] * game.seats, [0.0] * game.seats
    for other in asked:
        leads[other.seat] = other.lands - other.tick
    for seat in range(game.seats):
        latencies[seat] = median([other.latency_ms for other in record.turns if other.seat == seat] or [0.0]) / 1000
    return Branch(
        state=state,
        seat=turn.seat,
        others={seat: move for seat, move in together.moves.items() if seat != turn.seat},
        thinking={o.seat: way for o in asked if o.seat != turn.seat and (way := _under_way(o, turn)) is not None},
        counts=tuple(sum(o.seat == seat for o in asked) for seat in range(game.seats)),
        leads=tuple(leads),
        latencies=tuple(latencies),
    )


def _advance_to(state: State, game: Game, tick: int) -> None:
    """Let time pass to ``tick``; in a turn-based game there is none."""
    timed = real_time(game, state)
    if timed is not None:
        while timed.tick < tick and not timed.is_terminal():
            timed.advance(tick - timed.tick)


@dataclass(slots=True)
class _Run:
    """One continuation."""

    game: Game
    state: State
    players: Sequence[Player]
    clock: Clock
    seed: int
    latencies: Sequence[float]
    counts: list[int]
    faults: list[GuestFault]

    async def ask(self, seat: int, tick: int) -> Thinking:
        turn = self.counts[seat]
        self.counts[seat] += 1
        seed = seed63(f"branch {self.seed} {seat} {turn}")
        context = Context(self.game, seat, seed, turn, self.state)
        decision = await self.players[seat].act(self.state.observe(seat), context)
        if decision.fault is not None:
            self.faults.append(replace(decision.fault, seat=seat, player=self.players[seat].name, tick=tick))
        rate = self.game.tick_rate
        return Thinking(seat, tick if rate is None else tick + self._charge(seat, rate, seed), decision.move)

    def _charge(self, seat: int, rate: int, seed: int) -> int:
        """Ticks for a decision; on the measured clock what the seat's decisions took in the stored game."""
        if self.clock.kind == "measured":
            return math.ceil(self.latencies[seat] * rate - 1e-9)
        return self.clock.charge(self.latencies[seat], rate, seed)

    async def ask_all(self, seats: Sequence[int], tick: int) -> list[Thinking]:
        """Several seats at the same moment; one alone is asked plainly, for a task costs more than a bot's decision."""
        if len(seats) < 2:
            return [await self.ask(seat, tick) for seat in seats]
        return await together(self.ask(seat, tick) for seat in seats)

    def apply(self, landing: Sequence[Thinking]) -> None:
        self.state.apply({asked.seat: asked.move for asked in landing})

    async def turns(self, limit: int) -> None:
        for _ in range(limit):
            if self.state.is_terminal():
                return
            self.apply(await self.ask_all(self.state.to_act(), 0))

    async def ticks(self, state: RealTimeState, until: int, branch: Branch) -> None:
        async def ask(seats: list[int]) -> list[Thinking]:
            return await self.ask_all(seats, state.tick)

        thinking, leads = dict(branch.thinking), list(branch.leads)
        await run_ticks(state, ask, self.apply, thinking=thinking, leads=leads, over=lambda: False, until=until)


async def play_on(
    branch: Branch,
    move: Move,
    game: Game,
    players: Sequence[Player],
    clock: Clock,
    *,
    seed: int,
    horizon: int,
    faults: list[GuestFault],
) -> float:
    """The return of the branch's seat after it played ``move`` and the game went on for ``horizon`` ticks (or, in a
    turn-based game, decisions).

    ``players`` are in seat order; what their own code raised is added to ``faults``. Equal seeds give every alternative
    the same luck for as long as decisions are asked for in the same order.
    """
    state = branch.state.clone()
    state.apply({branch.seat: move, **branch.others})
    run = _Run(game, state, players, clock, seed, branch.latencies, list(branch.counts), faults)
    timed = real_time(game, state)
    if timed is None:
        await run.turns(horizon)
    else:
        await run.ticks(timed, timed.tick + horizon, branch)
    return state.returns()[branch.seat]
