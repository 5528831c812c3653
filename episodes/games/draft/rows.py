"""From lines to rows: the few fields that matter, and which cards a pack holds.

Nearly every line has hundreds of counts of one digit each, so a batch of them is one array with a digit in every second
byte. Other lines are first brought into that form (``1.0`` and an empty field are counts too), and those that cannot be
are read field by field: that is slower, and the result is the same. Knows nothing about drafts.
"""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from episodes.games.draft.columns import FIELDS, OPTIONAL, Columns, read_header
from episodes.games.draft.lines import read_lines
from models.errors import BadInput

Counts = NDArray[np.uint8]
_QUOTABLE = rb'("(?:[^"]|"")*"|[^",]*),'
_COMMA, _ZERO = ord(","), ord("0")
_AT = {name: at for at, name in enumerate(FIELDS + OPTIONAL)}


@dataclass(frozen=True, slots=True)
class Rows:
    """A batch of rows, the first of which is row ``first`` of the file (the header is row 1).

    ``fields``: one tuple a row, in the order of ``FIELDS`` and ``OPTIONAL``; ``pack``: (R, C) copies of each card of
    the file in the row's pack; ``pools``: (R,) cards in the pool, or ``None`` where the file has no pools.
    """

    first: int
    fields: list[tuple[bytes, ...]]
    pack: Counts
    pools: NDArray[np.int64] | None


def read_rows(
    path: Path, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> tuple[Columns, Iterator[Rows]]:
    """The file's columns, and its rows in batches.

    ``on_progress`` gets bytes read and the file's size. Raises ``BadInput``, at once or while rows are read, for a file
    that is not one of 17lands drafts, with the row and column where it is not.
    """
    batches = read_lines(path, on_progress)
    first, lines = next(batches, (1, [b""]))
    columns = read_header(lines[0], path)
    return columns, _rows(path, columns, (first + 1, lines[1:]), batches)


def _rows(
    path: Path, columns: Columns, rest: tuple[int, list[bytes]], batches: Iterator[tuple[int, list[bytes]]]
) -> Iterator[Rows]:
    decoder = _Decoder(path, columns)
    if rest[1]:
        yield decoder.decode(*rest)
    for first, lines in batches:
        yield decoder.decode(first, lines)


class _Decoder:
    """Cuts lines into fields and counts, as ``columns`` say."""

    def __init__(self, path: Path, columns: Columns) -> None:
        self._path = path
        self._columns = columns
        counted = columns.pack + columns.pool
        start, end = columns.block or (0, 0)
        self._start, self._after = start, len(columns.names) - end
        self._order = range(start, end) if columns.block else counted
        self._width = 2 * len(counted) - 1
        where = {place: at for at, place in enumerate(self._order)}
        self._pack = _span([where[place] for place in columns.pack])
        self._pool = _span([where[place] for place in columns.pool]) if columns.pool else None
        self._head = re.compile(_QUOTABLE * start)
        # Fields of a line without its counts; the empty one at the end stands for columns that are not there.
        places = [
            -1 if place is None else place - (end - start if place >= end and columns.block else 0)
            for place in columns.fields
        ]
        self._fields: Callable[[list[bytes]], tuple[bytes, ...]] = itemgetter(*places)

    def decode(self, first: int, lines: list[bytes]) -> Rows:
        fields: list[tuple[bytes, ...]] = []
        blocks: list[bytes] = []
        for line in lines:
            cut = self._cut(line)
            if cut is None:
                cut = self._read(line, first + len(fields))
            names, block = cut
            fields.append(self._fields(names))
            blocks.append(block if len(block) == self._width else _plain(block))
        counts = self._counts(blocks, first)
        pools = None if self._pool is None else counts[:, self._pool].sum(axis=1, dtype=np.int64)
        return Rows(first, fields, counts[:, self._pack], pools)

    def _cut(self, line: bytes) -> tuple[list[bytes], bytes] | None:
        """The fields around the counts and the counts as one text, or ``None`` where the csv module must look."""
        if self._columns.block is None:
            return None
        if b'"' in line:
            found = self._head.match(line)
            if found is None:
                return None
            names = [_unquoted(field) for field in found.groups()]
            rest = line[found.end() :]
        else:
            names = line.split(b",", self._start)
            if len(names) <= self._start:
                return None
            rest = names.pop()
        tail = rest.rsplit(b",", self._after)
        if len(tail) <= self._after or b'"' in rest:
            return None
        return [*names, *tail[1:], b""], tail[0]

    def _read(self, line: bytes, number: int) -> tuple[list[bytes], bytes]:
        """The same of any line of csv; raises ``BadInput``."""
        wanted = len(self._columns.names)
        try:
            found = next(csv.reader([line.decode()], strict=True), [])
        except (UnicodeDecodeError, csv.Error) as error:
            raise BadInput(f"{self._path}, row {number}: this is no line of csv ({error})") from None
        if len(found) != wanted:
            raise BadInput(
                f"{self._path}, row {number}: it has {len(found)} columns and the header {wanted}; "
                "is the file cut off here?"
            )
        counted = set(self._order)
        names = [field.encode() for place, field in enumerate(found) if place not in counted]
        if self._columns.block is None:
            names = [field.encode() for field in found]
        return [*names, b""], ",".join([found[place] for place in self._order]).encode()

    def _counts(self, blocks: list[bytes], first: int) -> Counts:
        """(R, C + P): the counts of all rows."""
        width = self._width
        odd = [at for at, block in enumerate(blocks) if len(block) != width]
        kept = blocks
        if odd:
            filler = b",".join([b"0"] * len(self._order))
            kept = [block if len(block) == width else filler for block in blocks]
        table = np.frombuffer(b",".join([*kept, b""]), dtype=np.uint8).reshape(len(blocks), width + 1)
        counts = table[:, ::2] - np.uint8(_ZERO)
        if counts.max(initial=0) > 9 or (table[:, 1::2] != _COMMA).any():
            wrong = (counts > 9).any(axis=1) | (table[:, 1::2] != _COMMA).any(axis=1)
            odd += np.flatnonzero(wrong).tolist()
        for at in sorted(odd):
            counts[at] = self._counted(blocks[at], first + at)
        return counts

    def _counted(self, block: bytes, number: int) -> list[int]:
        """The counts of one row, one by one; raises ``BadInput`` with the row and the column."""
        fields = block.split(b",")
        if len(fields) != len(self._order):
            raise BadInput(
                f"{self._path}, row {number}: it has {len(fields)} counts of cards and the header {len(self._order)}; "
                "is the file cut off here?"
            )
        found = []
        for place, field in zip(self._order, fields, strict=True):
            count = whole(field)
            if count is None or count > 255:
                name = self._columns.names[place]
                raise BadInput(f"{self._path}, row {number}, column {name}: {_shown(field)} is no number of cards")
            found.append(count)
        return found


def _span(places: list[int]) -> slice | list[int]:
    """The places as a slice where they stand side by side: that costs no copy."""
    first = places[0]
    return slice(first, first + len(places)) if places == list(range(first, first + len(places))) else places


def _unquoted(field: bytes) -> bytes:
    return field[1:-1].replace(b'""', b'"') if field.startswith(b'"') else field


def _plain(block: bytes) -> bytes:
    """Counts with ``.0`` behind them, or left empty, as bare digits where that is all that is odd about them."""
    return (b"," + block + b",").replace(b".0,", b",").replace(b",,", b",0,").replace(b",,", b",0,")[1:-1]


def whole(field: bytes) -> int | None:
    """A field as a whole number >= 0; an empty one is 0 and ``2.0`` is 2. ``None`` where it is no such number."""
    if field.isdigit():
        return int(field)
    text = field.strip()
    if not text:
        return 0
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value >= 0 and value.is_integer() else None


def _shown(field: bytes) -> str:
    return repr(field.decode(errors="replace"))


def number_of(fields: Sequence[bytes], name: str, path: Path, row: int) -> int:
    """A field that must be a whole number; raises ``BadInput``."""
    field = fields[_AT[name]]
    found = whole(field) if field else None
    if found is None:
        raise BadInput(f"{path}, row {row}, column {name}: {_shown(field)} is no whole number")
    return found


def text_of(fields: Sequence[bytes], name: str, path: Path, row: int) -> str:
    """A field as text; raises ``BadInput`` where it is none."""
    field = fields[_AT[name]]
    try:
        return field.decode()
    except UnicodeDecodeError:
        raise BadInput(f"{path}, row {row}, column {name}: {_shown(field)} is no UTF-8 text") from None
