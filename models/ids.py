"""Ids and seeds as hashes of what they stand for.

``content_id`` makes every new id. Ids that are older than it (matches, pairs, datasets, students, stored texts) keep
the formulas of their own places, because stores hold them. Knows nothing about what is hashed.
"""

import hashlib
from collections.abc import Iterable


def content_id(kind: str, parts: Iterable[str]) -> str:
    """A hash of a list of texts, 20 hexadecimal digits; no two different lists share one by concatenation."""
    digest = hashlib.blake2b(kind.encode(), digest_size=10)
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8) + data)
    return digest.hexdigest()


def hash64(text: str) -> int:
    """64 bits that depend on ``text`` and on nothing else, the same in every process."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def seed63(text: str) -> int:
    """A seed for what ``text`` names: the first 63 bits of ``hash64``, which every store and library can hold."""
    return hash64(text) >> 1
