"""Several calls at once of which none is left behind: when one fails, the others are ended before anybody hears of it.

Knows nothing about models. ``asyncio.gather`` lets the others go on after a failure, and what they spend would be
booked when nobody looks any more.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

Result = TypeVar("Result")


async def together(calls: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """The results of all ``calls`` in their order; raises the first failure once all of them have ended."""
    tasks = [asyncio.create_task(call) for call in calls]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        raise
