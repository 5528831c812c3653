"""Clocks: how thinking time becomes game time.

``paused``                the game waits; a decision takes effect at the tick at which it was asked
``simulated:MS[,SD]``     a declared latency of mean MS and standard deviation SD milliseconds, seeded: reproducible
``measured``              the real latency is charged, without sleeping

Knows nothing about games beyond their tick rate.
"""

import hashlib
import math
from dataclasses import dataclass
from typing import Literal

from models.errors import BadInput

ClockKind = Literal["paused", "simulated", "measured"]


@dataclass(frozen=True, slots=True)
class Clock:
    """One of the three clocks; ``mean_ms`` and ``sd_ms`` are the simulated clock's declared latency."""

    kind: ClockKind
    mean_ms: float = 0.0
    sd_ms: float = 0.0

    @classmethod
    def parse(cls, text: str) -> "Clock":
        """Read a clock as written on the command line; raises ``BadInput``."""
        if text in ("paused", "measured"):
            return cls("paused" if text == "paused" else "measured")
        if text.startswith("simulated:"):
            numbers = text.removeprefix("simulated:").split(",")
            try:
                mean, sd = (float(numbers[0]), float(numbers[1]) if len(numbers) == 2 else 0.0)
            except ValueError:
                mean = sd = math.nan
            if len(numbers) <= 2 and 0 <= mean < math.inf and 0 <= sd < math.inf:
                return cls("simulated", mean, sd)
        raise BadInput(f"unknown clock {text!r}: use paused, measured, or simulated:MS or simulated:MS,SD")

    def __str__(self) -> str:
        if self.kind != "simulated":
            return self.kind
        return f"simulated:{self.mean_ms:g}" + (f",{self.sd_ms:g}" if self.sd_ms else "")

    def charge(self, latency: float, tick_rate: int, seed: int) -> int:
        """Ticks charged for a decision that really took ``latency`` seconds; ``seed`` is the decision's own.

        A measured latency is rounded up: a decision is usable at the first tick after it is there.
        """
        if self.kind == "paused":
            return 0
        seconds = latency if self.kind == "measured" else self._draw(seed)
        return math.ceil(seconds * tick_rate - 1e-9)

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
