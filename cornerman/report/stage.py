"""One game as the page plays it: frames of the stage, and what each seat was asked and answered.

Duel is drawn; any other game is shown through its observations. Knows nothing about how the page draws.
"""

from dataclasses import dataclass, field

from cornerman.format import milliseconds
from cornerman.result import HIDDEN
from cornerman.terminal import clean
from episodes.game import Game
from episodes.games.duel import Duel, frames
from episodes.games.duel.engine import DuelState
from episodes.games.duel.fighter import BLOCKING, IDLE, LIVE, RECOVERY, RISE, SPENT, STARTUP, STUNNED, Fighter
from episodes.games.duel.words import MOVES
from episodes.record import EpisodeRecord, TurnRecord

STRIDE = 2
"""Ticks from one frame of the page to the next."""

ACTS = (*MOVES, "idle", "stunned", "blocking")
assert (ACTS[IDLE], ACTS[STUNNED], ACTS[BLOCKING]) == ("idle", "stunned", "blocking")
PHASES = {STARTUP: 0, RISE: 1, SPENT: 1, LIVE: 1, RECOVERY: 2}
"""For drawing: winding up, out, coming back."""


@dataclass(frozen=True, slots=True)
class StagedTurn:
    """A decision as the page shows it; ``situation`` are the words of its features, ``move`` is empty without one."""

    n: int
    seat: int
    tick: int
    lands: int
    observation: str
    situation: str
    reply: str
    reply_class: str
    move: str
    latency: str


@dataclass(frozen=True, slots=True)
class Setting:
    """What the frames of a drawn game are measured in: the width of its stage, whole bars of health and meter, the
    names of acts by number, and frames a second."""

    stage: int
    health: int
    meter: int
    acts: tuple[str, ...]
    rate: float


@dataclass(frozen=True, slots=True)
class Staged:
    """A game to replay, what the page's script reads of it as JSON. One that is not drawn has no ``frames``, which are
    as ``frame_of`` makes them, and no ``setting``."""

    title: str = field(metadata=HIDDEN)
    players: tuple[str, ...]
    turns: tuple[StagedTurn, ...]
    frames: tuple[tuple[int, ...], ...]
    setting: Setting | None


def staged(game: Game, record: EpisodeRecord, players: tuple[str, ...], title: str) -> Staged:
    """``record`` prepared for the page; ``players`` are what the page calls them, in seat order."""
    drawn = _frames(game.initial_state(record.seed), record) if isinstance(game, Duel) else []
    return Staged(
        title=title,
        players=players,
        turns=tuple(_turn(turn) for turn in record.turns),
        frames=tuple(drawn),
        setting=Setting(frames.STAGE, frames.HEALTH, frames.METER, ACTS, 60 / STRIDE) if drawn else None,
    )


def _turn(turn: TurnRecord) -> StagedTurn:
    return StagedTurn(
        n=turn.n,
        seat=turn.seat,
        tick=turn.tick,
        lands=turn.lands,
        observation=clean(turn.observation),
        situation=" ".join(turn.situation.values()),
        reply=clean(turn.reply),
        reply_class=str(turn.reply_class),
        move=turn.move or "",
        latency=milliseconds(turn.latency_ms),
    )


def _frames(state: DuelState, record: EpisodeRecord) -> list[tuple[int, ...]]:
    """Every ``STRIDE``-th tick of the fight, played again from its decisions."""
    taken = [frame_of(state)]
    for landing in record.landings():
        _play_until(state, landing.tick, taken)
        state.apply(landing.moves)
    _play_until(state, record.ticks, taken)
    if taken[-1][0] != state.tick:
        taken.append(frame_of(state))
    return taken


def _play_until(state: DuelState, tick: int, taken: list[tuple[int, ...]]) -> None:
    while state.tick < tick and not state.is_terminal():
        state.advance(1)
        if state.tick % STRIDE == 0:
            taken.append(frame_of(state))


def frame_of(state: DuelState) -> tuple[int, ...]:
    """The tick, then for each seat: place from the left, health, meter, act, phase, ticks left, fireball or -1."""
    values = [state.tick]
    for seat, fighter in enumerate(state.fighters):
        values += _fighter(fighter, mirrored=seat == 1)
    return tuple(values)


def _fighter(fighter: Fighter, *, mirrored: bool) -> list[int]:
    def place(back: int) -> int:
        return frames.STAGE - back if mirrored else back

    shot = place(fighter.shot) if fighter.shot >= 0 else -1
    left = min(fighter.timer, 99)
    return [place(fighter.back), fighter.health, fighter.meter, fighter.act, PHASES[fighter.phase], left, shot]
