"""Several servers of one model behind one name: each call goes to the one with the fewest calls under way.

Knows nothing about the servers: they are chat models like any other.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from models.chat import ChatModel, ChatRequest, Completion, holds_of
from models.endpoint import address_of
from models.errors import TimedOut, Unavailable
from models.wrapping import Wrapper

REST_S = 5.0
LONGEST_REST_S = 60.0
"""Seconds that a replica which failed is left out: twice as long after each further fault, up to the longest."""


@dataclass(eq=False)
class _Replica(Wrapper):
    """One server: its calls under way, its faults in a row, and when it may be asked again."""

    _model: ChatModel
    busy: int = 0
    faults: int = 0
    rests_until: float = float("-inf")
    last_asked: int = 0


class Replicas:
    """Implements ``ChatModel`` over ``models``, which all serve the same.

    Of those that are well, a call goes to the least busy one, among equals to the one that was asked longest ago. A
    replica that is unavailable or too slow is left out for a while; the call itself goes on to the next one, unless it
    was too slow. What asking again would not mend (a request that is refused, say) is no fault of the replica's.

    Only when nobody is well are those asked that rest, the one that is due first before the others: so a server that
    comes back is found, and ``Unavailable`` is raised only when every replica has failed this very call.
    """

    def __init__(
        self,
        models: Sequence[ChatModel],
        name: str,
        *,
        rest_s: float = REST_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        addresses = (address for model in models for address in model.endpoint.address.split(","))
        self.endpoint = replace(models[0].endpoint, address=address_of(addresses))
        self.streams = all(model.streams for model in models)
        self.holds = holds_of(models[0])
        self._replicas = [_Replica(model) for model in models]
        self._rest_s = rest_s
        self._clock = clock
        self._asked = 0

    def __repr__(self) -> str:
        return f"Replicas({self.name!r}, {len(self._replicas)})"

    @property
    def busy(self) -> list[int]:
        """Calls under way at each replica."""
        return [replica.busy for replica in self._replicas]

    async def complete(self, request: ChatRequest) -> Completion:
        """See ``ChatModel``; where a replica fails in mid-stream the next one's text begins anew."""
        left = list(self._replicas)
        faults: list[Unavailable] = []
        while left:
            replica = self._choose(left)
            left.remove(replica)
            try:
                with self._asking(replica):
                    return await replica.complete(request)
            except Unavailable as fault:
                if not fault.retryable:
                    raise
                faults.append(fault)
        if len(faults) == 1:
            raise faults[0]
        raise Unavailable(
            f"{self.name}: none of {len(faults)} replicas answers; the last said: {faults[-1]}",
            may_be_billed=any(fault.may_be_billed for fault in faults),
            overloaded=all(fault.overloaded for fault in faults),
        )

    def _choose(self, replicas: Sequence[_Replica]) -> _Replica:
        now = self._clock()
        well = [replica for replica in replicas if replica.rests_until <= now]
        if not well:
            return min(replicas, key=lambda replica: replica.rests_until)
        return min(well, key=lambda replica: (replica.busy, replica.last_asked))

    @contextmanager
    def _asking(self, replica: _Replica) -> Iterator[None]:
        """Count a call of ``replica``, and learn from how it ended."""
        self._asked += 1
        replica.last_asked = self._asked
        replica.busy += 1
        try:
            yield
            replica.faults, replica.rests_until = 0, float("-inf")
        except (Unavailable, TimedOut) as fault:
            if isinstance(fault, Unavailable) and not fault.retryable:
                raise
            rest = min(self._rest_s * 2.0**replica.faults, LONGEST_REST_S)
            replica.faults += 1
            replica.rests_until = self._clock() + rest
            raise
        finally:
            replica.busy -= 1

    async def close(self) -> None:
        for replica in self._replicas:
            await replica.close()
