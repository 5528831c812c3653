"""Ideas that were rejected, with the reason, so that nobody proposes them over and over.

Answers of a model that were refused, and ideas that lost. Knows nothing about why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from episodes.store.store import Store
from models.ids import content_id
from reflect.rows import RejectedRow, put_rejected, rejected_rows


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
        RejectedRow(
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
    put_rejected(store, rows)


def recent_rejected(store: Store, game: str, limit: int) -> list[Rejected]:
    """The ideas rejected last in ``game``, the newest first."""
    return [Rejected(row.text, row.reason, row.origin) for row in rejected_rows(store, game, limit)]
