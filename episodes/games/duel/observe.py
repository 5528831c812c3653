"""What a seat of duel sees: itself as it is now, the other as it was some ticks ago.

The other is seen as it was ``delay`` ticks ago, or at the last contact if that was later: whoever hits, blocks or is
hit knows at once. Knows nothing about how the engine moves anything.
"""

from episodes.games.duel import frames
from episodes.games.duel.fighter import BLOCKING, IDLE, RECOVERY, STARTUP, STUNNED, Record, record_at
from episodes.games.duel.frames import ADVANCE, GUARD, JUMP, RETREAT, SHOT_SPEED
from episodes.games.duel.position import Position
from episodes.games.duel.words import FEATURES, MOVES

_DISTANCE = FEATURES["distance"]
_LAST = FEATURES["last"]
_TICKS_A_SECOND = 60
_STANCES = {
    IDLE: "standing",
    GUARD: "guarding",
    BLOCKING: "guarding",
    STUNNED: "stunned",
    ADVANCE: "advancing",
    RETREAT: "retreating",
}


def seen(state: Position, seat: int) -> Record:
    """The other fighter as ``seat`` knows it."""
    tick = max(state.tick - state.delay, state.contact, 0)
    return record_at(state.fighters[1 - seat].history, tick, SHOT_SPEED)


def gap(state: Position, seat: int, other: Record) -> int:
    """The distance between the bodies as ``seat`` judges it."""
    return max(state.rules.stage - state.fighters[seat].back - other[1], 0)


def situation(state: Position, seat: int) -> dict[str, str]:
    """The features of ``words.FEATURES``; about 2 microseconds."""
    own = state.fighters[seat]
    other = seen(state, seat)
    distance = gap(state, seat, other)
    touching, near, midway = frames.DISTANCES
    lead = own.health - other[2]
    return {
        "distance": _DISTANCE[(distance > touching) + (distance > near) + (distance > midway)],
        "opponent": doing(other),
        "wall": "cornered" if own.back <= frames.CORNER else "cornering" if other[1] <= frames.CORNER else "open",
        "meter": "full" if own.meter >= frames.METER else "charging",
        "shot": "incoming" if other[8] >= 0 else "flying" if own.shot >= 0 else "clear",
        "health": "ahead" if lead > frames.HEALTH_LEAD else "behind" if lead < -frames.HEALTH_LEAD else "even",
        "last": _LAST[own.last],
    }


def doing(record: Record) -> str:
    """A value of the feature ``opponent``.

    ``striking`` is any attack that has not yet ended its active ticks, ``recovering`` its ticks after that (a jump's
    landing too), ``jumping`` in the air, ``standing`` between two moves or about to leave the ground.
    """
    act, phase = record[4], record[5]
    if act in _STANCES:
        return _STANCES[act]
    if phase == RECOVERY:
        return "recovering"
    if act == JUMP:
        return "standing" if phase == STARTUP else "jumping"
    return "striking"


def text(state: Position, seat: int) -> str:
    """The observation in words: a few short lines."""
    own = state.fighters[seat]
    other = seen(state, seat)
    left = (state.rules.round_ticks - state.tick) / _TICKS_A_SECOND
    now = situation(state, seat)
    lines = [
        f"Time left: {left:.1f} s.",
        f"You: health {own.health}, meter {own.meter} of {frames.METER}, {own.back} from the wall behind you.",
        f"Opponent, as seen {state.tick - other[0]} ticks ago: {now['opponent']}, health {other[2]}, "
        f"meter {other[3]} of {frames.METER}, {other[1]} from the wall behind it.",
        f"Distance: {gap(state, seat, other)} ({now['distance']}).",
    ]
    if other[8] >= 0:
        away = max(state.rules.stage - own.back - other[8], 0)
        lines.append(f"Its fireball comes at you, {away} away when seen.")
    if own.shot >= 0:
        lines.append(f"Your fireball flies, {max(state.rules.stage - other[1] - own.shot, 0)} short of the opponent.")
    lines.append(f"Your recent moves: {_recent(own.recent, state.tick)}; your last move: {now['last']}.")
    lines.append(f"Its recent moves: {_recent(state.fighters[1 - seat].recent, other[0] - 1)}.")
    if state.contact and state.tick - state.contact < _TICKS_A_SECOND:
        lines.append(f"You last touched {state.tick - state.contact} ticks ago.")
    return "\n".join(lines)


def _recent(moves: tuple[tuple[int, int], ...], until: int) -> str:
    """The last three moves begun at or before tick ``until``, oldest first."""
    known = [MOVES[move] for tick, move in moves if tick <= until]
    return ", ".join(known[-3:]) or "none"
