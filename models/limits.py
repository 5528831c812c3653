"""Limits by the minute, in requests and in tokens, that all models of one account share.

Knows nothing about providers: what one allows is declared in the configuration.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable

from models.chat import ChatModel, ChatRequest, Completion
from models.counting import BYTES_A_TOKEN, most_tokens
from models.errors import RateLimited
from models.patience import unhurried
from models.wrapping import Wrapper

BURST = 10
"""A tenth of a minute's worth may be used at once after a pause."""


class Bucket:
    """A token bucket: refills evenly, holds a tenth of a minute's worth; no minute gives out more than ``a_minute``.

    Whoever takes more than there is waits until it has come, in the order of asking; one who takes more than the bucket
    holds waits until it is full. ``a_minute`` is in whatever unit is taken; times are seconds on any clock.
    """

    def __init__(self, a_minute: float, now: float) -> None:
        self._most = max(1.0, a_minute / BURST)
        # With the bucket full at its beginning, a minute gives out what it holds and what flows in: together the limit.
        # Where the bucket holds one request, and that is all of the limit, the next flows in just when the minute ends.
        self._rate = max(a_minute - self._most, min(a_minute, 1.0)) / 60
        self._level = self._most
        self._then = now

    def take(self, amount: float, now: float) -> float:
        """Take ``amount``; seconds to wait before it may be used."""
        self._refill(now)
        wait = max(0.0, (min(amount, self._most) - self._level) / self._rate)
        self._level -= amount
        return wait

    def give_back(self, amount: float, now: float) -> None:
        """What was taken and not used; a negative amount takes what was used beyond."""
        self._refill(now)
        self._level = min(self._most, self._level + amount)

    def _refill(self, now: float) -> None:
        self._level = min(self._most, self._level + (now - self._then) * self._rate)
        self._then = max(self._then, now)


class RateLimit:
    """The limits of one account; safe to use from many tasks, event loops and threads. Without any, nothing waits."""

    def __init__(
        self,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._declared: dict[str, float] = {}
        self._buckets: dict[str, Bucket] = {}
        self.declare(requests_per_minute, tokens_per_minute)

    def declare(self, requests_per_minute: float | None, tokens_per_minute: float | None) -> None:
        """Limits that one more section of the configuration names for the account: the stricter one holds."""
        with self._lock:
            for unit, limit in (("requests", requests_per_minute), ("tokens", tokens_per_minute)):
                if limit is not None and limit < self._declared.get(unit, float("inf")):
                    self._declared[unit] = limit
                    self._buckets[unit] = Bucket(limit, self._clock())

    def take(self, tokens: float) -> float:
        """Take one request of about ``tokens`` tokens; seconds to wait before it may be made."""
        with self._lock:
            now = self._clock()
            amounts = {"requests": 1.0, "tokens": tokens}
            return max((bucket.take(amounts[unit], now) for unit, bucket in self._buckets.items()), default=0.0)

    def give_back(self, requests: float, tokens: float) -> None:
        """What was taken and not used."""
        with self._lock:
            for unit, amount in (("requests", requests), ("tokens", tokens)):
                if unit in self._buckets:
                    self._buckets[unit].give_back(amount, self._clock())


class Limited(Wrapper):
    """A model whose calls wait for ``limit``; a time limit around the call stands still meanwhile.

    Before a call its tokens are estimated (a quarter of the messages' bytes, and all of ``max_tokens``); afterwards
    what it really used replaces that.
    """

    def __init__(
        self, model: ChatModel, limit: RateLimit, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        super().__init__(model)
        self._limit = limit
        self._sleep = sleep

    async def complete(self, request: ChatRequest) -> Completion:
        tokens = most_tokens(request.messages) / BYTES_A_TOKEN + request.max_tokens
        wait = self._limit.take(tokens)
        if wait > 0:
            try:
                await unhurried(self._sleep(wait))
            except asyncio.CancelledError as stopped:
                self._limit.give_back(1, tokens)
                # Whoever stopped waiting can tell that it was not the model that was slow: see provider_fault.
                raise stopped from RateLimited(f"{self.name}: waiting {wait:.1f} s for the declared limits a minute")
        completion = await self._model.complete(request)
        self._limit.give_back(0, tokens - completion.usage.tokens)
        return completion
