"""What the header of a 17lands draft file says: which column is which, found by name.

Columns that are not named here are never read. Among them are the wins and losses of the event: they came after the
draft, and nobody who drafts may know them.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

from models.errors import BadInput

FIELDS = (
    "expansion",
    "event_type",
    "draft_id",
    "draft_time",
    "pack_number",
    "pick_number",
    "pick",
    "user_n_games_bucket",
    "user_game_win_rate_bucket",
)
"""Columns that every file must have, in the order in which rows give them."""
OPTIONAL = ("pick_2", "rank")
"""Columns that some files have; rows give them after ``FIELDS``, empty where they are missing."""
_PACK, _POOL = "pack_card_", "pool_"


@dataclass(frozen=True, slots=True)
class Columns:
    """Places of columns. ``pack`` is in the order of ``cards``; ``pool`` is empty if the file has none.

    ``block``: the counts stand side by side in ``[block[0], block[1])``; ``None`` where other columns are among them.
    """

    names: tuple[str, ...]
    fields: tuple[int | None, ...]
    cards: tuple[str, ...]
    pack: tuple[int, ...]
    pool: tuple[int, ...]
    block: tuple[int, int] | None


def read_header(line: bytes, path: Path) -> Columns:
    """The columns that the first line names; raises ``BadInput`` for one that is missing or named twice."""
    where = f"{path}, row 1"
    try:
        names = next(csv.reader([line.removeprefix(b"\xef\xbb\xbf").decode()], strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{where}: the header cannot be read ({error}): is this a 17lands draft file?") from None
    places = {name: place for place, name in enumerate(names)}
    if len(places) < len(names):
        twice = next(name for place, name in enumerate(names) if places[name] != place)
        raise BadInput(f"{where}: there are two columns {twice!r}")
    for name in FIELDS:
        if name not in places:
            raise BadInput(f"{where}: there is no column {name}: is this a 17lands draft file (draft_data_public...)?")
    cards = tuple(name.removeprefix(_PACK) for name in names if name.startswith(_PACK))
    if len(cards) < 2:
        raise BadInput(f"{where}: there are no columns {_PACK}NAME: is this a 17lands draft file?")
    odd = next((card for card in cards if not card.strip() or not card.isprintable()), None)
    if odd is not None:
        raise BadInput(f"{where}: {_PACK + odd!r} names no card")
    pack = tuple(places[_PACK + card] for card in cards)
    pool = tuple(place for name, place in places.items() if name.startswith(_POOL))
    first, last = min(pack + pool), max(pack + pool)
    together = last - first + 1 == len(pack) + len(pool)
    return Columns(
        names=tuple(names),
        fields=tuple(places.get(name) for name in FIELDS + OPTIONAL),
        cards=cards,
        pack=pack,
        pool=pool,
        block=(first, last + 1) if together else None,
    )
