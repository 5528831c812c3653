"""One fighter, in its own coordinates, and what is remembered of its last ticks.

A fighter measures from the wall behind it, so both seats are the same to the engine: that is what makes the game
exactly symmetric. Knows nothing about the other fighter.
"""

from episodes.games.duel.frames import GUARD, JUMP

IDLE, STUNNED, BLOCKING = 10, 11, 12
"""What a fighter does besides its moves: owe a decision (and guard), take a hit, hold a block."""
STARTUP, RISE, SPENT, RECOVERY, LIVE = range(5)
"""Phases: ``LIVE`` can hit, ``SPENT`` has hit and is still active, walking and guarding and stun are ``RECOVERY``."""
FOREVER = 1 << 30
MEMORY = 18
"""Records kept: at least one a tick for the longest delay, and one more."""

RECENT = 12
"""Moves that are remembered by when they began."""

NEUTRAL, LANDED, BLOCKED, WHIFFED, HURT = range(5)
"""Indices of the values of the feature ``last``."""

Record = tuple[int, int, int, int, int, int, int, int, int]
"""(tick, back, health, meter, act, phase, timer, speed, shot)."""
PlanStep = tuple[int, tuple[str, str] | None, int]
"""(move, condition, index into the state's inputs); move -1 is a pass."""


class Fighter:
    """``back`` is the room behind it, ``shot`` its fireball's distance from its own wall or -1, ``timer`` the ticks
    left of ``phase`` of ``act``; ``told`` says that ``last`` was already set during this act."""

    __slots__ = (
        "act",
        "back",
        "decisions",
        "health",
        "history",
        "last",
        "meter",
        "phase",
        "plan",
        "recent",
        "shot",
        "speed",
        "timer",
        "told",
    )

    def __init__(self, back: int, health: int, meter: int) -> None:
        self.back = back
        self.health = health
        self.meter = meter
        self.act = IDLE
        self.phase = RECOVERY
        self.timer = FOREVER
        self.speed = 0
        self.shot = -1
        self.told = False
        self.last = NEUTRAL
        self.plan: tuple[PlanStep, ...] = ()
        self.decisions = 0
        self.recent: tuple[tuple[int, int], ...] = ()
        self.history: list[Record] = []

    def copy(self) -> "Fighter":
        other = Fighter.__new__(Fighter)
        other.back = self.back
        other.health = self.health
        other.meter = self.meter
        other.act = self.act
        other.phase = self.phase
        other.timer = self.timer
        other.speed = self.speed
        other.shot = self.shot
        other.told = self.told
        other.last = self.last
        other.plan = self.plan
        other.decisions = self.decisions
        other.recent = self.recent
        other.history = self.history[-MEMORY:]
        return other

    def record(self, tick: int) -> None:
        """Remember this tick. Until the next record the fighter's numbers change by the same amounts every tick."""
        history = self.history
        history.append(
            (tick, self.back, self.health, self.meter, self.act, self.phase, self.timer, self.speed, self.shot)
        )
        if len(history) > 4 * MEMORY:
            del history[:-MEMORY]

    @property
    def airborne(self) -> bool:
        return self.act == JUMP and self.phase in (RISE, SPENT, LIVE)

    @property
    def guards(self) -> bool:
        return self.act in (GUARD, IDLE, BLOCKING)


def record_at(history: list[Record], tick: int, shot_speed: int) -> Record:
    """What was true at ``tick``, exact by the linearity that ``Fighter.record`` promises."""
    index = len(history) - 1
    while index > 0 and history[index][0] > tick:
        index -= 1
    then, back, health, meter, act, phase, timer, speed, shot = history[index]
    passed = max(tick - then, 0)
    if act == IDLE:
        timer = FOREVER
    elif passed:
        timer -= passed
    if shot >= 0:
        shot += shot_speed * passed
    return (tick, back + speed * passed, health, meter, act, phase, timer, speed, shot)
