"""What the models of one run share on their way out: the limits of each account, the room of each server.

Knows nothing about the models themselves.
"""

import hashlib

from models.concurrency import Window
from models.limits import RateLimit


class Traffic:
    """One ``RateLimit`` an account and one ``Window`` a server, made when they are first asked for."""

    def __init__(self) -> None:
        self._limits: dict[str, RateLimit] = {}
        self._windows: dict[str, Window] = {}

    def rate_limit(self, server: str, key: str) -> RateLimit:
        """The limits of the account that ``key`` opens at ``server``; the key itself is not kept."""
        account = hashlib.blake2b(f"{server}\n{key}".encode(), digest_size=16).hexdigest()
        return self._limits.setdefault(account, RateLimit())

    def window(self, server: str) -> Window:
        """How many calls ``server`` gets at once."""
        return self._windows.setdefault(server, Window())
