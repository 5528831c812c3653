"""Gathering calls: what waits together is computed together, and closing leaves nobody hanging."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from models.batching import Batcher


def test_what_waits_together_is_computed_together() -> None:
    batches: list[list[int]] = []

    def double(requests: Sequence[int]) -> list[int]:
        batches.append(list(requests))
        return [2 * one for one in requests]

    async def main() -> list[int]:
        batcher = Batcher(double, most=4)
        found = await asyncio.gather(*(batcher.ask(n) for n in range(6)))
        batcher.close()
        return list(found)

    assert asyncio.run(main()) == [0, 2, 4, 6, 8, 10]
    assert batches == [[0, 1, 2, 3], [4, 5]]


def test_closing_while_calls_wait_is_quiet() -> None:
    """After an error elsewhere the models are closed while other games still ask: no trace of that may be printed."""
    begun, go_on = threading.Event(), threading.Event()
    complaints: list[object] = []

    def slow(requests: Sequence[int]) -> list[int]:
        begun.set()
        go_on.wait(5)
        return list(requests)

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
        batcher = Batcher(slow, most=1)
        calls = [asyncio.create_task(batcher.ask(n)) for n in range(3)]
        await asyncio.to_thread(begun.wait, 5)
        for call in calls:
            call.cancel()
        batcher.close()
        batcher.close()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await calls[2]
        del calls
        await asyncio.to_thread(batcher._thread.shutdown)  # until the last batch is computed
        await asyncio.sleep(0)

    asyncio.run(main())
    assert complaints == []
