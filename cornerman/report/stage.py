"""One game as the page plays it: frames of the stage, and what each seat was asked and answered.

Duel is drawn; any other game is shown through its observations. Knows nothing about how the page draws.
"""

from dataclasses import dataclass
from typing import Any

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
class Staged:
    """A game to replay: ``frames`` is empty for a game that is not drawn; everything is plain JSON values."""

    title: str
    players: tuple[str, ...]
    turns: list[dict[str, Any]]
    frames: list[list[int]]
    setting: dict[str, Any]

    def data(self) -> dict[str, Any]:
        """What the page's script reads."""
        return {"players": self.players, "turns": self.turns, "frames": self.frames, "setting": self.setting}


def staged(game: Game, record: EpisodeRecord, players: tuple[str, ...], title: str) -> Staged:
    """``record`` prepared for the page; ``players`` are what the page calls them, in seat order."""
    drawn = _frames(game.initial_state(record.seed), record) if isinstance(game, Duel) else []
    setting = {"stage": frames.STAGE, "health": frames.HEALTH, "meter": frames.METER, "acts": ACTS, "rate": 60 / STRIDE}
    return Staged(
        title=title,
        players=players,
        turns=[_turn(turn) for turn in record.turns],
        frames=drawn,
        setting=setting if drawn else {},
    )


def _turn(turn: TurnRecord) -> dict[str, Any]:
    return {
        "n": turn.n,
        "seat": turn.seat,
        "tick": turn.tick,
        "lands": turn.lands,
        "observation": clean(turn.observation),
        "situation": " ".join(turn.situation.values()),
        "reply": clean(turn.reply),
        "class": str(turn.reply_class),
        "move": turn.move or "",
        "latency_ms": round(turn.latency_ms, 1),
    }


def _frames(state: DuelState, record: EpisodeRecord) -> list[list[int]]:
    """Every ``STRIDE``-th tick of the fight, played again from its decisions."""
    taken = [frame_of(state)]
    for landing in record.landings():
        _play_until(state, landing.tick, taken)
        state.apply(landing.moves)
    _play_until(state, record.ticks, taken)
    if taken[-1][0] != state.tick:
        taken.append(frame_of(state))
    return taken


def _play_until(state: DuelState, tick: int, taken: list[list[int]]) -> None:
    while state.tick < tick and not state.is_terminal():
        state.advance(1)
        if state.tick % STRIDE == 0:
            taken.append(frame_of(state))


def frame_of(state: DuelState) -> list[int]:
    """The tick, then for each seat: place from the left, health, meter, act, phase, ticks left, fireball or -1."""
    values = [state.tick]
    for seat, fighter in enumerate(state.fighters):
        values += _fighter(fighter, mirrored=seat == 1)
    return values


def _fighter(fighter: Fighter, *, mirrored: bool) -> list[int]:
    def place(back: int) -> int:
        return frames.STAGE - back if mirrored else back

    shot = place(fighter.shot) if fighter.shot >= 0 else -1
    left = min(fighter.timer, 99)
    return [place(fighter.back), fighter.health, fighter.meter, fighter.act, PHASES[fighter.phase], left, shot]
