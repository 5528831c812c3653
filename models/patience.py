"""A time limit that stands still while a call waits for us, and not for the model.

A call may have to wait for its turn: by a declared rate, for a place on a busy server, for a batch to be full. A player
must not lose a decision by that.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")

_limit: ContextVar[tuple[asyncio.AbstractEventLoop, asyncio.Timeout] | None] = ContextVar("time limit", default=None)


@asynccontextmanager
async def time_limit(seconds: float) -> AsyncIterator[None]:
    """As ``asyncio.timeout``; the clock stands still inside ``unhurried``."""
    async with asyncio.timeout(seconds) as scope:
        token = _limit.set((asyncio.get_running_loop(), scope))
        try:
            yield
        finally:
            _limit.reset(token)


async def unhurried(waiting: Awaitable[T]) -> T:
    """Await ``waiting`` with the clock of the ``time_limit`` around it stopped, if there is one."""
    loop = asyncio.get_running_loop()
    found = _limit.get()
    if found is None or found[0] is not loop:
        return await waiting
    scope = found[1]
    when = scope.when()
    if when is None or scope.expired():
        return await waiting
    left = when - loop.time()
    # A task that was started under the limit may outlive it: then there is no clock left to stop.
    with suppress(RuntimeError):
        scope.reschedule(None)
    try:
        return await waiting
    finally:
        with suppress(RuntimeError):
            scope.reschedule(loop.time() + left)
