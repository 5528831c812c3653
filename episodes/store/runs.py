"""Runs in the store, with their steps and what they spent: the tables ``runs``, ``steps`` and ``spending``.

A run is one execution that leaves episodes: a night, a single stage of one, a colosseum. Every column ``night_id`` of
the store holds a run's id. Knows nothing about what a run does, nor how one is recognised.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from episodes.store.store import Store
from models.errors import BadInput
from models.ledger import Total

RunKind = Literal["night", "stage", "colosseum"]
RunStatus = Literal["running", "done", "stopped"]
StepState = Literal["running", "done"]


@dataclass(frozen=True, slots=True)
class Run:
    """A row of ``runs``.

    ``number`` counts the runs of this kind in the store from 1. ``shaping`` is the JSON by which the run is recognised
    when its command is given again, and ``plan`` the JSON of what it does, frozen when it began; both are empty for
    colosseums and for runs of before they were kept. ``config`` is the configuration that it last ran with.
    """

    id: str
    kind: RunKind
    number: int
    started: str
    status: RunStatus
    config: str
    game: str | None = None
    size: str | None = None
    seed: int | None = None
    shaping: str = ""
    plan: str = ""
    finished: str | None = None
    report_path: str | None = None
    error: str | None = None


_COLUMNS = (
    *("id", "kind", "number", "started", "status", "config", "game", "size", "seed", "shaping", "plan"),
    *("finished", "report_path", "error"),
)
_SELECT = f"select {', '.join(_COLUMNS)} from runs"


@dataclass(frozen=True, slots=True)
class StepRow:
    """A row of ``steps``; ``result`` is JSON, ``None`` until the step is done."""

    key: str
    input_hash: str
    state: StepState
    result: str | None
    attempts: int


class Runs:
    """The tables of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, run_id: str) -> Run | None:
        """The run with this id, if there is one."""
        return next(iter(self._runs("where id = ?", [run_id])), None)

    def night(self, night_id: str) -> Run:
        """The night with this id; raises ``BadInput`` for one that is not there."""
        found = self.find(night_id)
        if found is None or found.kind != "night":
            raise BadInput(f"there is no night {night_id} in {self._store.path}")
        return found

    def all(self, kind: RunKind) -> list[Run]:
        """The runs of one kind in the order in which they were begun."""
        return self._runs("where kind = ? order by number, rowid", [kind])

    def _runs(self, where: str, values: Sequence[object]) -> list[Run]:
        return [
            Run(**dict(zip(_COLUMNS, row, strict=True))) for row in self._store.db.execute(f"{_SELECT} {where}", values)
        ]

    def begin(self, run: Run) -> None:
        """Keep a new run."""
        marks = ", ".join("?" * len(_COLUMNS))
        self._write(
            f"insert into runs ({', '.join(_COLUMNS)}) values ({marks})", [getattr(run, name) for name in _COLUMNS]
        )

    def begin_again(self, run: Run) -> None:
        """Keep a run, new or one that runs again with other bounds: a colosseum with more pairs is the same one."""
        if self.find(run.id) is None:
            self.begin(run)
        else:
            self.go_on(run.id, run.config, run.shaping, run.plan)

    def go_on(self, run_id: str, config: str, shaping: str, plan: str) -> None:
        """An earlier run runs again, under ``config``."""
        self._write(
            "update runs set status = 'running', error = null, config = ?, shaping = ?, plan = ? where id = ?",
            [config, shaping, plan, run_id],
        )

    def end(self, run_id: str, status: RunStatus, error: str | None = None) -> None:
        """Keep how a run ended."""
        self._write("update runs set status = ?, finished = ?, error = ? where id = ?", [status, now(), error, run_id])

    def set_report(self, run_id: str, path: str) -> None:
        """Keep where the page of a run is."""
        self._write("update runs set report_path = ? where id = ?", [path, run_id])

    # Steps.

    def step(self, run_id: str, key: str) -> StepRow | None:
        """A step of a run, if it was begun."""
        return next(iter(self._steps("where night_id = ? and key = ?", [run_id, key])), None)

    def finished_steps(self, run_id: str, beginning: str) -> list[StepRow]:
        """The finished steps of a run whose keys begin so, in the order in which they were begun."""
        return self._steps(
            "where night_id = ? and substr(key, 1, length(?2)) = ?2 and state = 'done' order by rowid",
            [run_id, beginning],
        )

    def _steps(self, where: str, values: Sequence[object]) -> list[StepRow]:
        select = f"select key, input_hash, state, result, attempts from steps {where}"
        return [StepRow(*row) for row in self._store.db.execute(select, values)]

    def begin_step(self, run_id: str, key: str, input_hash: str) -> None:
        """A step runs, for the first time or again; a result of other inputs is forgotten."""
        known = self.step(run_id, key)
        attempts = (known.attempts if known else 0) + 1
        self._write(
            "insert or replace into steps (night_id, key, input_hash, state, attempts, started) "
            "values (?, ?, ?, 'running', ?, ?)",
            [run_id, key, input_hash, attempts, now()],
        )

    def finish_step(self, run_id: str, key: str, result: str) -> None:
        self._write(
            "update steps set state = 'done', result = ?, finished = ? where night_id = ? and key = ?",
            [result, now(), run_id, key],
        )

    # Spending.

    def spending(self, run_id: str) -> dict[str, Total]:
        """What the run has spent so far, by model."""
        rows = self._store.db.execute(
            "select model, calls, tokens_in, tokens_out, cost_usd, priced from spending where night_id = ?", [run_id]
        )
        return {
            model: Total(calls, tokens_in, tokens_out, cost_usd, priced=bool(priced))
            for model, calls, tokens_in, tokens_out, cost_usd, priced in rows
        }

    def keep_spending(self, run_id: str, totals: Mapping[str, Total]) -> None:
        """Write a run's totals, in place of those that were there."""
        with self._store.transaction() as connection:
            connection.executemany(
                "insert or replace into spending (night_id, model, calls, tokens_in, tokens_out, cost_usd, priced) "
                "values (?, ?, ?, ?, ?, ?, ?)",
                [
                    (run_id, name, one.calls, one.tokens_in, one.tokens_out, one.cost_usd, int(one.priced))
                    for name, one in totals.items()
                ],
            )

    def _write(self, statement: str, values: Sequence[Any]) -> None:
        with self._store.transaction() as connection:
            connection.execute(statement, values)


def now() -> str:
    """The time as the store keeps it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
