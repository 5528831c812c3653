"""The resume ledger: what a run has finished is never done again.

A step is a key, the hash of its inputs, and a typed result that is kept as JSON. A step that was interrupted runs again
from its start, and finds its finished episodes in the store, because their ids depend on nothing but what they are.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from cornerman.typed_json import from_json, to_json
from episodes.store.runs import Runs
from episodes.store.store import Store

T = TypeVar("T")
LEFT_OUT = "left-out."


def digest(value: object) -> str:
    """A short hash of any JSON value, the same in every process."""
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=10).hexdigest()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why a run does not do something."""

    reason: str


class Steps:
    """The steps of one run."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._runs = Runs(store)
        self._run = run_id

    def left_out(self) -> dict[str, str]:
        """What the run did not do, by name, with the reason of each."""
        found = self._runs.finished_steps(self._run, LEFT_OUT)
        return {row.key.removeprefix(LEFT_OUT): from_json(LeftOut, row.result or "").reason for row in found}

    async def leave_out(self, what: str, reason: str) -> None:
        """Keep that the run does not do ``what``."""

        async def work() -> LeftOut:
            return LeftOut(reason)

        await self.run(f"{LEFT_OUT}{what}", reason, LeftOut, work)

    def result(self, key: str, kind: type[T]) -> T | None:
        """The result of a finished step, or ``None``."""
        row = self._runs.step(self._run, key)
        return from_json(kind, row.result) if row and row.state == "done" and row.result is not None else None

    async def run(self, key: str, inputs: object, kind: type[T], work: Callable[[], Awaitable[T]]) -> T:
        """The result of ``work``, computed unless this very step with these inputs is already done.

        The result is passed through JSON even when fresh, so that a resumed run sees the same values.
        """
        row, input_hash = self._runs.step(self._run, key), digest(inputs)
        if row and row.state == "done" and row.input_hash == input_hash and row.result is not None:
            return from_json(kind, row.result)
        self._runs.begin_step(self._run, key, input_hash)
        result = to_json(kind, await work())
        self._runs.finish_step(self._run, key, result)
        return from_json(kind, result)
