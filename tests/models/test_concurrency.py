"""The window of calls to one server: it grows while all is well, halves on overload, and loses no place."""

import asyncio
import threading
from collections.abc import Sequence

import pytest
from fake_chat import FakeChat
from hypothesis import given
from hypothesis import strategies as st

from models.chat import ChatRequest, Completion, Message, Usage
from models.concurrency import Throttled, Window
from models.errors import ModelError, RateLimited, Refused, TimedOut, Unavailable
from models.patience import time_limit
from models.registry import ModelOptions, open_model
from models.retry import provider_fault
from models.traffic import Traffic

MESSAGES = (Message("user", "far"),)


class Server(FakeChat):
    """Takes at most ``room`` calls at once, and turns the others away as an overloaded server does."""

    name = "server"

    def __init__(self, room: int, fault: ModelError | None = None) -> None:
        super().__init__()
        self.room = room
        self.fault = fault
        self.busy = self.most = self.turned_away = 0

    async def answer(self, request: ChatRequest) -> Completion:
        self.busy += 1
        self.most = max(self.most, self.busy)
        try:
            await asyncio.sleep(0)
            if self.fault:
                raise self.fault
            if self.busy > self.room:
                self.turned_away += 1
                raise Unavailable("busy", overloaded=True)
            return Completion("jab", Usage(1, 1), 0.0)
        finally:
            self.busy -= 1


def calls(server: Server, window: Window, count: int) -> int:
    """Make ``count`` calls, all at once; how many were answered."""

    async def main() -> int:
        model = Throttled(server, window)
        done = await asyncio.gather(
            *(model.complete(ChatRequest(MESSAGES)) for _ in range(count)), return_exceptions=True
        )
        return sum(isinstance(one, Completion) for one in done)

    return asyncio.run(main())


def test_it_grows_while_all_is_well() -> None:
    window, server = Window(most=100, start=2), Server(room=1000)
    assert calls(server, window, 30) == 30
    assert window.size > 10, "by one for each success at first: twice as many each round"
    assert calls(server, window, 1000) == 1000
    assert (window.size, server.most) == (100, 100)
    assert window.busy == 0


def test_it_does_not_grow_unused() -> None:
    window = Window(most=100, start=8)
    for _ in range(50):
        calls(Server(room=10), window, 4)
    assert window.size == 8


def test_it_finds_the_room_of_a_server() -> None:
    window, server = Window(most=1000, start=64), Server(room=10)
    first = calls(server, window, 500)
    sizes = []
    before = server.turned_away
    for _ in range(40):
        calls(server, window, 25)
        sizes.append(window.size)
    assert first < 500
    assert all(4 <= size <= 11 for size in sizes), "a sawtooth below what the server can take"
    assert server.turned_away - before < 0.15 * 40 * 25


def test_all_calls_of_one_overload_halve_it_once() -> None:
    window = Window(most=64, start=64)
    assert calls(Server(room=0), window, 64) == 0
    assert window.size == 32
    for _ in range(20):
        calls(Server(room=0), window, 1)
    assert window.size == 1, "and never none"


@pytest.mark.parametrize(
    ("fault", "size"),
    [
        (RateLimited("429"), 4),
        (Unavailable("503", overloaded=True), 4),
        (Unavailable("500"), 8),
        (TimedOut("slow"), 8),
        (Refused("no"), 8),
    ],
)
def test_what_is_an_overload(fault: ModelError, size: int) -> None:
    window = Window(most=8, start=8)
    calls(Server(room=9, fault=fault), window, 8)
    assert (window.size, window.busy) == (size, 0)


@given(st.integers(1, 8), st.integers(1, 40), st.lists(st.integers(0, 39), max_size=20), st.integers(1, 20))
def test_no_place_is_lost_or_given_twice(most: int, count: int, cancelled: Sequence[int], room: int) -> None:
    window, server = Window(most=most, start=most), Server(room)

    async def main() -> None:
        model = Throttled(server, window)
        tasks = [asyncio.create_task(model.complete(ChatRequest(MESSAGES))) for _ in range(count)]
        for number in cancelled:
            await asyncio.sleep(0)
            tasks[number % count].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert window.busy == 0
        server.room = 10**6
        assert (await model.complete(ChatRequest(MESSAGES))).text == "jab"

    asyncio.run(main())
    assert server.most <= most


def test_waiting_for_a_place_is_nobodys_slowness() -> None:
    window = Window(most=1, start=1)

    async def main() -> BaseException:
        epoch = await window.enter()
        async with time_limit(0.05):
            waiting = asyncio.create_task(window.enter())
            await asyncio.sleep(0)
            asyncio.get_running_loop().call_later(0.1, lambda: window.leave(epoch, succeeded=True, overloaded=False))
            await waiting
        try:
            async with asyncio.timeout(0.02):
                await window.enter()
        except TimeoutError as late:
            return late
        raise AssertionError("there was a place")

    assert isinstance(provider_fault(asyncio.run(main())), RateLimited)


def test_loops_in_several_threads_share_a_window() -> None:
    window, server = Window(most=3, start=3), Server(room=10**6)
    answered = []
    threads = [threading.Thread(target=lambda: answered.append(calls(server, window, 100))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answered == [100] * 4
    assert window.busy == 0


def test_a_section_bounds_the_calls_of_its_server() -> None:
    traffic = Traffic()
    for spec, most in (("vllm:http://127.0.0.1:1#a", 7), ("vllm:http://127.0.0.1:1#b", None)):
        open_model(spec, ModelOptions(concurrency=most, traffic=traffic))
    assert (traffic.window("http://127.0.0.1:1/v1").most, traffic.window("http://127.0.0.1:1/v1").size) == (7, 7)
