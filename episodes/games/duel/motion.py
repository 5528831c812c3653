"""How a fight goes on: from one move to the next, and from one tick to the next, both fighters resolved at once.

Everything is computed for both seats before anything is changed for either, and each fighter measures from its own
wall, so swapping the seats of a position swaps what comes of it exactly. Knows nothing about players or decisions.
"""

from episodes.game import Fate
from episodes.games.duel import frames, observe
from episodes.games.duel.contact import REACH, hits, meet, walk
from episodes.games.duel.fighter import (
    FOREVER,
    IDLE,
    LIVE,
    NEUTRAL,
    RECENT,
    RECOVERY,
    RISE,
    SPENT,
    STARTUP,
    WHIFFED,
    Fighter,
)
from episodes.games.duel.frames import FIREBALL, FRAMES, GUARD, JUMP, SHOT_SPEED, SUPER
from episodes.games.duel.position import Position
from episodes.games.duel.words import MOVES

_STARTUP = tuple(frame.startup for frame in FRAMES)
_ACTIVE = tuple(frame.active for frame in FRAMES)
_RECOVERY = tuple(frame.recovery for frame in FRAMES)
_SPEED = tuple(frame.speed for frame in FRAMES)
_ATTACK = tuple(frame.damage > 0 for frame in FRAMES)

PASS = -1
"""The move of a decision that gave none: guard for ``PASS_TICKS``."""


class Motion(Position):
    """A position that goes on."""

    __slots__ = ()

    def advance(self, ticks: int) -> int:
        """See ``RealTimeState``; stretches in which nothing can meet are passed in one stride."""
        a, b = self.fighters
        start, limit = self.tick, min(self.tick + ticks, self.rules.round_ticks)
        while self.tick < limit and not self.over:
            stride = self._quiet(limit - self.tick)
            if stride > 1:
                self._stride(stride)
            else:
                self._step()
            if a.health <= 0 or b.health <= 0 or self.tick >= self.rules.round_ticks:
                self._finish()
                break
            free_a = a.timer == 0 and self.next_phase(0)
            free_b = b.timer == 0 and self.next_phase(1)
            if free_a or free_b:
                break
        return self.tick - start

    def ready_in(self, seat: int) -> int:
        fighter = self.fighters[seat]
        if fighter.act == IDLE:
            return 0
        ticks = fighter.timer
        if fighter.act < len(MOVES):
            if fighter.phase == STARTUP:
                ticks += _ACTIVE[fighter.act] + _RECOVERY[fighter.act]
            elif fighter.phase == RISE:
                ticks += _ACTIVE[fighter.act] - frames.JUMP_RISE + _RECOVERY[fighter.act]
            elif fighter.phase in (SPENT, LIVE):
                ticks += _RECOVERY[fighter.act]
        return ticks + sum(frames.PASS_TICKS if move == PASS else FRAMES[move].total for move, _, _ in fighter.plan)

    # Moves: from one to the next.

    def settle(self, fighter: Fighter, fate: Fate) -> None:
        """Close every input still waiting in the plan."""
        for _, _, index in fighter.plan:
            self._close(index, fate)
        fighter.plan = ()

    def _close(self, index: int, fate: Fate) -> None:
        if index >= 0:
            row = self.given[index]
            self.given[index] = (row[0], row[1], row[2], fate, self.tick)

    def start_next(self, seat: int) -> bool:
        """Start the first step of the plan that can be done now, skipping others; whether one was found."""
        fighter = self.fighters[seat]
        while fighter.plan:
            (move, condition, index), fighter.plan = fighter.plan[0], fighter.plan[1:]
            if move == PASS:
                self.begin(fighter, PASS)
                return True
            holds = condition is None or observe.situation(self, seat)[condition[0]] == condition[1]
            if holds and self.possible(fighter, move):
                self._close(index, "played")
                self.begin(fighter, move)
                return True
            self._close(index, "skipped")
        return False

    def touches(self, seat: int) -> bool:
        """Whether this seat's live attack is in reach of the other now."""
        attacker, defender = self.fighters[seat], self.fighters[1 - seat]
        return hits(attacker, defender, self.rules.stage - attacker.back - defender.back)

    def begin(self, fighter: Fighter, move: int) -> None:
        """Start ``move``, or a pass, whatever the fighter was doing."""
        fighter.told = False
        if move == PASS:
            fighter.act, fighter.phase, fighter.timer, fighter.speed = GUARD, RECOVERY, frames.PASS_TICKS, 0
            return
        fighter.act = move
        fighter.speed = _SPEED[move]
        fighter.recent = (*fighter.recent[1 - RECENT :], (self.tick, move))
        if _STARTUP[move]:
            fighter.phase, fighter.timer = STARTUP, _STARTUP[move]
        else:
            fighter.phase, fighter.timer = RECOVERY, _ACTIVE[move]
        if move == JUMP:
            fighter.speed = 0
        elif move == SUPER:
            fighter.meter = 0

    def next_phase(self, seat: int) -> bool:
        """The phase of this seat's act has run out; whether the seat now owes a decision."""
        fighter = self.fighters[seat]
        act, phase = fighter.act, fighter.phase
        if phase == STARTUP:
            if act == FIREBALL:
                fighter.shot = fighter.back
                fighter.phase, fighter.timer = RECOVERY, _ACTIVE[act] + _RECOVERY[act]
            elif act == JUMP:
                fighter.phase, fighter.timer, fighter.speed = RISE, frames.JUMP_RISE, _SPEED[act]
            else:
                fighter.phase, fighter.timer = LIVE, _ACTIVE[act]
            return False
        if phase == RISE:
            fighter.phase, fighter.timer = LIVE, _ACTIVE[act] - frames.JUMP_RISE
            return False
        fighter.speed = 0
        if phase in (LIVE, SPENT):
            fighter.phase, fighter.timer = RECOVERY, _RECOVERY[act]
            return False
        if act < len(MOVES) and not fighter.told:
            fighter.last = WHIFFED if _ATTACK[act] and not (act == FIREBALL and fighter.shot >= 0) else NEUTRAL
        fighter.act, fighter.timer = IDLE, FOREVER
        return not self.start_next(seat)

    def _finish(self) -> None:
        self.over = True
        for fighter in self.fighters:
            self.settle(fighter, "late")

    # Time: one tick, or many in which nothing can meet.

    def _quiet(self, most: int) -> int:
        """For how many ticks, up to ``most``, nothing but linear motion happens; below 2 take a single step."""
        a, b = self.fighters
        stride = min(most, a.timer, b.timer)
        if stride < 2:
            return 1
        va, vb = a.speed, b.speed
        gap, closing = self.rules.stage - a.back - b.back, va + vb
        if LIVE in (a.phase, b.phase):
            gap -= max(REACH[a.act] if a.phase == LIVE else 0, REACH[b.act] if b.phase == LIVE else 0) + 1
            if gap < 0:
                return 1
        if closing > 0:
            stride = min(stride, gap // closing)
        if va < 0:
            stride = min(stride, a.back // -va)
        if vb < 0:
            stride = min(stride, b.back // -vb)
        if a.shot >= 0:
            stride = min(stride, (self.rules.stage - b.back - a.shot - 1) // (SHOT_SPEED + vb))
            if b.shot >= 0:
                stride = min(stride, (self.rules.stage - a.shot - b.shot - 1) // (2 * SHOT_SPEED))
        if b.shot >= 0:
            stride = min(stride, (self.rules.stage - a.back - b.shot - 1) // (SHOT_SPEED + va))
        return stride

    def _stride(self, ticks: int) -> None:
        self.tick += 1
        rest = ticks - 1
        for fighter in self.fighters:
            speed = fighter.speed
            fighter.timer -= 1
            fighter.back += speed
            if fighter.shot >= 0:
                fighter.shot += SHOT_SPEED
                fighter.record(self.tick)
                fighter.shot += SHOT_SPEED * rest
            else:
                fighter.record(self.tick)
            fighter.timer -= rest
            fighter.back += speed * rest
        self.tick += rest

    def _step(self) -> None:
        self.tick += 1
        a, b = self.fighters
        a.timer -= 1
        b.timer -= 1
        if a.speed or b.speed:
            walk(a, b, self.rules.stage)
        fighting = LIVE in (a.phase, b.phase) or a.shot >= 0 or b.shot >= 0
        if fighting and meet(a, b, self.rules.stage):
            self.contact = self.tick
        a.record(self.tick)
        b.record(self.tick)
