"""What is said on the screen of the faults of plug-ins: each kind of fault of each game and player once, in one line.

Knows nothing about where the line is shown.
"""

from collections.abc import Callable

from episodes.fault import FaultPlace, GuestFault


def told_once(say: Callable[[str], None]) -> Callable[[FaultPlace, GuestFault], None]:
    """What is to be told of every fault as it is kept; ``say`` gets a line for those that are new."""
    told: set[tuple[str, str, str | None, str]] = set()

    def tell(place: FaultPlace, fault: GuestFault) -> None:
        key = (fault.where, place.game, fault.player, fault.kind)
        if key not in told:
            told.add(key)
            say(f"{fault.line(place.game)}; see `cornerman episodes show {place.episode_id}`")

    return tell
