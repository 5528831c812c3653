"""How many calls one server gets at once: found by trying, as TCP finds how fast a network is.

Additive increase, multiplicative decrease (Chiu and Jain, 1989), with TCP's slow start. Knows nothing about providers.
"""

import asyncio
import threading
from collections import deque
from dataclasses import dataclass

from models.chat import ChatModel, ChatRequest, Completion
from models.errors import RateLimited, Unavailable
from models.patience import unhurried
from models.wrapping import Wrapper

START = 32
MOST = 1024


@dataclass(slots=True, eq=False)
class _Waiter:
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[None]"


class Window:
    """How many calls may be under way, between 1 and ``most``; safe to use from many tasks, event loops and threads.

    It begins at ``start`` and, as long as all of it is used, grows by one for every call that succeeds; from the first
    overload on by one for every ``size`` of them. An overload halves it, once for all calls that were under way.
    """

    def __init__(self, most: int = MOST, start: int = START) -> None:
        self.most = most
        self._size = float(min(start, most))
        self._slow_start = True
        self._busy = 0
        self._epoch = 0
        self._waiting: deque[_Waiter] = deque()
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """How many calls may be under way now."""
        return int(self._size)

    @property
    def busy(self) -> int:
        """Calls under way, and those that wait for a place."""
        with self._lock:
            return self._busy + len(self._waiting)

    def limit(self, most: int) -> None:
        """Never let more than ``most`` be under way: the strictest of all that were said holds."""
        with self._lock:
            self.most = min(self.most, most)
            self._size = min(self._size, float(self.most))

    async def enter(self) -> int:
        """Wait for a place, in the order of asking; the epoch to hand to ``leave``."""
        with self._lock:
            if self._busy < self.size and not self._waiting:
                self._busy += 1
                return self._epoch
            loop = asyncio.get_running_loop()
            waiter = _Waiter(loop, loop.create_future())
            self._waiting.append(waiter)
        try:
            await unhurried(waiter.future)
        except asyncio.CancelledError as stopped:
            self._withdraw(waiter)
            raise stopped from RateLimited("waiting for a place: the server has as many calls as it can take")
        return self._epoch

    def leave(self, epoch: int, *, succeeded: bool, overloaded: bool) -> None:
        """A call has ended; ``epoch`` is what ``enter`` gave it."""
        with self._lock:
            if overloaded and epoch == self._epoch:
                self._epoch += 1
                self._slow_start = False
                self._size = max(1.0, self._size / 2)
            elif succeeded and self._busy >= self.size:
                self._size = min(float(self.most), self._size + (1.0 if self._slow_start else 1.0 / self._size))
            self._busy -= 1
            self._admit()

    def _admit(self) -> None:
        """Give free places to those who wait; the lock is held."""
        while self._waiting and self._busy < self.size:
            waiter = self._waiting.popleft()
            if not waiter.loop.is_closed():
                self._busy += 1
                waiter.loop.call_soon_threadsafe(self._wake, waiter)

    def _wake(self, waiter: _Waiter) -> None:
        if not waiter.future.done():
            waiter.future.set_result(None)

    def _withdraw(self, waiter: _Waiter) -> None:
        """One who waited goes away, perhaps with a place that was just given to it."""
        with self._lock:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            else:
                self._busy -= 1
                self._admit()


class Throttled(Wrapper):
    """A model whose calls wait for a place in ``window``; a time limit around the call stands still meanwhile."""

    def __init__(self, model: ChatModel, window: Window) -> None:
        super().__init__(model)
        self._window = window

    async def complete(self, request: ChatRequest) -> Completion:
        epoch = await self._window.enter()
        succeeded = overloaded = False
        try:
            completion = await self._model.complete(request)
            succeeded = True
            return completion
        except (RateLimited, Unavailable) as fault:
            overloaded = isinstance(fault, RateLimited) or fault.overloaded
            raise
        finally:
            self._window.leave(epoch, succeeded=succeeded, overloaded=overloaded)
