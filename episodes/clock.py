"""Clocks: how thinking time becomes game time.

``paused``                the game waits; a decision takes effect at the tick at which it was asked
``simulated:MS[,SD]``     a declared latency of mean MS and standard deviation SD milliseconds, seeded: reproducible
``measured``              the real latency is charged, without sleeping

``measured*0.5`` charges half of every latency. ``measured/60+2`` is a time control for turn-based games: each seat has
60 seconds for the whole game and 2 more after every move; a seat whose time is up loses (its flag falls).

Knows nothing about games beyond their tick rate.
"""

import hashlib
import math
import re
from dataclasses import dataclass, replace
from typing import Literal

from models.errors import BadInput

ClockKind = Literal["paused", "simulated", "measured"]

_NUMBER = r"(\d+\.?\d*|\.\d+)"
_WRITTEN = re.compile(
    rf"(paused|measured|simulated:{_NUMBER}(?:,{_NUMBER})?)(?:\*{_NUMBER})?(?:/{_NUMBER}(?:\+{_NUMBER})?)?"
)
_FORMS = "paused, measured, simulated:MS or simulated:MS,SD; then *FACTOR, then /SECONDS+SECONDS A MOVE"


@dataclass(frozen=True, slots=True)
class TimeControl:
    """Seconds a seat has for a whole game, and seconds it gains with every move."""

    base: float
    increment: float = 0.0

    def __str__(self) -> str:
        return f"{self.base:.12g}+{self.increment:.12g}"


@dataclass(frozen=True, slots=True)
class Clock:
    """One of the three clocks; ``mean_ms`` and ``sd_ms`` are the simulated clock's declared latency.

    ``factor`` multiplies every latency before it is charged.
    """

    kind: ClockKind
    mean_ms: float = 0.0
    sd_ms: float = 0.0
    factor: float = 1.0
    control: TimeControl | None = None

    @classmethod
    def parse(cls, text: str) -> "Clock":
        """Read a clock as written on the command line; raises ``BadInput``."""
        found = _WRITTEN.fullmatch(text)
        if found is None:
            raise BadInput(f"unknown clock {text!r}: use {_FORMS}")
        written, mean, sd, factor, base, increment = found.groups()
        kind: ClockKind = "paused" if written == "paused" else "measured" if written == "measured" else "simulated"
        if kind == "paused" and (factor or base):
            raise BadInput(f"the clock {text!r} charges nothing: use measured or simulated:MS before * or /")
        if base is not None and not float(base):
            raise BadInput(f"the clock {text!r} gives nobody any time: write /SECONDS+SECONDS A MOVE, e.g. /60+2")
        control = None if base is None else TimeControl(float(base), float(increment or 0))
        return cls(kind, float(mean or 0), float(sd or 0), float(factor or 1), control)

    def __str__(self) -> str:
        written: str = self.kind
        if self.kind == "simulated":
            written = f"simulated:{self.mean_ms:.12g}" + (f",{self.sd_ms:.12g}" if self.sd_ms else "")
        if self.factor != 1:
            written += f"*{self.factor:.12g}"
        return written + (f"/{self.control}" if self.control else "")

    def times(self, factor: float) -> "Clock":
        """The same clock with every latency multiplied by ``factor`` once more; ``paused`` for a factor of 0."""
        if factor == 0:
            return Clock("paused")
        return replace(self, factor=self.factor * factor)

    def seconds(self, latency: float, seed: int) -> float:
        """Seconds charged for a decision that really took ``latency`` seconds; ``seed`` is the decision's own."""
        if self.kind == "paused":
            return 0.0
        return self.factor * (latency if self.kind == "measured" else self._draw(seed))

    def charge(self, latency: float, tick_rate: int, seed: int) -> int:
        """Ticks charged for a decision: ``seconds`` rounded up, for it is usable at the first tick after it is there.

        A time is rounded up but for a billionth of a tick, which is the arithmetic's and nobody's thinking.
        """
        return math.ceil(self.seconds(latency, seed) * tick_rate - 1e-9)

    def _draw(self, seed: int) -> float:
        """A log-normal latency in seconds with the declared mean and standard deviation."""
        if not (self.sd_ms and self.mean_ms):
            return self.mean_ms / 1000
        digest = hashlib.blake2b(f"latency {seed}".encode(), digest_size=16).digest()
        u = (int.from_bytes(digest[:8]) + 1) / (2**64 + 1)
        v = int.from_bytes(digest[8:]) / 2**64
        normal = math.sqrt(-2 * math.log(u)) * math.cos(2 * math.pi * v)
        variance = math.log1p((self.sd_ms / self.mean_ms) ** 2)
        return self.mean_ms / 1000 * math.exp(normal * math.sqrt(variance) - variance / 2)


class SideClocks:
    """What is left of each seat's time under a time control."""

    def __init__(self, control: TimeControl, seats: int) -> None:
        self._control = control
        self.left = [control.base] * seats
        self.fallen: set[int] = set()

    def spend(self, seat: int, seconds: float) -> None:
        """A decision of ``seat`` took ``seconds``; the increment comes after it."""
        self.left[seat] -= seconds
        if self.left[seat] < 0:
            self.fallen.add(seat)
        else:
            self.left[seat] += self._control.increment

    def returns(self) -> tuple[float, ...]:
        """The result once a flag has fallen: -1 for those that fell and 1 for the others; 0 where all fell at once."""
        everybody = len(self.fallen) == len(self.left) > 1
        return tuple(0.0 if everybody else -1.0 if seat in self.fallen else 1.0 for seat in range(len(self.left)))
