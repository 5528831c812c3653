"""Playing one episode: ask the seats that are due, charge their time, put their moves into effect.

Knows nothing about prompts or storage. An episode is decided by its match, the players' answers and, on the measured
clock, their latencies; all three are in the record, so ``episodes.replay`` can play it again.
"""

import asyncio
import hashlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from episodes.clock import Clock
from episodes.game import CloneableState, Game, Move, Observation, RealTimeState, State
from episodes.player import Context, Decision, Player
from episodes.real_time import run_ticks
from episodes.record import EndedBy, EpisodeRecord, Purpose, SeatRecord, TurnRecord

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
class _Asked:
    """A decision on its way from the player to the game."""

    seat: int
    tick: int
    lands: int
    observation: Observation
    decision: Decision
    reward: float
    fingerprint: str
    order: int = -1


@dataclass(slots=True)
class _Table:
    """One episode being played."""

    match: Match
    state: State
    asked: list[_Asked] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)
    orders: int = 0

    async def ask(self, seats: list[int], tick: int) -> list[_Asked]:
        """Ask several seats at the same moment; the results are in the order of ``seats``.

        Where real latency is charged they are asked one after the other, so that none pays for another's thinking.
        """
        fingerprint = fingerprint_of(self.match.game, self.state)
        if len(seats) < 2 or self.match.clock.kind == "measured":
            return [await self._ask(seat, tick, fingerprint) for seat in seats]
        tasks = [asyncio.create_task(self._ask(seat, tick, fingerprint)) for seat in seats]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            # When one fails the episode is void, and nobody waits for the others.
            for task in tasks:
                task.cancel()

    async def _ask(self, seat: int, tick: int, fingerprint: str) -> _Asked:
        match = self.match
        turn = self.turns[seat]
        self.turns[seat] += 1
        seed = decision_seed(match.seed, seat, turn)
        observation = self.state.observe(seat)
        reward = self.state.returns()[seat]
        context = Context(match.game, seat, seed, turn, self.state)
        decision = await match.players[seat].act(observation, context)
        rate = match.game.tick_rate
        lands = tick if rate is None else tick + match.clock.charge(decision.latency, rate, seed)
        return _Asked(seat, tick, lands, observation, decision, reward, fingerprint)

    def apply(self, landing: list[_Asked]) -> None:
        moves: dict[int, Move | None] = {}
        for asked in landing:
            asked.order = self.orders
            moves[asked.seat] = asked.decision.move
        self.orders += 1
        self.state.apply(moves)

    async def play_turns(self) -> None:
        """A turn-based or simultaneous game: whoever is to act decides, all moves at once."""
        while not self.state.is_terminal() and len(self.asked) < MAX_TURNS:
            asked = await self.ask(list(self.state.to_act()), self.orders)
            self.asked += asked
            self.apply(asked)

    async def play_ticks(self, state: RealTimeState) -> None:
        """A real-time game: see ``real_time``."""

        async def ask(seats: list[int]) -> list[_Asked]:
            asked = await self.ask(seats, state.tick)
            self.asked += asked
            return asked

        def over() -> bool:
            return len(self.asked) >= MAX_TURNS

        await run_ticks(state, ask, self.apply, thinking={}, leads=[0] * self.match.game.seats, over=over)


def fingerprint_of(game: Game, state: State) -> str:
    """The state's fingerprint, or nothing where the game has none."""
    return cast(CloneableState, state).fingerprint() if game.can_clone else ""


async def play_episode(match: Match) -> EpisodeRecord:
    """Play ``match`` to its end.

    Raises ``ModelError`` when a provider fails: then there is no episode, and its pair is void.
    """
    started, clock_started = datetime.now(UTC), time.perf_counter()
    state = match.game.initial_state(match.seed)
    table = _Table(match, state, turns=[0] * match.game.seats)
    if match.game.tick_rate is None:
        await table.play_turns()
    else:
        assert isinstance(state, RealTimeState), (
            f"{match.game.name} declares a tick rate, so its states must have ticks"
        )
        await table.play_ticks(state)
    return _record(match, table, started, time.perf_counter() - clock_started)


def _record(match: Match, table: _Table, started: datetime, seconds: float) -> EpisodeRecord:
    state = table.state
    returns = state.returns()
    terminal = state.is_terminal()
    ended_by: EndedBy = "result" if terminal else "limit"
    if terminal and match.game.tick_rate is None and table.asked and table.asked[-1].decision.move is None:
        ended_by = "forfeit"
    return EpisodeRecord(
        id=match.id,
        game=match.game.name,
        seed=match.seed,
        clock=str(match.clock),
        purpose=match.purpose,
        pair_id=match.pair_id,
        night_id=match.night_id,
        started=started.isoformat(timespec="milliseconds"),
        seconds=seconds,
        ticks=state.tick if isinstance(state, RealTimeState) else table.orders,
        ended_by=ended_by,
        final_fingerprint=fingerprint_of(match.game, state),
        seats=tuple(
            SeatRecord(seat, player.name, player.model, player.prompt_id, score(returns, seat) if terminal else 0.5)
            for seat, player in enumerate(match.players)
        ),
        turns=tuple(_turn(n, asked) for n, asked in enumerate(table.asked)),
        inputs=state.inputs() if isinstance(state, RealTimeState) else (),
    )


def score(returns: tuple[float, ...], seat: int) -> float:
    """1, 1/2 or 0: whether ``seat`` has a higher return than the best of the others, an equal one, or a lower one.

    In a game of one seat a positive return is a win.
    """
    others = max((value for other, value in enumerate(returns) if other != seat), default=0.0)
    if returns[seat] == others:
        return 0.5
    return 1.0 if returns[seat] > others else 0.0


def _turn(n: int, asked: _Asked) -> TurnRecord:
    decision, observation = asked.decision, asked.observation
    return TurnRecord(
        n=n,
        seat=asked.seat,
        tick=asked.tick,
        lands=asked.lands,
        order=asked.order,
        observation=observation.text,
        situation=dict(observation.situation),
        legal_moves=observation.legal_moves,
        messages=decision.messages,
        # A model may answer with half a surrogate pair, which is no text that could be stored.
        reply=decision.raw.encode(errors="replace").decode(),
        reply_class=decision.reply_class,
        move=decision.move,
        latency_ms=decision.latency * 1000,
        tokens_in=decision.usage.tokens_in,
        tokens_out=decision.usage.tokens_out,
        cost_usd=decision.cost,
        reward=asked.reward,
        fingerprint=asked.fingerprint,
    )
