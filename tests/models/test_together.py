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


async def wait_for(booked: list[int], n: int, turns: int) -> None:
    """A call that never answers; once it is ended its books take ``turns`` turns of the loop."""
    try:
        await asyncio.Event().wait()
    finally:
        for _ in range(turns):
            await asyncio.sleep(0)
        booked.append(n)


async def fail_after(turns: int) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)
    raise ZeroDivisionError


@pytest.mark.parametrize("cancelled", [False, True], ids=["one fails", "all are given up"])
def test_nobody_is_left_behind(cancelled: bool) -> None:
    """Each call has closed its books, which takes it another turn of the loop, before the failure is heard."""
    booked: list[int] = []

    async def main() -> list[int]:
        one = wait_for(booked, 3, turns=1) if cancelled else fail_after(1)
        task = asyncio.create_task(together([wait_for(booked, 1, turns=1), one, wait_for(booked, 2, turns=1)]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if cancelled:
            task.cancel()
        with pytest.raises(asyncio.CancelledError if cancelled else ZeroDivisionError):
            await task
        return sorted(booked)

    assert asyncio.run(main()) == ([1, 2, 3] if cancelled else [1, 2])


def test_nobody_is_left_behind_by_calls_within_calls() -> None:
    """A budget ends for many calls at once: the group within is ended while it still waits for its own."""
    booked: list[int] = []

    async def within() -> None:
        await together([fail_after(1), wait_for(booked, 1, turns=20)])

    async def main() -> list[int]:
        with pytest.raises(ZeroDivisionError):
            await together([within(), fail_after(5), wait_for(booked, 2, turns=1)])
        return sorted(booked)

    assert asyncio.run(main()) == [1, 2]


def test_who_is_given_up_while_a_failure_is_ended_hears_of_it() -> None:
    booked: list[int] = []

    async def main() -> list[int]:
        task = asyncio.create_task(together([fail_after(1), wait_for(booked, 1, turns=20)]))
        for _ in range(8):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return list(booked)

    assert asyncio.run(main()) == [1]
