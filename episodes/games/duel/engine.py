"""Duel's engine: two fighters, integer ticks, both resolved at once.

Everything is computed for both seats before anything is changed for either, and each fighter measures from its own
wall, so swapping the seats of a state and their decisions swaps the outcome exactly. Knows nothing about players.
"""

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from episodes.game import Fate, Input, Move, Observation
from episodes.games.duel import frames, observe
from episodes.games.duel.belief import believe
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
    record_at,
)
from episodes.games.duel.frames import FIREBALL, FRAMES, GUARD, JUMP, SHOT_SPEED, SUPER
from episodes.games.duel.plans import Step, parse_plan
from episodes.games.duel.words import MOVES

_STARTUP = tuple(frame.startup for frame in FRAMES)
_ACTIVE = tuple(frame.active for frame in FRAMES)
_RECOVERY = tuple(frame.recovery for frame in FRAMES)
_SPEED = tuple(frame.speed for frame in FRAMES)
_ATTACK = tuple(frame.damage > 0 for frame in FRAMES)

PASS = -1
"""The move of a decision that gave none: guard for ``PASS_TICKS``."""

_InputRow = tuple[int, int, Move, Fate, int]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a variant of duel may change; the frame table is everybody's."""

    stage: int = frames.STAGE
    round_ticks: int = frames.ROUND_TICKS
    moves: tuple[int, ...] = tuple(range(len(MOVES)))


class DuelState:
    """One position of one fight. ``contact`` is the last tick at which the fighters touched, by hand or fireball."""

    __slots__ = ("contact", "delay", "fighters", "given", "over", "rules", "tick")

    def __init__(self, rules: Rules, fighters: tuple[Fighter, Fighter], delay: int) -> None:
        self.rules = rules
        self.fighters = fighters
        self.delay = delay
        self.tick = 0
        self.contact = 0
        self.over = False
        self.given: list[_InputRow] = []
        for fighter in fighters:
            fighter.record(0)

    # What players and runners use.

    def to_act(self) -> tuple[int, ...]:
        if self.over:
            return ()
        a, b = self.fighters
        if a.act == IDLE:
            return (0, 1) if b.act == IDLE else (0,)
        return (1,) if b.act == IDLE else ()

    def observe(self, seat: int) -> Observation:
        return Observation(observe.text(self, seat), observe.situation(self, seat), self.legal_moves(seat))

    def legal_moves(self, seat: int) -> tuple[Move, ...]:
        return tuple([MOVES[move] for move in self.legal(seat)])

    def legal(self, seat: int) -> list[int]:
        """Indices of the single moves that ``seat`` may choose now."""
        fighter = self.fighters[seat]
        return [move for move in self.rules.moves if self._possible(fighter, move)]

    def accepts(self, seat: int, move: Move) -> bool:
        """A legal move, or a plan whose steps are all moves of the game and whose unconditional start is legal."""
        steps = parse_plan(move)
        if steps is None or not self._allowed(steps):
            return False
        return steps[0].condition is not None or self._possible(self.fighters[seat], steps[0].move)

    def _allowed(self, steps: tuple[Step, ...] | None) -> bool:
        return steps is not None and all(step.move in self.rules.moves for step in steps)

    def apply(self, moves: Mapping[int, Move | None]) -> None:
        """New decisions take the place of what is left of the old plans; a move under way is finished first.

        A fighter that owes a decision starts at once. A step that cannot be done at its moment is skipped, so what was
        legal when it was asked for is taken even if it no longer is. Raises ``ValueError`` for words that are no plan,
        and once the fight is over.
        """
        plans = {seat: None if move is None else parse_plan(move) for seat, move in moves.items()}
        for seat, move in moves.items():
            if self.over or (move is not None and not self._allowed(plans[seat])):
                raise ValueError(f"seat {seat} cannot decide {move!r} at tick {self.tick}")
        for seat, steps in plans.items():
            fighter = self.fighters[seat]
            self._settle(fighter, "superseded")
            if steps is None:
                fighter.plan = ((PASS, None, -1),)
            else:
                first = len(self.given)
                self.given.extend((seat, fighter.decisions, str(step), "waiting", self.tick) for step in steps)
                fighter.plan = tuple((step.move, step.condition, first + n) for n, step in enumerate(steps))
            fighter.decisions += 1
            if fighter.act == IDLE and not self._start_next(seat):
                self.begin(fighter, PASS)

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

    def inputs(self) -> tuple[Input, ...]:
        return tuple(Input(*row) for row in self.given)

    def is_terminal(self) -> bool:
        return self.over

    def returns(self) -> tuple[float, float]:
        """Once over 1, -1 or 0 by who has more health left; while it runs the lead in health over a full ``HEALTH``."""
        lead = self.fighters[0].health - self.fighters[1].health
        value = float((lead > 0) - (lead < 0)) if self.over else lead / frames.HEALTH
        return (value, -value)

    def clone(self) -> "DuelState":
        other = DuelState.__new__(DuelState)
        other.rules = self.rules
        other.fighters = (self.fighters[0].copy(), self.fighters[1].copy())
        other.delay = self.delay
        other.tick = self.tick
        other.contact = self.contact
        other.over = self.over
        other.given = self.given.copy()
        return other

    def mirrored(self) -> "DuelState":
        """The same fight with the seats swapped (its inputs are not carried over)."""
        other = self.clone()
        other.fighters = (other.fighters[1], other.fighters[0])
        other.given = []
        for fighter in other.fighters:
            fighter.plan = tuple((move, condition, -1) for move, condition, _ in fighter.plan)
        return other

    def belief(self, seat: int, seed: int) -> "DuelState":
        """See ``episodes.games.duel.belief``: the other's last ticks are guessed and its plan is forgotten."""
        return believe(self, seat, seed)

    def fingerprint(self) -> str:
        """Covers the last ``delay`` ticks too, for they are what the seats are about to see."""
        numbers = [self.tick, self.delay, self.over, max(self.contact, self.tick - self.delay)]
        plans = []
        for fighter in self.fighters:
            numbers += (fighter.last, fighter.told, fighter.decisions, len(fighter.recent))
            for begun in fighter.recent:
                numbers += begun
            numbers += _present(fighter)
            for tick in range(self.tick - self.delay, self.tick + 1):
                numbers += record_at(fighter.history, max(tick, 0), SHOT_SPEED)
            plans.append([(move, condition) for move, condition, _ in fighter.plan])
        digest = hashlib.blake2b(struct.pack(f"<{len(numbers)}q", *numbers), digest_size=12)
        digest.update(repr(plans).encode())
        return digest.hexdigest()

    # Moves: from one to the next.

    def _possible(self, fighter: Fighter, move: int) -> bool:
        if move == SUPER:
            return fighter.meter >= frames.METER
        return move != FIREBALL or fighter.shot < 0

    def _settle(self, fighter: Fighter, fate: Fate) -> None:
        """Close every input still waiting in the plan."""
        for _, _, index in fighter.plan:
            self._close(index, fate)
        fighter.plan = ()

    def _close(self, index: int, fate: Fate) -> None:
        if index >= 0:
            row = self.given[index]
            self.given[index] = (row[0], row[1], row[2], fate, self.tick)

    def _start_next(self, seat: int) -> bool:
        """Start the first step of the plan that can be done now, skipping others; whether one was found."""
        fighter = self.fighters[seat]
        while fighter.plan:
            (move, condition, index), fighter.plan = fighter.plan[0], fighter.plan[1:]
            if move == PASS:
                self.begin(fighter, PASS)
                return True
            holds = condition is None or observe.situation(self, seat)[condition[0]] == condition[1]
            if holds and self._possible(fighter, move):
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
        return not self._start_next(seat)

    def _finish(self) -> None:
        self.over = True
        for fighter in self.fighters:
            self._settle(fighter, "late")

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


def _present(fighter: Fighter) -> tuple[int, ...]:
    timer = 0 if fighter.act == IDLE else fighter.timer
    return (fighter.back, fighter.health, fighter.meter, fighter.act, fighter.phase, timer, fighter.speed, fighter.shot)
