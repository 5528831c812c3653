"""The store: one SQLite file, one writer, an episode whole or not at all.

Write-ahead logging with ``synchronous = NORMAL``: nothing that was committed is lost when the process is killed, and
the file is never damaged; a power cut may lose the last few episodes, which the resumed run plays again.
Knows nothing about what episodes mean; prompts, comparisons and students are rows that others write through ``db``.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from episodes.fault import FaultPlace, GuestFault
from episodes.record import EpisodeRecord
from episodes.store import rows, schema
from episodes.store.checks import check
from episodes.store.faults import explained
from episodes.store.lock import WriterLock
from episodes.store.summaries import EpisodeSummary, SeatSummary
from models.errors import BadInput

if TYPE_CHECKING:
    import sqlite_utils

BUSY_SECONDS = 10.0
"""How long a statement waits for another program's short transaction."""
MAX_CACHED_TEXTS = 20_000


class Store:
    """An open store; made by ``open``. One connection, used by one thread."""

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: WriterLock | None) -> None:
        self.path = path
        self._connection = connection
        self._lock = lock
        self._db: sqlite_utils.Database | None = None
        self._ids: dict[str, str] = {}
        self._texts: dict[str, str] = {}
        self.on_fault: Callable[[FaultPlace, GuestFault], None] = lambda place, fault: None
        """Is told of the faults of plug-ins as they are kept."""

    @classmethod
    def open(cls, path: Path | str, *, write: bool = True) -> "Store":
        """Open the store at ``path``, as its one writer or, with ``write=False``, beside a writer.

        A writer creates the file and brings it up to date. Raises ``BadInput`` for a file of a newer version, one that
        is no store, one that another process writes, one that is not there (reading), and a folder without permission.
        """
        path = Path(path)
        with explained(path):
            try:
                return cls._writer(path) if write else cls._reader(path)
            except OSError as error:
                raise BadInput(f"the store {path} cannot be opened: {error.strerror}; choose another") from error

    @classmethod
    def _writer(cls, path: Path) -> "Store":
        if not path.parent.is_dir():
            raise BadInput(f"the store {path} cannot be made: there is no folder {path.parent}; make it first")
        lock = WriterLock(path)
        try:
            connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            _check(connection, path)
            schema.tune(connection)
            schema.migrate(connection)
        except BaseException:
            lock.release()
            raise
        return cls(path, connection, lock)

    @classmethod
    def _reader(cls, path: Path) -> "Store":
        if not path.is_file():
            raise BadInput(f"there is no store {path} yet: play or run a night first, or name another with --db")
        if _version_of(path) < len(schema.MIGRATIONS):
            cls._writer(path).close()
        connection = _connect_read_only(path)
        return cls(path, connection, None)

    @property
    def writes(self) -> bool:
        """Whether this is the store's one writer."""
        return self._lock is not None

    @property
    def in_transaction(self) -> bool:
        """Whether something is being written just now."""
        return self._connection.in_transaction

    @property
    def db(self) -> "sqlite_utils.Database":
        """The same connection for whatever else is read or written; wrap writes in ``transaction``."""
        if self._db is None:
            import sqlite_utils

            self._db = sqlite_utils.Database(self._connection, execute_plugins=False, recursive_triggers=False)
        return self._db

    def close(self) -> None:
        """Close the file and give the writer's lock back; calling it twice is harmless."""
        self._connection.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """What is written inside is kept together or not at all. Not nested; ``save`` joins an open one.

        Do not await inside: another task's writes would become part of it.
        """
        with explained(self.path):
            self._connection.execute("begin immediate")
            try:
                yield self._connection
                self._connection.execute("commit")
            except BaseException:
                # The texts put inside are not there after all. A full disk may have rolled back by itself.
                self._ids.clear()
                if self._connection.in_transaction:
                    self._connection.execute("rollback")
                raise

    def put_text(self, text: str) -> str:
        """Keep a text once and return its id, 32 hexadecimal digits of its BLAKE2b hash."""
        found = self._ids.get(text)
        if found is None:
            found = text_id(text)
            with explained(self.path):
                self._connection.execute("insert or ignore into texts (id, text) values (?, ?)", (found, text))
            if len(self._ids) >= MAX_CACHED_TEXTS:
                self._ids.clear()
            self._ids[text] = found
        return found

    def text(self, text_id: str) -> str:
        """A text by its id; raises ``KeyError`` if it is not there."""
        found = self._texts.get(text_id)
        if found is None:
            row = self._connection.execute("select text from texts where id = ?", (text_id,)).fetchone()
            if row is None:
                raise KeyError(f"no text {text_id} in {self.path}")
            found = str(row[0])
            if len(self._texts) >= MAX_CACHED_TEXTS:
                self._texts.clear()
            self._texts[text_id] = found
        return found

    def save(self, record: EpisodeRecord) -> None:
        """Keep an episode, whole or not at all; one whose id is there stays as it was.

        Raises ``ValueError`` for a record that contradicts itself, ``BadInput`` where the file cannot be written.
        """
        check(record)
        if self._connection.in_transaction:
            self._insert(record)
        else:
            with self.transaction():
                self._insert(record)

    def _insert(self, record: EpisodeRecord) -> None:
        connection = self._connection
        if connection.execute("select 1 from episodes where id = ?", (record.id,)).fetchone():
            return
        # What players raised in it while it was still void is not of this record.
        connection.execute("delete from faults where episode_id = ? and \"where\" = 'player'", (record.id,))
        connection.execute(rows.INSERT_EPISODE, rows.episode_row(record))
        connection.executemany(rows.INSERT_SEAT, [rows.seat_row(record, seat, self.put_text) for seat in record.seats])
        connection.executemany(
            rows.INSERT_TURN, [rows.turn_row(record.id, turn, self.put_text) for turn in record.turns]
        )
        connection.executemany(rows.INSERT_INPUT, rows.input_rows(record))
        if record.faults:
            place = FaultPlace(record.id, record.game, record.pair_id, record.night_id)
            self._insert_faults(place, record.faults)
        if wrong := self.wrong_totals(record.id):
            raise ValueError(f"episode {record.id}: totals of seats {wrong} differ from their turns")

    def save_faults(self, place: FaultPlace, faults: Sequence[GuestFault], beside: str = "") -> None:
        """Keep what plug-ins raised in an episode that is void, or in a what-if of one that is there.

        They take the place of those of an earlier attempt; those of what was done ``beside`` the episode, its own stay.
        """
        with self.transaction() as connection:
            connection.execute(
                "delete from faults where episode_id = ? and episode_id not in (select id from episodes)",
                (place.episode_id,),
            )
            self._insert_faults(place, faults, beside)

    def _insert_faults(self, place: FaultPlace, faults: Sequence[GuestFault], beside: str = "") -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._connection.executemany(
            rows.REPLACE_FAULT, [rows.fault_row(place, fault, now, beside) for fault in faults]
        )
        for fault in faults:
            self.on_fault(place, fault)

    def faults(self, episode_id: str) -> list[tuple[FaultPlace, GuestFault]]:
        """What plug-ins raised in an episode, whether it is kept or was void; the game's last."""
        found = self._connection.execute(_select("faults", rows.FAULT_COLUMNS, "episode_id", "id"), (episode_id,))
        return [(rows.fault_place(row), rows.to_fault(row)) for row in found]

    def fault_counts(self, night: str) -> tuple[int, int]:
        """Episodes of a night that are void because the game broke, and decisions that players' own code lost."""
        found = self._connection.execute(
            "select sum(\"where\" = 'game' and episode_id not in (select id from episodes)), "
            "sum(times * (\"where\" = 'player')) from faults where night_id = ?",
            (night,),
        )
        games, decisions = found.fetchone()
        return games or 0, decisions or 0

    def wrong_totals(self, episode_id: str) -> list[int]:
        """Seats whose stored totals are not those of their stored turns."""
        found = self._connection.execute(_WRONG_TOTALS, (episode_id,))
        return [seat for (seat,) in found]

    def scores(self, episode_id: str) -> tuple[float, ...] | None:
        """The seats' scores of a stored episode, or ``None`` if it is not there."""
        found = self._connection.execute("select score from seats where episode_id = ? order by seat", (episode_id,))
        return tuple(score for (score,) in found) or None

    def lacks_identities(self, episode_id: str) -> bool:
        """Whether the episode is stored and nothing is known of what shaped its players' answers."""
        found = self._connection.execute(
            "select count(*), count(identity_id) from seats where episode_id = ?", (episode_id,)
        ).fetchone()
        return bool(found[0]) and not found[1]

    def episode(self, episode_id: str) -> EpisodeRecord:
        """A stored episode, equal to what was saved; raises ``BadInput`` for an unknown id."""
        with explained(self.path):
            fetch = self._connection.execute
            row = fetch(_select("episodes", rows.EPISODE_COLUMNS, "id"), (episode_id,)).fetchone()
            if row is None:
                raise BadInput(f"no episode {episode_id} in {self.path}: see `cornerman episodes list`")
            record = rows.to_episode(
                row,
                fetch(_select("seats", rows.SEAT_COLUMNS, "episode_id", "seat"), (episode_id,)),
                fetch(_select("turns", rows.TURN_COLUMNS, "episode_id", "n"), (episode_id,)).fetchall(),
                fetch(_select("inputs", rows.INPUT_COLUMNS, "episode_id", "n"), (episode_id,)),
                self.text,
            )
            faults = tuple(map(rows.to_fault, fetch(_PLAYERS_FAULTS, (episode_id,))))
            return replace(record, faults=faults) if faults else record

    def episode_ids(
        self,
        *,
        game: str | None = None,
        player: str | None = None,
        purpose: str | None = None,
        night: str | None = None,
        limit: int | None = None,
    ) -> list[str]:
        """Ids of the episodes that fit every filter given, the newest first."""
        wanted = {"game = ?": game, "purpose = ?": purpose, "night_id = ?": night}
        wanted["id in (select episode_id from seats where player = ?)"] = player
        given = {clause: value for clause, value in wanted.items() if value is not None}
        where = f"where {' and '.join(given)}" if given else ""
        statement = f"select id from episodes {where} order by started desc, id limit ?"
        with explained(self.path):
            found = self._connection.execute(statement, [*given.values(), -1 if limit is None else limit])
            return [episode_id for (episode_id,) in found]

    def episodes(
        self,
        *,
        game: str | None = None,
        player: str | None = None,
        purpose: str | None = None,
        night: str | None = None,
        limit: int | None = None,
    ) -> list[EpisodeSummary]:
        """Summaries of the episodes that fit every filter given, the newest first."""
        ids = self.episode_ids(game=game, player=player, purpose=purpose, night=night, limit=limit)
        return [self.summary(episode_id) for episode_id in ids]

    def summary(self, episode_id: str) -> EpisodeSummary:
        """One episode without its turns; raises ``BadInput`` for an unknown id."""
        with explained(self.path):
            fetch = self._connection.execute
            row = fetch(_select("episodes", rows.EPISODE_COLUMNS, "id"), (episode_id,)).fetchone()
            if row is None:
                raise BadInput(f"no episode {episode_id} in {self.path}: see `cornerman episodes list`")
            seats = fetch(_select("seats", rows.SEAT_COLUMNS, "episode_id", "seat"), (episode_id,)).fetchall()
        values = dict(zip(rows.EPISODE_COLUMNS, row, strict=True))
        del values["final_fingerprint"]
        return EpisodeSummary(
            **values,
            seats=tuple(
                SeatSummary(player, model, prompt_id, *totals) for _, _, player, prompt_id, model, *totals, _ in seats
            ),
        )


_PLAYERS_FAULTS = f"""
select {", ".join(rows.FAULT_COLUMNS)} from faults
    where episode_id = ? and "where" = 'player' and id = episode_id || '-' || seat order by seat
"""

_WRONG_TOTALS = """
select s.seat from seats s left join (
    select seat, count(*) as turns, sum(reply_class = 'illegal') as illegal,
        sum(reply_class in ('unparsable', 'empty', 'truncated')) as unreadable,
        sum(reply_class = 'refused') as refused, sum(reply_class = 'timeout') as timeouts,
        sum(reply_class = 'fault') as faults,
        sum(tokens_in) as tokens_in, sum(tokens_out) as tokens_out, sum(cost_usd) as cost_usd
    from turns where episode_id = ?1 group by seat
) t on t.seat = s.seat
where s.episode_id = ?1 and (
    s.turns != ifnull(t.turns, 0) or s.illegal != ifnull(t.illegal, 0) or s.refused != ifnull(t.refused, 0)
    or s.unreadable != ifnull(t.unreadable, 0) or s.timeouts != ifnull(t.timeouts, 0)
    or s.faults != ifnull(t.faults, 0)
    or s.tokens_in != ifnull(t.tokens_in, 0) or s.tokens_out != ifnull(t.tokens_out, 0)
    or abs(s.cost_usd - ifnull(t.cost_usd, 0)) > 1e-9 * (1 + s.cost_usd)
)
"""


def text_id(text: str) -> str:
    """The id under which a text is kept."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _select(table: str, columns: tuple[str, ...], key: str, order: str | None = None) -> str:
    return f"select {', '.join(columns)} from {table} where {key} = ?" + (f" order by {order}" if order else "")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Raise ``BadInput`` for a file that is another program's or a newer version's."""
    found = schema.version(connection)
    application = connection.execute("pragma application_id").fetchone()[0]
    tables = connection.execute("select count(*) from sqlite_master").fetchone()[0]
    if application != schema.APPLICATION_ID and (tables or application):
        raise BadInput(f"{path} is an SQLite database of another program: choose another file with --db")
    if found > len(schema.MIGRATIONS):
        raise BadInput(
            f"the store {path} is from a newer cornerman (version {found}, this one knows {len(schema.MIGRATIONS)}): "
            "update cornerman, or choose another file with --db"
        )


def _version_of(path: Path) -> int:
    connection = _connect_read_only(path)
    try:
        return schema.version(connection)
    finally:
        connection.close()


def _connect_read_only(path: Path) -> sqlite3.Connection:
    """A connection that cannot write; works in a folder without write permission if no writer left a log behind."""
    log = Path(f"{path}-wal")
    address = f"file:{quote(str(path.resolve()))}?mode=ro"
    for suffix in ("", "&immutable=1"):
        connection = sqlite3.connect(address + suffix, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            _check(connection, path)
        except sqlite3.OperationalError:
            connection.close()
            if suffix or (log.exists() and log.stat().st_size):
                raise
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise AssertionError("unreachable")
