"""Ideas that were rejected, with the reason, so that nobody proposes them over and over.

Rows of the table ``rejected``: answers of a model that were refused, and ideas that lost. Knows nothing about why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from episodes.store.store import Store
from models.ids import content_id


@dataclass(frozen=True, slots=True)
class Rejected:
    """An idea as its author put it, and why it was rejected."""

    text: str
    reason: str
    origin: str = ""


def keep_rejected(store: Store, game: str, found: Sequence[Rejected], night_id: str | None = None) -> None:
    """Log rejected ideas; the same idea with the same reason is kept once a night."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    rows = [
        (
            content_id("rejected", [game, night_id or "", one.text, one.reason]),
            game,
            night_id,
            one.text,
            one.reason,
            one.origin,
            now,
        )
        for one in found
    ]
    with store.transaction() as connection:
        connection.executemany(
            "insert or ignore into rejected (id, game, night_id, text, reason, origin, created) "
            "values (?, ?, ?, ?, ?, ?, ?)",
            rows,
        )


def recent_rejected(store: Store, game: str, limit: int) -> list[Rejected]:
    """The ideas rejected last in ``game``, the newest first."""
    rows = store.db.query(
        "select text, reason, ifnull(origin, '') as origin from rejected where game = ? "
        "order by created desc, rowid desc limit ?",
        [game, limit],
    )
    return [Rejected(**row) for row in rows]
