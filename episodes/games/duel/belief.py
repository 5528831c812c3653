"""What a seat of duel may believe the fight to be: what it cannot see yet is guessed.

The other fighter is taken back to where the seat last saw it and let run on alone: what it was doing then goes on, and
when that ends it begins a move drawn from those it has, the more likely the more often it was seen to use it lately. A
guess that would have touched the seat is drawn again, since a touch would have been felt. Plans, which nobody sees, are
forgotten.
"""

import random
from typing import TypeVar

from episodes.games.duel.fighter import (
    BLOCKED,
    BLOCKING,
    FOREVER,
    HURT,
    IDLE,
    LANDED,
    LIVE,
    NEUTRAL,
    STUNNED,
    Fighter,
)
from episodes.games.duel.frames import GUARD, SHOT_SPEED
from episodes.games.duel.motion import Motion
from episodes.games.duel.observe import seen

S = TypeVar("S", bound=Motion)

HABIT = 2
"""How many times its even chance a move gains by each recent use."""
_TRIES = 6


def believe(state: S, seat: int, seed: int) -> S:
    """A copy of ``state`` without inputs; see ``CloneableState.belief``."""
    rng = random.Random(seed)
    for attempt in range(_TRIES + 1):
        guess = _rewound(state, seat)
        if _run(guess, seat, state.tick, rng, cautious=attempt == _TRIES):
            break
    return guess


def _rewound(state: S, seat: int) -> S:
    """A copy in which the other fighter, and only it, stands where ``seat`` last saw it; the tick is that one."""
    copy = state.clone()
    copy.given = []
    own, other = copy.fighters[seat], copy.fighters[1 - seat]
    own.plan = tuple((move, condition, -1) for move, condition, _ in own.plan)
    other.plan = ()
    record = seen(state, seat)
    copy.tick, other.back, other.health, other.meter, other.act = record[:5]
    other.phase, other.timer, other.speed, other.shot = record[5:]
    other.last, other.told = _outcome(own, other) if copy.tick and copy.tick == state.contact else (NEUTRAL, False)
    if other.act == IDLE:
        other.timer = FOREVER
    other.history = [row for row in other.history if row[0] <= copy.tick] or [record]
    other.recent = tuple(begun for begun in other.recent if begun[0] < copy.tick)
    return copy


def _outcome(own: Fighter, other: Fighter) -> tuple[int, bool]:
    """What became of the other's last move, as the contact that has just been seen shows."""
    if other.act == STUNNED:
        return HURT, True
    if other.act == BLOCKING:
        return LANDED, True
    return (LANDED if own.act == STUNNED else BLOCKED), True


def _run(copy: Motion, seat: int, now: int, rng: random.Random, *, cautious: bool) -> bool:
    """Bring the other fighter to tick ``now``; whether nothing it was guessed to do would have been felt."""
    own, other = copy.fighters[seat], copy.fighters[1 - seat]
    room = copy.rules.stage - own.back
    guessed = False
    while copy.tick < now or other.timer == 0:
        if other.timer == 0 or other.act == IDLE:
            if other.timer == 0:
                copy.next_phase(1 - seat)
            if other.act == IDLE and copy.tick < now:
                guessed = True
                copy.begin(other, GUARD if cautious else _likely(other, copy.legal(1 - seat), rng))
            elif copy.tick >= now:
                break
            continue
        stride = min(other.timer, now - copy.tick)
        other.history.append(_after(copy, other))
        copy.tick += stride
        other.timer -= stride
        other.back = min(max(other.back + other.speed * stride, 0), room)
        if other.shot >= 0:
            other.shot += SHOT_SPEED * stride
            if other.shot + own.back >= copy.rules.stage:
                other.shot = -1
                if guessed and not cautious:
                    return False
        if guessed and other.phase == LIVE and copy.touches(1 - seat) and not cautious:
            return False
    return True


def _likely(fighter: Fighter, legal: list[int], rng: random.Random) -> int:
    used = [move for _, move in fighter.recent]
    return rng.choices(legal, [1 + HABIT * used.count(move) for move in legal])[0]


def _after(copy: Motion, other: Fighter) -> tuple[int, int, int, int, int, int, int, int, int]:
    """The record of the first tick of a stretch, from which ``record_at`` finds the others."""
    shot = other.shot + SHOT_SPEED if other.shot >= 0 else -1
    return (
        copy.tick + 1,
        max(other.back + other.speed, 0),
        other.health,
        other.meter,
        other.act,
        other.phase,
        other.timer - 1,
        other.speed,
        shot,
    )
