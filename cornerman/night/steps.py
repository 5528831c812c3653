"""The resume ledger: what a night has finished is never done again.

A step is a key, the hash of its inputs, and a JSON result. A step that was interrupted runs again from its start, and
finds its finished episodes in the store, because their ids depend on nothing but what they are.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from episodes.store.store import Store

Json = dict[str, Any]


def digest(value: object) -> str:
    """A short hash of any JSON value, the same in every process."""
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=10).hexdigest()


class Steps:
    """The steps of one night in the table ``steps``."""

    def __init__(self, store: Store, night_id: str) -> None:
        self._store = store
        self._night = night_id

    def left_out(self) -> dict[str, str]:
        """What the night did not do, by name, with the reason of each."""
        rows = self._store.db.query(
            "select key, result from steps where night_id = ? and key like 'left-out.%' and state = 'done' "
            "order by rowid",
            [self._night],
        )
        return {row["key"].removeprefix("left-out."): json.loads(row["result"])["reason"] for row in rows}

    async def leave_out(self, what: str, reason: str) -> None:
        """Keep that the night does not do ``what``."""

        async def work() -> Json:
            return {"reason": reason}

        await self.run(f"left-out.{what}", reason, work)

    def result(self, key: str) -> Json | None:
        """The result of a finished step, or ``None``."""
        row = self._row(key)
        return json.loads(row["result"]) if row and row["state"] == "done" else None

    async def run(self, key: str, inputs: object, work: Callable[[], Awaitable[Json]]) -> Json:
        """The result of ``work``, computed unless this very step with these inputs is already done.

        The result is passed through JSON even when fresh, so that a resumed night sees the same values.
        """
        row, input_hash = self._row(key), digest(inputs)
        if row and row["state"] == "done" and row["input_hash"] == input_hash:
            return dict(json.loads(row["result"]))
        attempts = (row["attempts"] if row else 0) + 1
        self._write(
            "insert or replace into steps (night_id, key, input_hash, state, attempts, started) "
            "values (?, ?, ?, 'running', ?, ?)",
            [self._night, key, input_hash, attempts, _now()],
        )
        result = json.dumps(await work())
        self._write(
            "update steps set state = 'done', result = ?, finished = ? where night_id = ? and key = ?",
            [result, _now(), self._night, key],
        )
        return dict(json.loads(result))

    def _row(self, key: str) -> Json | None:
        rows = self._store.db.query("select * from steps where night_id = ? and key = ?", [self._night, key])
        return next(iter(rows), None)

    def _write(self, statement: str, values: list[object]) -> None:
        with self._store.transaction() as connection:
            connection.execute(statement, values)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
