"""Playing one episode: ask the seats that are due, charge their time, put their moves into effect.

Knows nothing about prompts or storage. An episode is decided by its match, the players' answers and, on the measured
clock, their latencies; all three are in the record, so ``episodes.replay`` can play it again.

On the measured clock a plan whose first move was there before the reply ended takes effect in two parts: the first
move at its own latency, the rest when the reply was there.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from episodes.clock import Clock, SideClocks
from episodes.fault import GuestFault, faults_of, first_of_each_seat
from episodes.game import (
    Game,
    Move,
    Observation,
    RealTimeState,
    State,
    cloneable,
    closable,
    plan_game,
    real_time,
)
from episodes.guest_game import no_legal_move
from episodes.player import Context, Decision, Player, identity_of
from episodes.real_time import run_ticks
from episodes.record import EndedBy, EpisodeRecord, Purpose, SeatRecord, Split, TurnRecord
from models.errors import BadInput, GameFault, Void
from models.together import together

T = TypeVar("T")

MAX_TURNS = 1000
"""Decisions after which an episode is stopped as a draw: a guard against games that never end."""


@dataclass(frozen=True, slots=True)
class Match:
    """Everything that decides an episode but the players' answers. ``players`` are in seat order.

    ``scope`` names the run that wants the episode (a night, a comparison): the same match in the same scope is the
    same episode, so that it is never played twice. ``swapped`` marks the half of a pair in which the sides are swapped.
    """

    game: Game
    players: tuple[Player, ...]
    seed: int
    clock: Clock
    purpose: Purpose = "play"
    scope: str = ""
    pair_id: str | None = None
    swapped: bool = False
    night_id: str | None = None

    @property
    def id(self) -> str:
        parts = [self.scope, self.game.name, str(self.seed), str(self.clock), self.purpose, str(self.swapped)]
        parts += [f"{player.name} {player.model} {player.prompt_id}" for player in self.players]
        return hashlib.blake2b("\n".join(parts).encode(), digest_size=10).hexdigest()


def decision_seed(episode_seed: int, seat: int, turn: int) -> int:
    """The seed of one decision, 63 bits: depends on nothing but the episode's seed, the seat and its turn count."""
    digest = hashlib.blake2b(f"decision {episode_seed} {seat} {turn}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1


@dataclass(slots=True)
class _Part:
    """A decision, or one of two parts of it, on its way from the player to the game."""

    seat: int
    lands: int
    move: Move | None
    follow: "_Part | None" = None
    order: int = -1


@dataclass(slots=True)
class _Asked:
    """A decision as it was asked for and answered."""

    tick: int
    observation: Observation
    decision: Decision
    reward: float
    fingerprint: str
    part: _Part


@dataclass(slots=True)
class _Table:
    """One episode being played. ``external``: the state is another process's. ``clocks``: under a time control."""

    match: Match
    state: State
    external: bool
    clocks: SideClocks | None
    turns: list[int]
    asked: list[_Asked] = field(default_factory=list)
    orders: int = 0

    async def ask(self, seats: list[int], tick: int) -> list[_Part]:
        """Ask several seats at the same moment; the results are in the order of ``seats``.

        Where real latency is charged they are asked one after the other, so that none pays for another's thinking.
        """
        fingerprint = fingerprint_of(self.match.game, self.state)
        if len(seats) < 2 or self.match.clock.kind == "measured":
            asked = [await self._ask(seat, tick, fingerprint) for seat in seats]
        else:
            # When one fails the episode is void, and nobody waits for the others' answers.
            asked = await together(self._ask(seat, tick, fingerprint) for seat in seats)
        self.asked += asked
        return [one.part for one in asked]

    async def _ask(self, seat: int, tick: int, fingerprint: str) -> _Asked:
        match = self.match
        turn = self.turns[seat]
        self.turns[seat] += 1
        seed = decision_seed(match.seed, seat, turn)
        observation = await self._wait_for(partial(self.state.observe, seat))
        if not observation.legal_moves and (fault := no_legal_move(self.state, seat)):
            raise fault
        reward = self.state.returns()[seat]
        left = None if self.clocks is None else self.clocks.left[seat]
        measured = match.clock.kind == "measured"
        context = Context(match.game, seat, seed, turn, self.state, left, measured)
        decision = await match.players[seat].act(observation, context)
        if self.clocks is not None:
            self.clocks.spend(seat, match.clock.seconds(decision.latency, seed))
        return _Asked(tick, observation, decision, reward, fingerprint, self._parts(seat, tick, decision, seed))

    def _parts(self, seat: int, tick: int, decision: Decision, seed: int) -> _Part:
        game, clock = self.match.game, self.match.clock
        if game.tick_rate is None:
            return _Part(seat, tick, decision.move)
        lands = tick + clock.charge(decision.latency, game.tick_rate, seed)
        if decision.first is None or decision.ended is None or decision.move is None or clock.kind != "measured":
            return _Part(seat, lands, decision.move)
        planned = plan_game(game)
        assert planned is not None, f"a decision of {game.name} has a first move, so it takes plans"
        rest, ends = planned.rest_of(decision.move), tick + clock.charge(decision.ended, game.tick_rate, seed)
        if rest is None or ends == lands:
            return _Part(seat, lands, decision.move)
        return _Part(seat, lands, decision.first, _Part(seat, ends, rest))

    async def _wait_for(self, call: Callable[[], T]) -> T:
        """What ``call`` gives; in a thread where the state is another process's, so that other games go on."""
        if self.external:
            return await asyncio.to_thread(call)
        return call()

    async def play_turns(self) -> None:
        """A turn-based or simultaneous game: whoever is to act decides, all moves at once, until a flag falls."""
        while not self.state.is_terminal() and len(self.asked) < MAX_TURNS:
            parts = await self.ask(list(self.state.to_act()), self.orders)
            if self.clocks is not None and self.clocks.fallen:
                return
            await self._wait_for(partial(self.state.apply, self.taken(parts)))

    async def play_ticks(self, state: RealTimeState) -> None:
        """A real-time game: see ``real_time``."""

        async def ask(seats: list[int]) -> list[_Part]:
            return await self.ask(seats, state.tick)

        def land(parts: list[_Part]) -> None:
            state.apply(self.taken(parts))

        def over() -> bool:
            return len(self.asked) >= MAX_TURNS

        await run_ticks(state, ask, land, thinking={}, leads=[0] * self.match.game.seats, over=over)

    def faults(self, void: Void | None = None) -> tuple[GuestFault, ...]:
        """What players that are not ours raised so far and, if it broke, the game."""
        found = [
            replace(one.decision.fault, player=self.match.players[one.part.seat].name, turn=n, tick=one.tick)
            for n, one in enumerate(self.asked)
            if one.decision.fault is not None
        ]
        last = self.asked[-1].tick if self.asked else 0
        broke = faults_of(void) if isinstance(void, GameFault) else ()
        return (*first_of_each_seat(found), *(replace(fault, turn=len(self.asked), tick=last) for fault in broke))

    def taken(self, parts: list[_Part]) -> dict[int, Move | None]:
        """The moves that take effect now, by seat."""
        for part in parts:
            part.order = self.orders
        self.orders += 1
        return {part.seat: part.move for part in parts}


def fingerprint_of(game: Game, state: State) -> str:
    """The state's fingerprint, or nothing where the game has none."""
    copied = cloneable(game, state)
    return "" if copied is None else copied.fingerprint()


async def play_episode(match: Match) -> EpisodeRecord:
    """Play ``match`` to its end.

    Raises ``ModelError`` when a provider fails and ``GameFault`` when a game that is not ours breaks: then there is no
    episode, and its pair is void. Raises ``BadInput`` for a time control in a game that has ticks of its own.
    """
    game, control = match.game, match.clock.control
    if control is not None and game.tick_rate is not None:
        raise BadInput(f"{game.name} is played in real time: a time control ({match.clock}) is for turn-based games")
    started, clock_started = datetime.now(UTC), time.perf_counter()
    external = game.capabilities.most_at_once is not None
    if external:
        state = await asyncio.to_thread(game.initial_state, match.seed)
    else:
        state = game.initial_state(match.seed)
    clocks = SideClocks(control, game.seats) if control else None
    table = _Table(match, state, external, clocks, turns=[0] * game.seats)
    try:
        with _closing(game, state):
            timed = real_time(game, state)
            if timed is None:
                await table.play_turns()
            else:
                await table.play_ticks(timed)
            return _record(match, table, started, time.perf_counter() - clock_started)
    except Void as void:
        void.faults = table.faults(void)
        raise


@contextmanager
def _closing(game: Game, state: State) -> Iterator[None]:
    """Close the state in the end, where it can be. A game that breaks then is not heard above another error."""
    kept = closable(game, state)
    try:
        yield
    except BaseException:
        with suppress(GameFault):
            if kept is not None:
                kept.close()
        raise
    if kept is not None:
        kept.close()


def _record(match: Match, table: _Table, started: datetime, seconds: float) -> EpisodeRecord:
    state, game = table.state, match.game
    flags = table.clocks.returns() if table.clocks is not None and table.clocks.fallen else None
    terminal = state.is_terminal() or flags is not None
    timed = real_time(game, state)
    returns = state.returns() if flags is None else flags
    ended_by: EndedBy = "flag" if flags is not None else "result" if terminal else "limit"
    together = [one.decision.move for one in table.asked if one.part.order == table.orders - 1]
    if ended_by == "result" and game.tick_rate is None and None in together:
        ended_by = "forfeit"
    return EpisodeRecord(
        id=match.id,
        game=game.name,
        seed=match.seed,
        clock=str(match.clock),
        purpose=match.purpose,
        pair_id=match.pair_id,
        night_id=match.night_id,
        started=started.isoformat(timespec="milliseconds"),
        seconds=seconds,
        ticks=table.orders if timed is None else timed.tick,
        ended_by=ended_by,
        final_fingerprint=fingerprint_of(game, state),
        seats=tuple(
            SeatRecord(
                seat,
                player.name,
                player.model,
                player.prompt_id,
                score(returns, seat, terminal),
                returns[seat],
                identity_of(player) or None,
            )
            for seat, player in enumerate(match.players)
        ),
        turns=tuple(_turn(n, asked) for n, asked in enumerate(table.asked)),
        inputs=() if timed is None else timed.inputs(),
        faults=table.faults(),
    )


def score(returns: tuple[float, ...], seat: int, terminal: bool = True) -> float:
    """1, 1/2 or 0: whether ``seat`` has a higher return than the best of the others, an equal one, or a lower one.

    A game that did not end is a draw. In a game of one seat the score is graded, (1 + return) / 2.
    """
    if len(returns) == 1:
        return (1 + returns[0]) / 2
    others = max(value for other, value in enumerate(returns) if other != seat)
    if not terminal or returns[seat] == others:
        return 0.5
    return 1.0 if returns[seat] > others else 0.0


def _turn(n: int, asked: _Asked) -> TurnRecord:
    decision, observation, part = asked.decision, asked.observation, asked.part
    later = part.follow
    return TurnRecord(
        n=n,
        seat=part.seat,
        tick=asked.tick,
        lands=part.lands,
        order=part.order,
        observation=observation.text,
        situation=dict(observation.situation),
        legal_moves=observation.legal_moves,
        messages=decision.messages,
        reply=_storable(decision.raw),
        reply_class=decision.reply_class,
        move=decision.move,
        latency_ms=decision.latency * 1000,
        tokens_in=decision.usage.tokens_in,
        tokens_out=decision.usage.tokens_out,
        cost_usd=decision.cost,
        reward=asked.reward,
        fingerprint=asked.fingerprint,
        ended_ms=None if decision.ended is None else decision.ended * 1000,
        split=Split(part.move, later.move, later.lands, later.order) if later and part.move and later.move else None,
        values=dict(decision.values),
        listed=observation.listed,
        thought=_storable(decision.thought),
    )


def _storable(text: str) -> str:
    """``text`` without halves of surrogate pairs: a model may answer with one, and no text that is stored has any."""
    return text.encode(errors="replace").decode()
