"""Asking again after a passing fault: the only place that does.

Knows nothing about providers: it reads the kind of a ``ModelError`` and the wait that it asks for.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from models.chat import ChatModel, ChatRequest, Completion
from models.errors import Learnt, Malformed, ModelError, RateLimited, TimedOut, Unavailable
from models.notes import Notes
from models.wrapping import Wrapper

Sleep = Callable[[float], Awaitable[None]]

MOST_LESSONS = 64
"""Times that one call is made in another way: more than there are fields to do without, at each of several replicas."""
NOTABLE_S = 2.0
"""A wait that somebody is told of."""
OUTAGE_S = 5.0
"""A fault of this length is an outage: the next one is told of again."""
REMINDED_S = 30.0
"""How long an outage lasts before it is told of again; then after twice that, and so on."""
WAITING = "waiting"


class Retrying(Wrapper):
    """A model that is asked again, at most ``max_retries`` times, when it is limited, unavailable or too slow.

    What could not be read is asked for once more: a proxy's page passes, another protocol does not.

    The wait before attempt k is drawn evenly from [d/2, d] with d = ``base_s`` * 2**k, at most ``longest_s``
    ("equal jitter"). Where the provider asks for a wait (``Retry-After``), it is that and up to ``base_s`` more, for
    all who were turned away together would come back together; a provider that asks for more than ``longest_s`` is
    not waited for. The draws come from ``seed``. The latency of a completion is that of the attempt which succeeded.

    What was turned down for the way it was asked (``Learnt``) is asked again at once, and that is no retry.

    A fault in mid-stream is one like any other: ``on_text`` then gets the new attempt's text from its beginning.
    """

    def __init__(
        self,
        model: ChatModel,
        *,
        max_retries: int = 4,
        base_s: float = 0.5,
        longest_s: float = 60.0,
        seed: int = 0,
        sleep: Sleep = asyncio.sleep,
        notes: Notes | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(model)
        self._max_retries = max_retries
        self._base_s = base_s
        self._longest_s = longest_s
        self._random = random.Random(seed)
        self._sleep = sleep
        self._notes = notes or Notes()
        self._clock = clock
        self._down_since: float | None = None
        self._said_after = REMINDED_S

    async def complete(self, request: ChatRequest) -> Completion:
        attempt, unread, lessons = 0, False, 0
        while True:
            try:
                completion = await self._model.complete(request)
                self._up()
                return completion
            except Learnt:
                lessons += 1
                if lessons > MOST_LESSONS:
                    raise
                continue
            except (Malformed, RateLimited, TimedOut, Unavailable) as fault:
                wait = None if isinstance(fault, Malformed) and unread else self._wait(fault, attempt)
                unread = unread or isinstance(fault, Malformed)
                if wait is None:
                    raise
                self._down(fault, attempt, wait)
                # Inside the handler, so that whoever stops us while we wait can tell why: see provider_fault.
                await self._sleep(wait)
            attempt += 1

    def _wait(self, fault: ModelError, attempt: int) -> float | None:
        """Seconds to wait before the next attempt, or ``None`` if there is to be none."""
        if attempt >= self._max_retries or (isinstance(fault, Unavailable) and not fault.retryable):
            return None
        delay = min(self._base_s * 2.0**attempt, self._longest_s)
        drawn = self._random.random()
        wait = delay * (0.5 + 0.5 * drawn)
        asked = fault.retry_after if isinstance(fault, RateLimited | Unavailable) else None
        if asked is None:
            return wait
        return None if asked > self._longest_s else max(wait, asked + self._base_s * drawn)

    def _down(self, fault: ModelError, attempt: int, wait: float) -> None:
        """Say what is waited for, and for how long, unless it is likely to pass at once; and again if it does not."""
        now = self._clock()
        if self._down_since is None:
            self._down_since, self._said_after = now, REMINDED_S
        nobody = isinstance(fault, Unavailable) and not (fault.status or fault.may_be_billed)
        if attempt or nobody or wait >= NOTABLE_S or isinstance(fault, TimedOut):
            left = self._max_retries - attempt
            later = sum(min(self._base_s * 2.0**k, self._longest_s) for k in range(attempt + 1, attempt + left))
            said = str(fault).removeprefix(f"{self.name}: ")
            again = f"each call is made up to {left} more times, over {wait + later:.0f} s and what the answers take"
            self._notes.tell(self.name, WAITING, f"{said}{'' if said.endswith('?') else '.'} It is waited for: {again}")
        if now - self._down_since >= self._said_after:
            self._notes.say(f"{self.name}: no answer for {now - self._down_since:.0f} s, and waited for still")
            self._said_after *= 2

    def _up(self) -> None:
        """The provider answers; after a while in which it did not, that is said too."""
        since, self._down_since = self._down_since, None
        lasted = 0.0 if since is None else self._clock() - since
        if lasted >= OUTAGE_S and self._notes.forget(self.name, WAITING):
            self._notes.say(f"{self.name}: answers again after {lasted:.0f} s")


def provider_fault(stopped: BaseException) -> Malformed | RateLimited | Unavailable | None:
    """The provider's fault that a call was waiting out when it was stopped, if that is what it was doing.

    A player whose time ran out then was not too slow: its provider failed. ``stopped`` is the ``TimeoutError`` of
    ``asyncio.timeout`` or the cancellation itself.
    """
    cause: BaseException | None = stopped
    while cause is not None:
        if isinstance(cause, Malformed | RateLimited | Unavailable):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None
