"""Several calls at once of which none is left behind: when one fails, the others are ended before anybody hears of it.

Knows nothing about models. ``asyncio.gather`` lets the others go on after a failure, and what they spend would be
booked when nobody looks any more.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

Result = TypeVar("Result")


async def together(calls: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """The results of all ``calls`` in their order; raises the first failure once all of them have ended.

    Who is given up meanwhile hears of that instead, and only then too: calls may themselves be groups of calls.
    """
    tasks = [asyncio.create_task(call) for call in calls]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        await _end(tasks)


async def _end(tasks: list[asyncio.Task[Result]]) -> None:
    """Cancel ``tasks`` and wait until all have ended; a cancellation of this wait is raised after it."""
    for task in tasks:
        task.cancel()
    given_up: asyncio.CancelledError | None = None
    while not all(task.done() for task in tasks):
        try:
            await asyncio.wait(tasks)
        except asyncio.CancelledError as stopped:
            given_up = stopped
    if given_up is not None:
        raise given_up
