"""Gathering calls that wait at the same time into batches, on one event loop.

Knows nothing about models: it is given a function from a list of requests to a list of answers.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

Request = TypeVar("Request")
Answer = TypeVar("Answer")


class Batcher(Generic[Request, Answer]):
    """Runs ``compute`` on whatever is waiting, at most ``most`` requests at a time, in one thread of its own.

    ``compute`` is never run twice at once, so it may keep state without locks; the event loop stays free meanwhile.
    An exception of ``compute`` goes to every request of its batch.
    """

    def __init__(self, compute: Callable[[Sequence[Request]], Sequence[Answer]], *, most: int) -> None:
        self._compute = compute
        self._most = most
        self._waiting: list[tuple[Request, asyncio.Future[Answer]]] = []
        self._worker: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batch")

    async def ask(self, request: Request) -> Answer:
        """The answer to ``request``, computed together with the others that wait now."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        if self._worker is None or self._worker.done() or self._worker.get_loop() is not loop:
            self._waiting = []
            self._worker = loop.create_task(self._work(loop))
        self._waiting.append((request, future))
        return await future

    async def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        await asyncio.sleep(0)  # every task that is ready now gets to ask before the first batch is closed
        while self._waiting:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            batch = [(request, future) for request, future in batch if not future.done()]
            running = loop.run_in_executor(self._thread, self._compute, [request for request, _ in batch])
            await asyncio.wait([running])
            problem = running.exception()
            for index, (_, future) in enumerate(batch):
                if future.done():
                    continue
                if problem is not None:
                    future.set_exception(problem)
                else:
                    future.set_result(running.result()[index])
            await asyncio.sleep(0)

    def close(self) -> None:
        """Stop the thread once it is done; whoever still waits gets no answer. Harmless twice."""
        worker = self._worker
        if worker is not None and not worker.done() and not worker.get_loop().is_closed():
            worker.cancel()
            for _, future in self._waiting:
                future.cancel()
        self._waiting = []
        self._thread.shutdown(wait=False)
