"""Human drafts: the rows of one draft put together, checked, and in the order in which its packs were seen.

A draft's rows must stand together in the file, in any order among themselves; that they do is checked, and the check is
the one thing here that grows with the file, by a small number a draft. A draft that contradicts itself, or that misses
rows, is left out and counted: a few such rows are in every real file, and none of them is worth a guess.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from episodes.games.draft.columns import FIELDS, OPTIONAL, Columns
from episodes.games.draft.rows import Rows, number_of, read_rows, text_of
from models.errors import BadInput

Card = str
_AT = {name: at for at, name in enumerate(FIELDS + OPTIONAL)}
_ID, _PICK, _PICK_2 = _AT["draft_id"], _AT["pick"], _AT["pick_2"]


@dataclass(frozen=True, slots=True)
class Pick:
    """One row: a pack as it was seen, and what was taken of it (two cards in a draft of two picks a pack).

    Both numbers are counted from 0. ``pack`` names a card as often as the pack holds it, in the file's order.
    """

    pack_number: int
    pick_number: int
    pack: tuple[Card, ...]
    taken: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """One person's draft. ``games`` and ``win_rate`` are that person's buckets, ``None`` where the file has none.

    ``time`` is the file's own text; how the event went is not here.
    """

    id: str
    time: str
    expansion: str
    event: str
    rank: str
    games: int | None
    win_rate: float | None
    picks: tuple[Pick, ...]

    def pools(self) -> list[tuple[Card, ...]]:
        """The cards taken before each pick, in the order in which they were taken."""
        found: list[tuple[Card, ...]] = [()]
        for pick in self.picks:
            found.append(found[-1] + pick.taken)
        return found[:-1]


@dataclass(slots=True)
class Census:
    """What was in a file. ``left_out``: drafts that could not be used, by reason; ``odd_pools``: drafts whose pool
    columns do not count the cards taken before."""

    rows: int = 0
    drafts: int = 0
    odd_pools: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class DraftFile:
    """An open file: its ``cards``, a ``census`` that is complete once ``drafts`` is, and its drafts as a stream."""

    cards: tuple[Card, ...]
    census: Census
    drafts: Iterator[Draft]


def read_drafts(
    path: Path,
    wanted: Callable[[int | None, float | None], bool] = lambda games, win_rate: True,
    *,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> DraftFile:
    """The whole drafts of a file in its order, of those people only whose two buckets are ``wanted``.

    Raises ``BadInput``, at once or while drafts are read, for a file that is not one of 17lands drafts.
    """
    columns, batches = read_rows(path, on_progress)
    census = Census()
    return DraftFile(columns.cards, census, _drafts(path, columns, batches, wanted, census))


@dataclass(slots=True)
class _Group:
    """The rows of one draft so far: their numbers in the file, fields, packs (as places of cards), and pools' sizes."""

    fields: tuple[bytes, ...]
    kept: bool
    rows: list[tuple[int, tuple[bytes, ...], Sequence[int], int | None]] = field(default_factory=list)


def _drafts(
    path: Path,
    columns: Columns,
    batches: Iterator[Rows],
    wanted: Callable[[int | None, float | None], bool],
    census: Census,
) -> Iterator[Draft]:
    index = {card.encode(): place for place, card in enumerate(columns.cards)}
    seen: set[int] = set()
    group: _Group | None = None
    for rows in batches:
        census.rows += len(rows.fields)
        packs = _packs(rows)
        for at, fields in enumerate(rows.fields):
            if group is None or fields[_ID] != group.fields[_ID]:
                if group is not None and group.kept:
                    yield from _finish(path, columns, index, group, census)
                group = _Group(fields, wanted(*_buckets(fields, path, rows.first + at)))
                census.drafts += 1
                _check_new(fields[_ID], seen, path, rows.first + at)
            if group.kept:
                pool = None if rows.pools is None else int(rows.pools[at])
                group.rows.append((rows.first + at, fields, packs[at], pool))
    if group is not None and group.kept:
        yield from _finish(path, columns, index, group, census)


def _packs(rows: Rows) -> list[list[int]]:
    """The places of the cards in each row's pack, each as often as the pack holds it."""
    flat = np.flatnonzero(rows.pack)
    row, card = np.divmod(flat, rows.pack.shape[1])
    copies = rows.pack.reshape(-1)[flat]
    if copies.max(initial=0) > 1:
        row, card = np.repeat(row, copies), np.repeat(card, copies)
    ends = np.searchsorted(row, np.arange(1, len(rows.fields))).tolist()
    cards = card.tolist()
    return [cards[start:end] for start, end in pairwise([0, *ends, len(cards)])]


def _check_new(draft_id: bytes, seen: set[int], path: Path, row: int) -> None:
    key = int.from_bytes(hashlib.blake2b(draft_id, digest_size=8).digest())
    if key in seen:
        raise BadInput(
            f"{path}, row {row}: draft {draft_id.decode(errors='replace')!r} goes on here after other drafts; "
            "sort the file by draft_id first"
        )
    seen.add(key)


def _buckets(fields: tuple[bytes, ...], path: Path, row: int) -> tuple[int | None, float | None]:
    games = fields[_AT["user_n_games_bucket"]]
    rate = text_of(fields, "user_game_win_rate_bucket", path, row)
    try:
        win_rate = float(rate) if rate else math.nan
    except ValueError:
        raise BadInput(f"{path}, row {row}, column user_game_win_rate_bucket: {rate!r} is no number") from None
    count = number_of(fields, "user_n_games_bucket", path, row) if games else None
    return count, None if math.isnan(win_rate) else win_rate


def _finish(path: Path, columns: Columns, index: dict[bytes, int], group: _Group, census: Census) -> Iterator[Draft]:
    """The draft of a group, or nothing where it cannot be used."""
    picks: list[tuple[Pick, int | None]] = []
    for row, fields, pack, pool in group.rows:
        taken = _taken(fields, index, pack)
        if taken is None:
            census.left_out["a card was taken that is not in the pack"] += 1
            return
        numbers = number_of(fields, "pack_number", path, row), number_of(fields, "pick_number", path, row)
        cards = columns.cards
        found = Pick(*numbers, tuple([cards[place] for place in pack]), tuple([cards[place] for place in taken]))
        picks.append((found, pool))
    picks.sort(key=lambda one: (one[0].pack_number, one[0].pick_number))
    if not _whole([pick for pick, _ in picks]):
        census.left_out["rows are missing, or there twice"] += 1
        return
    held = 0
    for pick, pool in picks:
        if pool is not None and pool != held:
            census.odd_pools += 1
            break
        held += len(pick.taken)
    row, fields = group.rows[0][:2]
    games, win_rate = _buckets(fields, path, row)
    yield Draft(
        id=text_of(fields, "draft_id", path, row),
        time=text_of(fields, "draft_time", path, row),
        expansion=text_of(fields, "expansion", path, row),
        event=text_of(fields, "event_type", path, row),
        rank=text_of(fields, "rank", path, row),
        games=games,
        win_rate=win_rate,
        picks=tuple(pick for pick, _ in picks),
    )


def _taken(fields: tuple[bytes, ...], index: dict[bytes, int], pack: Sequence[int]) -> list[int] | None:
    """The places of the cards that a row says were taken, or ``None`` where its pack does not hold them all."""
    taken = [index.get(name, -1) for name in (fields[_PICK], fields[_PICK_2]) if name]
    there = all(place in pack for place in taken)
    if len(taken) == 2 and taken[0] == taken[1]:
        there = pack.count(taken[0]) > 1
    return taken if taken and there else None


def _whole(picks: Sequence[Pick]) -> bool:
    """Whether the picks begin with the first of the first pack and leave none out, of no pack and between no two."""
    if (picks[0].pack_number, picks[0].pick_number) != (0, 0):
        return False
    for one, two in pairwise(picks):
        same = (two.pack_number, two.pick_number) == (one.pack_number, one.pick_number + 1)
        fresh = (two.pack_number, two.pick_number) == (one.pack_number + 1, 0)
        if not (same or (fresh and len(one.pack) <= len(one.taken) + _LEFT)):
            return False
    return len(picks[-1].pack) <= len(picks[-1].taken) + _LEFT


_LEFT = 1
"""Cards that may be left in a pack when it is put away: some formats do not deal the last one out."""
