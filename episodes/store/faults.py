"""SQLite's complaints about a file in the user's words. Knows nothing about tables."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.errors import BadInput

_CAUSES = {
    sqlite3.SQLITE_FULL: "cannot be written: the disk is full; free some space and run the same command again",
    sqlite3.SQLITE_IOERR: "cannot be read or written: the disk failed or is full; see the system's log",
    sqlite3.SQLITE_BUSY: "is locked by another program; close that one, or try again when it is done",
    sqlite3.SQLITE_LOCKED: "is locked by another program; close that one, or try again when it is done",
    sqlite3.SQLITE_READONLY: "cannot be written: the file or its folder is read-only; choose another with --db",
    sqlite3.SQLITE_PERM: "cannot be opened: permission denied; choose another with --db",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: no such folder, or no permission; choose another with --db",
    sqlite3.SQLITE_NOTADB: "is not an SQLite database; choose another with --db",
    sqlite3.SQLITE_CORRUPT: "is damaged; restore a copy, or save what is left with `sqlite3 FILE .recover`",
}


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn faults of the file at ``path`` into ``BadInput``; mistakes in a statement stay what they are."""
    try:
        yield
    except sqlite3.Error as error:
        # The low byte is the primary code; the rest refines it.
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code not in _CAUSES:
            raise
        raise BadInput(f"the store {path} {_CAUSES[code]}") from error
