"""Drafts from 17lands files, ``draft:FILE.csv.gz``: in a human's place, or at a table of several.

draft:FILE                  a held-out draft of a top drafter, pick by pick (``follow``)
draft:FILE(split=train)     the same with the drafts that may be learned from
draft:FILE(seats=8)         two to eight seats that pass real packs (``table``)

The first use of a file reads it whole and keeps what is needed beside it (``prepared``).
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import BadInput

if TYPE_CHECKING:
    from episodes.games.draft.follow import FollowGame
    from episodes.games.draft.split import Side
    from episodes.games.draft.table import TableGame

NAMES: tuple[str, ...] = ()
"""None: everybody has files of their own."""

_WRITTEN = re.compile(r"(?P<path>[^()]+?)(?:\((?P<option>[^()=]+)=(?P<value>[^()=]*)\))?")
MOST_SEATS = 8


def load(rest: str, on_progress: Callable[[int, int], None] = lambda done, total: None) -> "FollowGame | TableGame":
    """The game ``draft:REST``; ``on_progress`` gets bytes read and the file's size where the file must be read first.

    Raises ``BadInput`` for a name that cannot be read, for a file that is not one of 17lands drafts, and for one
    without drafts on the side that is asked for.
    """
    written = _WRITTEN.fullmatch(rest)
    if written is None:
        raise BadInput(f"draft:{rest} cannot be read: write draft:FILE, draft:FILE(split=train) or draft:FILE(seats=8)")
    name, option, value = f"draft:{rest}", written["option"], written["value"]
    seats = _seats(name, value) if option == "seats" else 1
    if option not in (None, "seats", "split") or (option == "split" and value not in ("train", "held-out")):
        raise BadInput(f"{name}: there are (split=train), (split=held-out), and (seats=2) to (seats={MOST_SEATS})")

    from episodes.games.draft.follow import FollowGame
    from episodes.games.draft.prepared import prepare
    from episodes.games.draft.table import TableGame

    prepared = prepare(Path(written["path"]), on_progress)
    side: Side = "train" if value == "train" else "held-out"
    if not prepared.facts.sides[side]:
        raise BadInput(f"{name}: none of the top drafters' {sum(prepared.facts.sides.values())} drafts is {side}")
    return TableGame(name, prepared, seats) if option == "seats" else FollowGame(name, prepared, side)


def _seats(name: str, value: str) -> int:
    if not (value.isdigit() and 2 <= int(value) <= MOST_SEATS):
        raise BadInput(f"{name}: a table has 2 to {MOST_SEATS} seats")
    return int(value)
