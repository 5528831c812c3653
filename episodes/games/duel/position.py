"""Where a fight stands: plain data about both fighters, and what can be read off it.

Both fighters are described alike, each from its own wall. Knows nothing about how time passes or what seats see.
"""

import hashlib
import struct
from dataclasses import dataclass
from typing import Self

from episodes.game import Fate, Move
from episodes.games.duel import frames
from episodes.games.duel.fighter import IDLE, Fighter, record_at
from episodes.games.duel.frames import FIREBALL, SHOT_SPEED, SUPER
from episodes.games.duel.words import MOVES

InputRow = tuple[int, int, Move, Fate, int]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a variant of duel may change; the frame table is everybody's."""

    stage: int = frames.STAGE
    round_ticks: int = frames.ROUND_TICKS
    moves: tuple[int, ...] = tuple(range(len(MOVES)))


class Position:
    """One position of one fight. ``contact`` is the last tick at which the fighters touched, by hand or fireball."""

    __slots__ = ("contact", "delay", "fighters", "given", "over", "rules", "tick")

    def __init__(self, rules: Rules, fighters: tuple[Fighter, Fighter], delay: int) -> None:
        self.rules = rules
        self.fighters = fighters
        self.delay = delay
        self.tick = 0
        self.contact = 0
        self.over = False
        self.given: list[InputRow] = []
        for fighter in fighters:
            fighter.record(0)

    def to_act(self) -> tuple[int, ...]:
        if self.over:
            return ()
        a, b = self.fighters
        if a.act == IDLE:
            return (0, 1) if b.act == IDLE else (0,)
        return (1,) if b.act == IDLE else ()

    def legal_moves(self, seat: int) -> tuple[Move, ...]:
        return tuple([MOVES[move] for move in self.legal(seat)])

    def legal(self, seat: int) -> list[int]:
        """Indices of the single moves that ``seat`` may choose now."""
        fighter = self.fighters[seat]
        return [move for move in self.rules.moves if self.possible(fighter, move)]

    def possible(self, fighter: Fighter, move: int) -> bool:
        """Whether the fighter has what ``move`` takes."""
        if move == SUPER:
            return fighter.meter >= frames.METER
        return move != FIREBALL or fighter.shot < 0

    def is_terminal(self) -> bool:
        return self.over

    def returns(self) -> tuple[float, float]:
        """Once over 1, -1 or 0 by who has more health left; while it runs the lead in health over a full ``HEALTH``."""
        lead = self.fighters[0].health - self.fighters[1].health
        value = float((lead > 0) - (lead < 0)) if self.over else lead / frames.HEALTH
        return (value, -value)

    def clone(self) -> Self:
        cls = type(self)
        other = cls.__new__(cls)
        other.rules = self.rules
        other.fighters = (self.fighters[0].copy(), self.fighters[1].copy())
        other.delay = self.delay
        other.tick = self.tick
        other.contact = self.contact
        other.over = self.over
        other.given = self.given.copy()
        return other

    def mirrored(self) -> Self:
        """The same fight with the seats swapped (its inputs are not carried over)."""
        other = self.clone()
        other.fighters = (other.fighters[1], other.fighters[0])
        other.given = []
        for fighter in other.fighters:
            fighter.plan = tuple((move, condition, -1) for move, condition, _ in fighter.plan)
        return other

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


def _present(fighter: Fighter) -> tuple[int, ...]:
    timer = 0 if fighter.act == IDLE else fighter.timer
    return (fighter.back, fighter.health, fighter.meter, fighter.act, fighter.phase, timer, fighter.speed, fighter.shot)
