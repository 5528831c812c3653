"""The one loop of real-time games: who is asked when, what takes effect when, how far the game may run in between.

A seat is asked as early as its last decision took, so thinking overlaps with moving. Knows nothing about what a
decision is but when it takes effect.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar, cast

from episodes.game import RealTimeState


class UnderWay(Protocol):
    """A decision on its way from a seat to the game; it takes effect at the tick ``lands``."""

    @property
    def seat(self) -> int: ...

    @property
    def lands(self) -> int: ...

    @property
    def follow(self) -> "UnderWay | None":
        """What of the same decision takes effect later still."""


D = TypeVar("D", bound=UnderWay)


async def run_ticks(
    state: RealTimeState,
    ask: Callable[[list[int]], Awaitable[Sequence[D]]],
    land: Callable[[list[D]], None],
    *,
    thinking: dict[int, D],
    leads: list[int],
    over: Callable[[], bool],
    until: float = float("inf"),
) -> None:
    """Play until the game or ``over`` ends it, or the tick ``until``.

    ``ask`` gets the seats that are due now and gives their decisions; ``land`` gets those that take effect now, by
    seat. ``thinking`` (decisions under way by seat) and ``leads`` (ticks that each seat's last decision took) are where
    the game stands; both are kept up to date.
    """
    while not state.is_terminal() and state.tick < until and not over():
        now = state.tick
        due = [seat for seat in range(len(leads)) if seat not in thinking and state.ready_in(seat) <= leads[seat]]
        for asked in await ask(due) if due else ():
            thinking[asked.seat], leads[asked.seat] = asked, asked.lands - now
        landing = sorted(seat for seat, asked in thinking.items() if asked.lands <= now)
        if landing:
            landed = [thinking.pop(seat) for seat in landing]
            land(landed)
            thinking.update({asked.seat: cast(D, asked.follow) for asked in landed if asked.follow is not None})
            continue
        waits = [asked.lands - now for asked in thinking.values()]
        waits += [state.ready_in(seat) - leads[seat] for seat in range(len(leads)) if seat not in thinking]
        state.advance(max(1, int(min([*waits, until - now]))))
