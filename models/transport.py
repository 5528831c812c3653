"""A pool of HTTP connections whose cost does not grow with their number.

httpx's own pool looks at every connection it has, and asks the system whether it is still open, at every request: at 64
requests at once four fifths of a call's time on the processor go into that. Here every connection is a pool of its own,
and the one that was used last is used first. Knows nothing about what is sent.
"""

import urllib.request
from collections.abc import AsyncIterator, Callable
from functools import cache
from typing import TYPE_CHECKING, cast

import httpx

if TYPE_CHECKING:
    import ssl

ONE = httpx.Limits(max_connections=1, max_keepalive_connections=1)


@cache
def _certificates() -> "ssl.SSLContext":
    """Read once for all connections: that takes twenty milliseconds and a megabyte."""
    return httpx.create_ssl_context()


class Lanes(httpx.AsyncBaseTransport):
    """As many connections as there were ever requests at once, each used by one request at a time."""

    def __init__(self) -> None:
        self._lanes: list[httpx.AsyncHTTPTransport] = []
        self._free: list[httpx.AsyncHTTPTransport] = []

    @property
    def connections(self) -> int:
        """How many there are, used or not."""
        return len(self._lanes)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        lane = self._free.pop() if self._free else self._lane()
        try:
            response = await lane.handle_async_request(request)
        except BaseException:
            self._free.append(lane)
            raise
        stream = cast(httpx.AsyncByteStream, response.stream)
        response.stream = _Stream(stream, lambda: self._free.append(lane))
        return response

    def _lane(self) -> httpx.AsyncHTTPTransport:
        self._lanes.append(httpx.AsyncHTTPTransport(verify=_certificates(), limits=ONE))
        return self._lanes[-1]

    async def aclose(self) -> None:
        lanes, self._lanes, self._free = self._lanes, [], []
        for lane in lanes:
            await lane.aclose()


class _Stream(httpx.AsyncByteStream):
    """An answer's body, and what is done when it was read or given up."""

    def __init__(self, stream: httpx.AsyncByteStream, done: Callable[[], None]) -> None:
        self._stream = stream
        self._done: Callable[[], None] | None = done

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            done, self._done = self._done, None
            if done is not None:
                done()


def lanes() -> Lanes | None:
    """A transport for a client; ``None`` where the environment names a proxy, which httpx's own pool heeds."""
    return None if set(urllib.request.getproxies()) & {"http", "https", "all"} else Lanes()
