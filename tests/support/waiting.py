"""Waiting for something to be so, and for nothing longer: a process, a file, a row in a store that another writes."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

PATIENCE_S = 120.0
"""How long anything may take on a busy machine before it counts as not coming."""


def wait_until(happened: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Returns when ``happened()`` is true; fails with ``what`` if that does not come."""
    until = time.monotonic() + patience_s
    while not happened():
        assert time.monotonic() < until, f"this never came: {what}"
        time.sleep(0.02)


def rows_of(db: Path, query: str) -> list[tuple[Any, ...]]:
    """What ``query`` finds in a store that another process writes; nothing while that one has not made it."""
    if not db.exists():
        return []
    with closing(sqlite3.connect(f"{db.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        try:
            return connection.execute(query).fetchall()
        except sqlite3.OperationalError:  # it has no tables yet, or is being opened for the first time
            return []


def episodes_in(db: Path) -> int:
    return int((rows_of(db, "select count(*) from episodes") or [(0,)])[0][0])


def has_ended(pid: int) -> bool:
    """Whether a process has ended; one that nobody of ours waits for counts when it is a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
