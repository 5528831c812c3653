"""What-if replays: take a turn of a stored game, play its alternatives from that very moment, compare the returns.

This is the one causal source of reflection: the state, the opponent and the luck are the same, only the move differs.
Knows nothing about rules or prompts.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from episodes.clock import Clock
from episodes.fault import FaultPlace, GuestFault, faults_of, first_of_each_seat
from episodes.game import Game, Move
from episodes.player import Player
from episodes.record import EpisodeRecord, SeatRecord
from episodes.store.store import Store
from models.errors import GameFault
from models.ids import seed63
from models.together import together
from reflect.branch import branch_at, play_on
from reflect.evidence import Turns

PlayerOf = Callable[[SeatRecord], Player]
"""The player of a stored seat, made anew."""


@dataclass(frozen=True, slots=True)
class Effect:
    """Mean difference in return against the move that was played, its standard error, and continuations behind it."""

    difference: float
    error: float
    n: int


@dataclass(frozen=True, slots=True)
class WhatIf:
    """One turn replayed. ``alternatives`` holds every legal move but the one played, whose difference is 0.

    ``weight`` undoes the preference for turns with leverage: the inverse of the turn's chance of being chosen, with
    mean about 1, so that weighted means over what-ifs estimate means over all turns.
    """

    episode: str
    turn: int
    seat: int
    situation: Mapping[str, str]
    move_played: Move
    alternatives: Mapping[Move, Effect]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Chosen:
    """A turn picked for a what-if."""

    episode: str
    turn: int
    weight: float


def choose_turns(
    episodes: Sequence[str], turns: Sequence[int], swings: Sequence[float], count: int, seed: int
) -> list[Chosen]:
    """Draw ``count`` turns without repeats, half of the chance even and half by the reward swing after them.

    The three sequences describe the candidate turns side by side. Frequent situations are frequent among the drawn.
    """
    total = len(turns)
    if total == 0:
        return []
    size = np.abs(np.asarray(swings, dtype=float))
    share = size / size.sum() if size.sum() > 0 else np.full(total, 1 / total)
    chance = 0.5 / total + 0.5 * share
    # Exponential races (Efraimidis and Spirakis, 2006): the largest keys are a draw without replacement by chance.
    keys = np.log(np.random.default_rng(seed).random(total)) / chance
    picked = np.sort(np.argsort(keys)[::-1][:count])
    return [Chosen(episodes[i], turns[i], float(1 / (total * chance[i]))) for i in picked]


@dataclass(frozen=True, slots=True)
class Plan:
    """How what-ifs are played: so many continuations for each move, each cut after ``seconds`` of the game's own time.

    The running return is the value of a continuation that was cut. A turn-based game is played for ``decisions``.
    """

    continuations: int = 2
    seconds: float = 4.0
    decisions: int = 200
    concurrency: int = 256

    def horizon(self, game: Game) -> int:
        """Ticks, or decisions in a turn-based game."""
        return self.decisions if game.tick_rate is None else max(1, round(self.seconds * game.tick_rate))


DEFAULT_PLAN = Plan()


async def what_if(
    record: EpisodeRecord,
    game: Game,
    n: int,
    player_of: PlayerOf,
    *,
    plan: Plan = DEFAULT_PLAN,
    weight: float = 1.0,
    gate: asyncio.Semaphore | None = None,
    faults: list[GuestFault] | None = None,
) -> WhatIf | None:
    """Turn ``n`` of ``record`` with every legal move; ``None`` where its own decision gave no move.

    Raises ``BadInput`` where the game cannot be branched, ``ModelError`` when a provider fails, and ``GameFault`` where
    the game is not ours and breaks.
    """
    turn = record.turns[n]
    if turn.move is None or turn.order < 0:
        return None
    branch = branch_at(record, game, n)
    players = tuple(player_of(seat) for seat in record.seats)
    moves = [turn.move, *(move for move in branch.legal if move != turn.move)]
    gate = gate or asyncio.Semaphore(plan.concurrency)
    clock = Clock.parse(record.clock)
    raised = [] if faults is None else faults

    async def one(move: Move, number: int) -> float:
        async with gate:
            seed = _seed(record.id, n, number)
            return await play_on(
                branch, move, game, players, clock, seed=seed, horizon=plan.horizon(game), faults=raised
            )

    flat = await together(one(move, number) for move in moves for number in range(plan.continuations))
    returns = np.array(flat).reshape(len(moves), plan.continuations)
    return WhatIf(record.id, n, turn.seat, turn.situation, turn.move, _effects(moves, returns), weight)


async def try_what_if(
    store: Store,
    record: EpisodeRecord,
    game: Game,
    n: int,
    player_of: PlayerOf,
    *,
    plan: Plan = DEFAULT_PLAN,
    weight: float = 1.0,
    gate: asyncio.Semaphore | None = None,
) -> WhatIf | None:
    """As ``what_if``; ``None`` too where the game is not ours and breaks. ``store`` keeps what guests raised."""
    faults: list[GuestFault] = []
    broke: tuple[GuestFault, ...] = ()
    try:
        return await what_if(record, game, n, player_of, plan=plan, weight=weight, gate=gate, faults=faults)
    except GameFault as fault:
        broke = faults_of(fault)
        return None
    finally:
        found = [replace(fault, turn=n) for fault in (*first_of_each_seat(faults), *broke)]
        if found:
            place = FaultPlace(record.id, record.game, record.pair_id, record.night_id)
            store.save_faults(place, found, f"what-if-{n}")


def _seed(episode: str, n: int, number: int) -> int:
    """The same luck for every alternative of a turn."""
    return seed63(f"what-if {episode} {n} {number}")


def _effects(moves: Sequence[Move], returns: "np.ndarray[tuple[int, int], np.dtype[np.float64]]") -> dict[Move, Effect]:
    """Paired differences to the first row."""
    n = returns.shape[1]
    effects = {}
    for move, row in zip(moves[1:], returns[1:], strict=True):
        difference = row - returns[0]
        error = float(difference.std(ddof=1) / np.sqrt(n)) if n > 1 else float("inf")
        effects[move] = Effect(float(difference.mean()), error, n)
    return effects


async def study(
    store: Store,
    game: Game,
    turns: Turns,
    player_of: PlayerOf,
    *,
    count: int,
    seed: int,
    plan: Plan = DEFAULT_PLAN,
    on_done: Callable[[int], None] = lambda done: None,
) -> list[WhatIf]:
    """What-ifs of ``count`` of the stored ``turns``, chosen by leverage, all played at once so that models batch.

    ``on_done`` is called with the number finished. Empty where the game cannot be branched.
    """
    if not game.capabilities.clone:
        return []
    usable = [k for k in range(len(turns)) if turns.moves[k] >= 0]
    chosen = choose_turns(
        [turns.episode_ids[turns.episodes[k]] for k in usable],
        [int(turns.ns[k]) for k in usable],
        [float(turns.swings[k]) for k in usable],
        count,
        seed,
    )
    records = {pick.episode: store.episode(pick.episode) for pick in chosen}
    gate = asyncio.Semaphore(plan.concurrency)
    finished = 0

    async def one(pick: Chosen) -> WhatIf | None:
        nonlocal finished
        record = records[pick.episode]
        found = await try_what_if(store, record, game, pick.turn, player_of, plan=plan, weight=pick.weight, gate=gate)
        finished += 1
        on_done(finished)
        return found

    return [found for found in await together(one(pick) for pick in chosen) if found is not None]
