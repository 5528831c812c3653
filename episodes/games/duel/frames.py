"""Duel's frame table: every number of the rules, in one place. ``docs/duel.md`` publishes it and a test compares.

Times are ticks (60 a second), distances are stage units, damage is points of health. Knows nothing about states.
"""

from dataclasses import dataclass

from episodes.games.duel.words import MOVES

JAB, HEAVY, THROW, FIREBALL, UPPERCUT, JUMP, GUARD, ADVANCE, RETREAT, SUPER = range(len(MOVES))


@dataclass(frozen=True, slots=True)
class Frame:
    """One move.

    ``startup`` ticks before it can hit, ``active`` ticks in which it hits (or walks, or guards), ``recovery`` ticks
    after that; ``reach`` is the largest gap it hits at; ``chip`` the damage through a guard; ``hit_stun`` and
    ``block_stun`` how long the other cannot act; ``push`` how far the other slides away, the half of it when it
    blocks; ``speed`` the units a tick that the fighter moves while it starts up and is active.
    """

    startup: int
    active: int
    recovery: int
    reach: int = 0
    damage: int = 0
    chip: int = 0
    hit_stun: int = 0
    block_stun: int = 0
    push: int = 0
    speed: int = 0

    @property
    def total(self) -> int:
        """Ticks from the first to the last of an undisturbed move."""
        return self.startup + self.active + self.recovery

    @property
    def on_hit(self) -> int:
        """Ticks by which the attacker is free before the other when the first active tick hits."""
        return self.hit_stun - (self.active - 1 + self.recovery)

    @property
    def on_block(self) -> int:
        """As ``on_hit`` when it is blocked: below zero the other is free first."""
        return self.block_stun - (self.active - 1 + self.recovery)


FRAMES = (
    Frame(startup=5, active=3, recovery=8, reach=60, damage=5, hit_stun=15, block_stun=9, push=16),
    Frame(startup=13, active=4, recovery=23, reach=110, damage=13, hit_stun=28, block_stun=10, push=24),
    Frame(startup=6, active=2, recovery=24, reach=40, damage=12, hit_stun=34, push=60),
    Frame(startup=13, active=1, recovery=25, damage=8, chip=1, hit_stun=20, block_stun=12, push=20),
    Frame(startup=5, active=9, recovery=30, reach=60, damage=15, chip=1, hit_stun=42, block_stun=12, push=50),
    Frame(startup=4, active=30, recovery=9, reach=50, damage=10, hit_stun=24, block_stun=11, push=16, speed=5),
    Frame(startup=0, active=14, recovery=0),
    Frame(startup=0, active=16, recovery=0, speed=5),
    Frame(startup=0, active=14, recovery=0, speed=-4),
    Frame(startup=9, active=6, recovery=40, reach=120, damage=26, chip=5, hit_stun=50, block_stun=20, push=70, speed=8),
)
"""In the order of ``MOVES``. A jump can be hit only in the air and hits only in the later part of it."""

JUMP_RISE = 14
"""Ticks of a jump in the air before its kick can hit."""
SHOT_SPEED = 7
"""Units a tick of a fireball."""
STAGE = 600
"""Wall to wall, the fighters' own width taken off: the gap plus the room behind either fighter."""
HEALTH = 100
METER = 100
"""A full meter: what a super costs. Landing a move gives twice its damage, a blocked one or taking a hit once."""
ROUND_TICKS = 1500
DELAYS = (12, 15)
"""How old the sight of the opponent is: drawn once a game, both ends included."""
PASS_TICKS = 20
"""How long a fighter guards when its decision was no acceptable move."""
START_GAPS = (180, 320)
START_HEALTH = (92, 100)
START_METER = (0, 40)
DISTANCES = (40, 110, 220)
"""The largest gap that is touching, near, midway; beyond is far."""
CORNER = 60
"""The room behind a fighter up to which it is cornered."""
HEALTH_LEAD = 8
"""Points by which a fighter must differ to be ahead or behind."""
