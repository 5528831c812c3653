"""Where fighters touch: walking into each other and walls, attacks, throws, fireballs.

Knows nothing about time or decisions.
"""

from episodes.games.duel import frames
from episodes.games.duel.fighter import (
    BLOCKED,
    BLOCKING,
    HURT,
    LANDED,
    LIVE,
    NEUTRAL,
    RECOVERY,
    SPENT,
    STARTUP,
    STUNNED,
    Fighter,
)
from episodes.games.duel.frames import FIREBALL, FRAMES, JUMP, SHOT_SPEED, SUPER, THROW, UPPERCUT

REACH = tuple(frame.reach if frame.damage else -1 for frame in FRAMES)


def walk(a: Fighter, b: Fighter, stage: int) -> None:
    """Move both on the ground by their speeds; neither passes a wall or the other."""
    a.back = max(a.back + a.speed, 0)
    b.back = max(b.back + b.speed, 0)
    overlap = a.back + b.back - stage
    if overlap > 0:
        if a.speed > 0 and b.speed > 0:
            a.back -= (overlap + 1) // 2
            b.back -= (overlap + 1) // 2
        elif a.speed > 0:
            a.back -= overlap
        else:
            b.back -= overlap
        _unwall(a, b)


def _unwall(a: Fighter, b: Fighter) -> None:
    """What a fighter cannot give at its wall, the other gives."""
    short_a, short_b = min(a.back, 0), min(b.back, 0)
    a.back = max(a.back - short_a + short_b, 0)
    b.back = max(b.back - short_b + short_a, 0)


def meet(a: Fighter, b: Fighter, stage: int) -> bool:
    """Let attacks and fireballs take effect; whether anything met.

    Who hits whom is found for both before it is applied to either.
    """
    gap = stage - a.back - b.back
    a_hits = a.phase == LIVE and hits(a, b, gap)
    b_hits = b.phase == LIVE and hits(b, a, gap)
    a_move, b_move, broken = a.act, b.act, False
    if a_hits and b_hits and (a_move == THROW) != (b_move == THROW):
        a_hits, b_hits = a_move != THROW, b_move != THROW
    if a_hits and b_hits and a_move == THROW:
        _break_throw(a, b)
        a_hits, b_hits, broken = False, False, True
    a_shot, b_shot = _fly(a, b, stage)
    blows = [
        (a, b, a_move, b.guards) if a_hits else None,
        (b, a, b_move, a.guards) if b_hits else None,
        (a, b, FIREBALL, b.guards) if a_shot else None,
        (b, a, FIREBALL, a.guards) if b_shot else None,
    ]
    for blow in blows:
        if blow:
            _reward(blow[0], blow[2], blow[3])
    for blow in blows:
        if blow:
            _suffer(blow[1], blow[2], blow[3])
    if a_hits or b_hits:
        _unwall(a, b)
    a.back, b.back = max(a.back, 0), max(b.back, 0)
    return broken or any(blows)


def _fly(a: Fighter, b: Fighter, stage: int) -> tuple[bool, bool]:
    """Move the fireballs; whether each now meets the other fighter. Two that meet put each other out."""
    if a.shot >= 0:
        a.shot += SHOT_SPEED
    if b.shot >= 0:
        b.shot += SHOT_SPEED
    if a.shot >= 0 and b.shot >= 0 and a.shot + b.shot >= stage:
        a.shot = b.shot = -1
    a_meets = a.shot >= 0 and a.shot + b.back >= stage
    b_meets = b.shot >= 0 and b.shot + a.back >= stage
    if a_meets:
        a.shot = -1
    if b_meets:
        b.shot = -1
    return a_meets and not _passes_through(b), b_meets and not _passes_through(a)


def _break_throw(a: Fighter, b: Fighter) -> None:
    """Two throws at once: both are pushed apart, unhurt."""
    for fighter in (a, b):
        fighter.act, fighter.phase, fighter.timer, fighter.speed = BLOCKING, RECOVERY, 12, 0
        fighter.back -= 20
        fighter.last, fighter.told = NEUTRAL, True
    _unwall(a, b)


def _reward(attacker: Fighter, move: int, guarded: bool) -> None:
    """What landing ``move``, or having it blocked, does to the one who did it."""
    blocked = guarded and move != THROW
    gain = 0 if move == SUPER else FRAMES[move].damage * (1 if blocked else 2)
    attacker.meter = min(attacker.meter + gain, frames.METER)
    attacker.last, attacker.told = (BLOCKED if blocked else LANDED), True
    if attacker.phase == LIVE and move == attacker.act:
        attacker.phase = SPENT


def _suffer(defender: Fighter, move: int, guarded: bool) -> None:
    """What ``move`` does to the one it meets; stopping a move counts as having landed one's own guard."""
    frame = FRAMES[move]
    blocked = guarded and move != THROW
    defender.health = max(defender.health - (frame.chip if blocked else frame.damage), 0)
    defender.meter = min(defender.meter + frame.damage // (2 if blocked else 1), frames.METER)
    defender.back -= frame.push // 2 if blocked else frame.push
    defender.act, defender.phase, defender.speed = (BLOCKING if blocked else STUNNED), RECOVERY, 0
    defender.timer = frame.block_stun if blocked else frame.hit_stun
    defender.last, defender.told = (LANDED if blocked else HURT), True


def hits(attacker: Fighter, defender: Fighter, gap: int) -> bool:
    """Whether a live attack meets the other fighter, guarding or not."""
    move = attacker.act
    if gap > REACH[move]:
        return False
    if defender.airborne:
        return move in (UPPERCUT, JUMP)
    if move == THROW:
        return defender.act not in (STUNNED, BLOCKING) and not (defender.act == JUMP and defender.phase == STARTUP)
    rising = defender.act == SUPER and defender.phase == STARTUP
    return not (rising or (move == JUMP and defender.act == UPPERCUT and defender.phase != RECOVERY))


def _passes_through(fighter: Fighter) -> bool:
    """Whether a fireball does not touch this fighter."""
    return fighter.airborne or (fighter.act == SUPER and fighter.phase == STARTUP)
