import asyncio

import pytest

from models.together import together


def test_results_are_in_the_order_of_the_calls() -> None:
    async def main() -> list[int]:
        first = asyncio.Event()

        async def late() -> int:
            await first.wait()
            return 1

        async def early() -> int:
            first.set()
            return 2

        return await together([late(), early()])

    assert asyncio.run(main()) == [1, 2]
    assert asyncio.run(together([])) == []


@pytest.mark.parametrize("cancelled", [False, True], ids=["one fails", "all are given up"])
def test_nobody_is_left_behind(cancelled: bool) -> None:
    """Each call has closed its books, which takes it another turn of the loop, before the failure is heard."""
    booked: list[int] = []

    async def waits(n: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            booked.append(n)

    async def fails() -> None:
        await asyncio.sleep(0)
        if not cancelled:
            raise ZeroDivisionError
        await asyncio.Event().wait()

    async def main() -> list[int]:
        task = asyncio.create_task(together([waits(1), fails(), waits(2)]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if cancelled:
            task.cancel()
        with pytest.raises(asyncio.CancelledError if cancelled else ZeroDivisionError):
            await task
        return list(booked)

    assert asyncio.run(main()) == [1, 2]
