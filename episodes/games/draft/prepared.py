"""What is needed of a draft file, kept beside it: read once as a stream, then looked up.

``FILE.prepared`` is an SQLite file with the top drafters' drafts of both sides in a fixed random order, and the counts
of the training side. It says which file it was made from and is made again when that one, or how it is split, changes.
"""

import json
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from episodes.games.draft.counts import PickCounts
from episodes.games.draft.drafts import Card, Draft, Pick, read_drafts
from episodes.games.draft.split import (
    HELD_OUT_CARDS,
    HELD_OUT_HOURS,
    TOP_GAMES,
    TOP_WIN_RATE,
    Side,
    is_top,
    order_of,
    side_of,
    without_unseen,
)
from models.errors import BadInput
from models.files import whole_file

_FORMAT = [1, TOP_WIN_RATE, TOP_GAMES, HELD_OUT_HOURS, HELD_OUT_CARDS]
"""The form of the file and everything that decides what is in it."""
_COUNTS = ("taken", "expected", "numbers", "taken_with", "expected_with")
_ABOUT = [field.name for field in fields(Draft) if field.name != "picks"]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a file. ``left_out``: top drafters' drafts that were not used, by reason; ``sides``: how many
    of their drafts each side has; ``pack``: cards in most first packs; ``rounds`` packs a person; ``takes`` cards a
    pick."""

    cards: tuple[Card, ...]
    expansion: str
    event: str
    rows: int
    drafts: int
    odd_pools: int
    left_out: dict[str, int]
    sides: dict[str, int]
    pack: int
    rounds: int
    takes: int


class Prepared:
    """A draft file whose drafts can be looked up. Cheap to hold: it keeps nothing open, and can be sent elsewhere."""

    def __init__(self, path: Path, facts: Facts) -> None:
        self.path = path
        self.facts = facts

    def draft(self, side: Side, position: int) -> Draft:
        """A top drafter's draft; ``position`` counts from 0 to ``facts.sides[side] - 1``."""
        with _reading(self.path) as connection:
            row = connection.execute(
                "select body from drafts where side = ? and position = ?", (side, position)
            ).fetchone()
        return _unpacked(row[0], self.facts.cards)

    def counts(self, kind: str) -> PickCounts:
        """``training``: of training drafts as training may see them; ``all cards``: of all their cards, no pairs."""
        with _reading(self.path) as connection:
            found = dict(connection.execute("select name, body from counts where kind = ?", (kind,)).fetchall())
        n = len(self.facts.cards)
        arrays = [np.frombuffer(zlib.decompress(found[name]), dtype=np.float64) for name in _COUNTS]
        return PickCounts(self.facts.cards, *(array.reshape(n, n) if array.size > n else array for array in arrays))


def prepare(path: Path, on_progress: Progress = lambda done, total: None) -> Prepared:
    """The prepared file, made now unless it is there; ``on_progress`` gets bytes read and the file's size.

    Raises ``BadInput`` for a file that is not one of 17lands drafts or that has no draft of a top drafter, and where
    nothing can be written beside it.
    """
    if not path.is_file():
        raise BadInput(f"there is no file {path}")
    stat = path.stat()
    facts = _known(place_of(path), json.dumps([_FORMAT, stat.st_size, stat.st_mtime_ns]))
    if facts is None:
        facts = _make(path, json.dumps([_FORMAT, stat.st_size, stat.st_mtime_ns]), on_progress)
    return Prepared(path, facts)


def place_of(path: Path) -> Path:
    """Where the prepared form of a file is."""
    return path.with_name(f"{path.name}.prepared")


def _known(place: Path, source: str) -> Facts | None:
    """What a prepared file says, if it is one made of this very ``source``."""
    if not place.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True)) as connection:
            about = dict(connection.execute("select name, value from about").fetchall())
    except sqlite3.Error:
        return None
    return _facts(about["facts"]) if about.get("source") == source else None


@lru_cache(maxsize=8)
def _facts(text: str) -> Facts:
    values: dict[str, Any] = json.loads(text)
    return Facts(**{**values, "cards": tuple(values["cards"])})


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{place_of(path)}?mode=ro", uri=True)) as connection:
        yield connection


def _make(path: Path, source: str, on_progress: Progress) -> Facts:
    place = place_of(path)
    if place.is_dir():
        raise BadInput(f"{place} is a folder: what is needed of {path} is kept under that name, so move it away")
    try:
        with whole_file(place) as part, closing(sqlite3.connect(part)) as connection, connection:
            connection.execute("pragma journal_mode = off")
            connection.execute("pragma synchronous = off")
            facts = _fill(connection, path, source, on_progress)
    except sqlite3.OperationalError as error:
        raise BadInput(
            f"{place} cannot be written ({error}): what is needed of a draft file is kept beside it, so put the file "
            "in a folder that is yours and has room"
        ) from None
    return facts


def _fill(connection: sqlite3.Connection, path: Path, source: str, on_progress: Progress) -> Facts:
    found = read_drafts(path, is_top, on_progress=on_progress)
    cards = found.cards
    index = {card: place for place, card in enumerate(cards)}
    training, everything = PickCounts.empty(cards), PickCounts.empty(cards)
    sides: dict[str, int] = {"train": 0, "held-out": 0}
    packs: dict[int, int] = {}
    first: Draft | None = None
    rounds = takes = 1
    connection.execute("create temp table read (side text, place integer, body blob)")
    for draft in found.drafts:
        first = first or draft
        side = side_of(draft)
        sides[side] += 1
        connection.execute("insert into read values (?, ?, ?)", (side, order_of(draft), _packed(draft, index)))
        size = len(draft.picks[0].pack)
        packs[size] = packs.get(size, 0) + 1
        rounds = max(rounds, draft.picks[-1].pack_number + 1)
        takes = max(takes, len(draft.picks[0].taken))
        if side == "train":
            everything.add(draft, index)
            shown = without_unseen(draft)
            training.add(shown, index)
            training.add_pairs(shown, index)
    if first is None:
        raise BadInput(
            f"{path} has no whole draft of a top drafter (user_game_win_rate_bucket {TOP_WIN_RATE:g} or more and "
            f"user_n_games_bucket {TOP_GAMES} or more) among its {found.census.drafts}"
        )
    facts = Facts(
        cards=cards,
        expansion=first.expansion,
        event=first.event,
        rows=found.census.rows,
        drafts=found.census.drafts,
        odd_pools=found.census.odd_pools,
        left_out=dict(found.census.left_out),
        sides=sides,
        pack=max(packs, key=lambda size: (packs[size], size)),
        rounds=rounds,
        takes=takes,
    )
    _write(connection, source, facts, {"training": training, "all cards": everything})
    return facts


def _write(connection: sqlite3.Connection, source: str, facts: Facts, counts: dict[str, PickCounts]) -> None:
    connection.execute("create table about (name text primary key, value text)")
    rows = [("source", source), ("facts", json.dumps(asdict(facts)))]
    connection.executemany("insert into about values (?, ?)", rows)
    connection.execute("create table drafts (side text, position integer, body blob, primary key (side, position))")
    connection.execute(
        "insert into drafts select side, row_number() over (partition by side order by place) - 1, body from read"
    )
    connection.execute("create table counts (kind text, name text, body blob)")
    connection.executemany(
        "insert into counts values (?, ?, ?)",
        [
            (kind, name, zlib.compress(getattr(one, name).tobytes(), 1))
            for kind, one in counts.items()
            for name in _COUNTS
        ],
    )


def _packed(draft: Draft, index: dict[Card, int]) -> bytes:
    about = {name: getattr(draft, name) for name in _ABOUT}
    picks = [
        [pick.pack_number, pick.pick_number, [index[card] for card in pick.pack], [index[card] for card in pick.taken]]
        for pick in draft.picks
    ]
    return zlib.compress(json.dumps([about, picks], separators=(",", ":")).encode(), 1)


def _unpacked(body: bytes, cards: tuple[Card, ...]) -> Draft:
    about, rows = json.loads(zlib.decompress(body))
    picks = tuple(
        Pick(number, pick, tuple([cards[card] for card in pack]), tuple([cards[card] for card in taken]))
        for number, pick, pack, taken in rows
    )
    return Draft(**about, picks=picks)
