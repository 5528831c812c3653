"""Where every seed of a comparison comes from: a root, a purpose, an index, through BLAKE2b.

Streams of different purposes share no seed (63 bits: among a million seeds the chance of one coincidence is 5e-8), so
confirmation games are fresh by construction. Knows nothing about what the seeds start.
"""

import hashlib
from dataclasses import dataclass


def derive(*parts: str | int) -> int:
    """63 bits that depend on every part and on nothing else; ``derive("1")`` and ``derive(1)`` differ."""
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        data = repr(part).encode()
        digest.update(len(data).to_bytes(8) + data)
    return int.from_bytes(digest.digest()) >> 1


@dataclass(frozen=True, slots=True)
class Seeds:
    """An endless stream of seeds. ``root`` names the run (a night, a comparison), ``purpose`` what they are for."""

    root: str | int
    purpose: str

    def take(self, start: int, count: int) -> list[int]:
        """Seeds number ``start`` to ``start + count - 1``."""
        return [derive("seed", self.root, self.purpose, index) for index in range(start, start + count)]
