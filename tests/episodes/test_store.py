"""The store: what goes in comes out, whole or not at all, and every bad file gets one clear line."""

import fcntl
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_records import record, records

from episodes.fault import FaultPlace, GuestFault
from episodes.player import ReplyClass
from episodes.record import EpisodeRecord
from episodes.store import schema
from episodes.store.store import Store
from models.errors import BadInput


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "s.db") as opened:
        yield opened


def fault(seat: int) -> GuestFault:
    return GuestFault("player", "OSError", "in act: OSError", "", seat, "m@p", turn=0, tick=0)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(records(), min_size=1, max_size=3, unique_by=lambda found: found.id))
def test_round_trip(store: Store, found: list[EpisodeRecord]) -> None:
    store.db.conn.execute("begin")
    try:
        for one in found:
            store.save(one)
        for one in found:
            assert store.episode(one.id) == one
            assert list(store.episode(one.id).turns[:1]) == list(one.turns[:1])
            assert store.scores(one.id) == tuple(seat.score for seat in one.seats)
    finally:
        store.db.conn.execute("rollback")
        store._ids.clear()


def test_the_order_of_a_situation_and_of_values_is_kept(store: Store) -> None:
    turn = replace(record().turns[0], situation={"z": "1", "a": "2"}, values={"jab": 0.2, "guard": 0.1, "a": 0.15})
    store.save(record(turns=(turn,)))
    assert list(store.episode("e1").turns[0].situation) == ["z", "a"]
    assert list(store.episode("e1").turns[0].values) == ["jab", "guard", "a"]


def test_save_is_idempotent_and_the_first_stays(store: Store) -> None:
    store.save(record())
    store.save(record(seed=8))
    assert store.episode("e1").seed == 7
    assert store.db["episodes"].count == 1


def test_saved_is_there_after_reopening(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s.db") as first:
        first.save(record())
    with Store.open(tmp_path / "s.db", write=False) as second:
        assert second.episode("e1") == record()
        assert second.scores("e1") == (1.0, 0.0)
        assert second.scores("unknown") is None


def test_seat_totals(store: Store) -> None:
    classes = [ReplyClass.ILLEGAL, ReplyClass.REFUSED, ReplyClass.EMPTY, ReplyClass.TIMEOUT, ReplyClass.MOVE]
    four = record().turns
    five = tuple(
        replace(four[0], n=n, seat=1, reply_class=kind, move="jab" if kind is ReplyClass.MOVE else None, latency_ms=n)
        for n, kind in enumerate(classes)
    )
    store.save(record(turns=five))
    rows = list(store.db.query("select * from seats order by seat"))
    assert rows[0]["turns"] == 0
    assert rows[0]["latency_p50_ms"] is None
    seat = rows[1]
    assert [seat[key] for key in ("turns", "illegal", "refused", "unreadable", "timeouts")] == [5, 1, 1, 1, 1]
    assert (seat["latency_p50_ms"], seat["tokens_in"], seat["tokens_out"]) == (2.0, 35, 10)
    assert seat["cost_usd"] == pytest.approx(0.5)
    assert [row["legal"] for row in store.db.query("select legal from turns order by n")] == [0, 0, 0, 0, 1]
    assert store.wrong_totals("e1") == []
    store.db.execute("update seats set tokens_in = 36 where seat = 1")
    assert store.wrong_totals("e1") == [1]


def test_totals_that_do_not_hold_are_never_written(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from episodes.store import rows

    honest = rows.seat_row
    monkeypatch.setattr(
        rows, "seat_row", lambda record, seat, put: (*honest(record, seat, put)[:6], 99, *honest(record, seat, put)[7:])
    )
    with pytest.raises(ValueError, match="totals"):
        store.save(record())
    assert store.db["turns"].count == store.db["episodes"].count == store.db["texts"].count == 0


def test_messages_are_stored_once(store: Store) -> None:
    store.save(record())
    store.save(record("e2"))
    texts = {row["text"] for row in store.db["texts"].rows}
    assert sum(text == "the rules" for text in texts) == 1
    assert store.db["texts"].count == len(texts) == 1 + 4 + 1 + 4  # system, observations, legal moves, message lists


def test_an_episode_is_whole_or_not_there(store: Store) -> None:
    broken = replace(record().turns[3], tick=2**64)  # no column holds it
    with pytest.raises(OverflowError):
        store.save(record(turns=(*record().turns[:3], broken)))
    for table in ("episodes", "seats", "turns", "inputs", "texts"):
        assert store.db[table].count == 0
    store.save(record())  # texts that were rolled back with it are written again
    assert store.episode("e1") == record()


@pytest.mark.parametrize(
    "changes",
    [
        {"turns": record().turns[1:]},
        {"turns": (replace(record().turns[0], seat=2),)},
        {"seats": record().seats[1:]},
        {"seats": (replace(record().seats[0], score=0.7), record().seats[1])},
        {"seats": (), "turns": ()},
        {"seconds": float("inf")},
        {"turns": (replace(record().turns[0], reward=float("nan")),)},
        {"turns": (replace(record().turns[0], values={"jab": float("inf")}),)},
        {"faults": (fault(2),)},
        {"faults": (fault(1), fault(0))},
        {"faults": (fault(0), fault(0))},
        {"faults": (replace(fault(0), where="game"),)},
    ],
)
def test_a_record_that_contradicts_itself(store: Store, changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="e1"):
        store.save(record(**changes))
    assert store.db["episodes"].count == 0


def test_a_void_episode_has_the_faults_of_its_last_time(store: Store) -> None:
    place = FaultPlace("e1", "duel", "p", "n")
    store.save_faults(place, [fault(0), fault(1)])
    store.save_faults(place, [fault(1)])
    assert [found for _, found in store.faults("e1")] == [fault(1)]
    assert store.fault_counts("n") == (0, 1)


def test_a_game_that_breaks_in_a_what_if_leaves_the_episodes_own_faults(store: Store) -> None:
    kept = record(faults=(fault(0),))
    store.save(kept)
    store.save_faults(FaultPlace("e1", "duel", "p", "n"), [replace(fault(0), where="game")])
    assert store.episode("e1") == kept
    assert [found.where for _, found in store.faults("e1")] == ["player", "game"]


def test_a_seed_that_no_column_holds(store: Store) -> None:
    with pytest.raises(BadInput, match="64 bits"):
        store.save(record(seed=2**63))


def test_transaction_keeps_all_or_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError), store.transaction():
        store.save(record())
        store.put_text("lost")
        raise RuntimeError
    assert store.db["episodes"].count == store.db["texts"].count == 0
    with store.transaction():
        store.save(record())
        store.db["aliases"].insert({"name": "working", "game": "duel", "set_at": "now"})
    assert (store.db["episodes"].count, store.db["aliases"].count) == (1, 1)
    kept = store.put_text("lost")
    assert store.text(kept) == "lost"
    with pytest.raises(KeyError):
        store.text("nowhere")


def test_listing_filters(store: Store) -> None:
    store.save(record("e1"))
    store.save(record("e2", game="other", purpose="gate", night_id="n1"))
    other = (replace(record().seats[0], player="bot:c"), record().seats[1])
    store.save(record("e3", seats=other))
    assert [found.id for found in store.episodes()] == ["e3", "e2", "e1"]
    assert store.episode_ids(limit=2) == ["e3", "e2"]
    assert store.episode_ids(game="duel") == ["e3", "e1"]
    assert store.episode_ids(player="bot:c") == ["e3"]
    assert store.episode_ids(purpose="gate", night="n1") == ["e2"]
    assert store.episode_ids(purpose="gate", night="n2") == []
    first = store.summary("e1")
    assert (first.seed, first.seats[1].player, first.seats[1].turns, first.seats[0].score) == (7, "m@p", 2, 1.0)
    with pytest.raises(BadInput, match="no episode"):
        store.summary("nope")
    with pytest.raises(BadInput, match="no episode"):
        store.episode("nope")


def test_the_evidence_scan_reads_one_index_only(store: Store) -> None:
    plan = store.db.execute(
        "explain query plan select t.n, t.situation, t.move, t.legal_moves_id, t.reward, s.score from seats s "
        "join turns t on t.episode_id = s.episode_id and t.seat = s.seat where s.player = ?",
        ["m@p"],
    ).fetchall()
    assert all("COVERING INDEX" in row[3] for row in plan), plan


# Bad files.


def test_second_writer_is_told_who_writes(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with Store.open(path) as first:
        first.save(record())
        with pytest.raises(BadInput, match=f"process {os.getpid()}"):
            Store.open(path)
        with Store.open(path, write=False) as reader:
            assert reader.episode("e1") == record()
            first.save(record("e2"))
            assert reader.scores("e2") == (1.0, 0.0)
    Store.open(path).close()


def test_reading_while_a_writer_is_in_a_transaction(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s.db") as writer, writer.transaction():
        writer.save(record())
        with Store.open(tmp_path / "s.db", write=False) as reader:
            assert reader.episodes() == []


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    Store.open(tmp_path / "s.db").close()
    with Store.open(tmp_path / "s.db", write=False) as reader, pytest.raises(BadInput, match="read-only"):
        reader.save(record())


def test_a_missing_store(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no store"):
        Store.open(tmp_path / "none.db", write=False)
    assert not (tmp_path / "none.db").exists()
    with pytest.raises(BadInput, match="no folder"):
        Store.open(tmp_path / "nowhere" / "s.db")
    with pytest.raises(BadInput):
        Store.open(tmp_path)


def test_a_newer_store(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s.db") as store:
        store.db.execute(f"pragma user_version = {len(schema.MIGRATIONS) + 1}")
    for write in (True, False):
        with pytest.raises(BadInput, match="newer cornerman"):
            Store.open(tmp_path / "s.db", write=write)


@pytest.mark.parametrize("write", [True, False])
def test_no_database_at_all(tmp_path: Path, write: bool) -> None:
    (tmp_path / "s.db").write_text("this is a letter, not a database\n" * 100)
    with pytest.raises(BadInput, match="not an SQLite database"):
        Store.open(tmp_path / "s.db", write=write)
    assert (tmp_path / "s.db").read_text().startswith("this is a letter")


def test_another_programs_database(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "s.db")
    other.execute("create table songs (name text)")
    other.close()
    with pytest.raises(BadInput, match="another program"):
        Store.open(tmp_path / "s.db")


def test_a_damaged_store(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with Store.open(path) as store:
        for n in range(50):
            store.save(record(f"e{n}"))
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(bytes(data))
    with pytest.raises(BadInput, match="damaged"), Store.open(path) as store:
        store.episode("e1")


def test_a_full_disk_loses_only_the_episode_that_did_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with Store.open(path) as store:
        pages = store.db.execute("pragma page_count").fetchone()[0]
        store.db.execute(f"pragma max_page_count = {pages + 8}")
        kept = 0
        with pytest.raises(BadInput, match="disk is full"):
            for kept in range(1000):
                turn = replace(record().turns[0], observation=f"{kept} " * 500)
                store.save(record(f"e{kept}", turns=(turn,)))
        assert kept > 0
    with Store.open(path) as store:
        assert len(store.episode_ids()) == kept
        store.save(record("after"))
        assert store.wrong_totals("after") == []


def test_another_programs_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("episodes.store.store.BUSY_SECONDS", 0.05)
    with Store.open(tmp_path / "s.db") as store:
        other = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
        other.execute("begin immediate")
        with pytest.raises(BadInput, match="locked"):
            store.save(record())
        other.close()
        store.save(record())


@pytest.fixture
def nobody() -> Iterator[None]:
    """Root may write anywhere, so root gives that up for the time of a test."""
    if os.getuid() == 0:
        os.seteuid(65534)
    yield
    os.seteuid(os.getuid())


@pytest.fixture
def sealed() -> Iterator[Path]:
    """A store of one episode in a folder in which nobody may write; pytest's own folders are closed to others."""
    folder = Path(tempfile.mkdtemp())
    with Store.open(folder / "s.db") as store:
        store.save(record())
    for left in folder.iterdir():
        left.chmod(0o444)
    folder.chmod(0o555)
    yield folder / "s.db"
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_folder_without_write_permission(sealed: Path, nobody: None) -> None:
    with Store.open(sealed, write=False) as reader:
        assert reader.episode("e1") == record()
    with pytest.raises(BadInput, match="Permission denied"):
        Store.open(sealed)
    with pytest.raises(BadInput, match="Permission denied"):
        Store.open(sealed.parent / "new.db")


def test_lock_of_a_killed_writer_is_free(tmp_path: Path) -> None:
    (tmp_path / "s.db.lock").write_text("12345")
    Store.open(tmp_path / "s.db").close()


def test_an_unreadable_lock_file(tmp_path: Path) -> None:
    with (tmp_path / "s.db.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(BadInput, match="process unknown"):
            Store.open(tmp_path / "s.db")


# Migrations.


def shape(connection: sqlite3.Connection) -> list[tuple[str, ...]]:
    return connection.execute("select type, name, sql from sqlite_master order by name").fetchall()


@pytest.mark.parametrize("oldest", range(len(schema.MIGRATIONS)))
def test_every_older_store_becomes_the_newest(tmp_path: Path, oldest: int) -> None:
    old = sqlite3.connect(tmp_path / "old.db", isolation_level=None)
    schema.migrate(old, oldest)
    if oldest:
        old.execute("insert into texts values ('t1', 'kept')")
    old.close()
    with Store.open(tmp_path / "old.db") as store, Store.open(tmp_path / "new.db") as fresh:
        assert shape(store.db.conn) == shape(fresh.db.conn)
        assert schema.version(store.db.conn) == len(schema.MIGRATIONS)
        if oldest:
            assert store.text("t1") == "kept"
        store.save(record())


def test_a_failing_migration_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(connection)
    before = shape(connection)
    broken = [*schema.MIGRATIONS, "create table extra (a text); create table nights (a text)"]
    monkeypatch.setattr(schema, "MIGRATIONS", broken)
    with pytest.raises(sqlite3.OperationalError):
        schema.migrate(connection, len(broken))
    assert shape(connection) == before
    assert schema.version(connection) == len(broken) - 1


def test_an_older_store_is_migrated_for_a_reader(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "s.db").close()
    (tmp_path / "s.db").touch()
    with Store.open(tmp_path / "s.db", write=False) as store:
        assert store.episodes() == []
