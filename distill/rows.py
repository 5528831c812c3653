"""Datasets and students as a store keeps them: all of this package's SQL, with a type for every row.

Knows nothing about training, nor about what a recipe or a method says: those are JSON here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Literal, NamedTuple

from distill.judged import Source
from episodes.game import Move
from episodes.store.rows import insert
from episodes.store.store import Store

Split = Literal["train", "held-out"]


@dataclass(frozen=True, slots=True)
class Row:
    """One move of one turn. ``source``: how the turn was judged."""

    episode_id: str
    turn_n: int
    move: Move
    weight: float
    split: Split
    source: Source


_ROW = tuple(field.name for field in fields(Row))


class DatasetRow(NamedTuple):
    """The row of the table ``datasets``; ``config`` is JSON."""

    id: str
    night_id: str | None
    game: str
    created: str
    config: str
    teacher: str


class StudentRow(NamedTuple):
    """The row of the table ``students``; ``method``, ``config`` and ``measured`` are JSON."""

    id: str
    base_model: str
    dataset_id: str
    method: str
    path: str
    comparison_id: str | None
    latency_p50_ms: float | None
    created: str
    night_id: str | None
    game: str
    config: str
    measured: str


def put_dataset(store: Store, about: DatasetRow, rows: Iterable[Row]) -> None:
    """Keep a dataset with its rows, whole or not at all."""
    with store.transaction() as connection:
        connection.execute(insert("datasets", DatasetRow._fields), about)
        connection.executemany(
            insert("dataset_rows", ("dataset_id", "n", *_ROW)),
            [(about.id, n, *(getattr(row, column) for column in _ROW)) for n, row in enumerate(rows)],
        )


def dataset_row(store: Store, dataset_id: str) -> DatasetRow | None:
    """The dataset with this id, without its rows."""
    found = store.db.execute(f"select {', '.join(DatasetRow._fields)} from datasets where id = ?", [dataset_id])
    row = found.fetchone()
    return None if row is None else DatasetRow._make(row)


def rows_of_dataset(store: Store, dataset_id: str) -> tuple[Row, ...]:
    """The rows of a dataset in their order."""
    found = store.db.execute(
        f"select {', '.join(_ROW)} from dataset_rows where dataset_id = ? order by n",
        [dataset_id],
    )
    return tuple(Row(*row) for row in found)


def players_met(store: Store, dataset_id: str, teacher: str) -> list[str]:
    """Everybody but ``teacher`` who played in the episodes of a dataset, in the order of their names."""
    found = store.db.execute(
        "select distinct s.player from seats s where s.player != ? and s.episode_id in "
        "(select episode_id from dataset_rows where dataset_id = ?) order by 1",
        [teacher, dataset_id],
    )
    return [str(player) for (player,) in found]


def put_student(store: Store, student: StudentRow) -> None:
    """Keep a student that is not there yet."""
    with store.transaction() as connection:
        connection.execute(insert("students", StudentRow._fields), student)


def put_figures(
    store: Store, student_id: str, *, measured: str, comparison_id: str | None, latency_p50_ms: float | None
) -> None:
    """Keep what was measured of a student in place of what its row says."""
    with store.transaction() as connection:
        connection.execute(
            "update students set measured = ?, comparison_id = ?, latency_p50_ms = ? where id = ?",
            (measured, comparison_id, latency_p50_ms, student_id),
        )


def student_rows(store: Store, night_id: str | None = None) -> list[StudentRow]:
    """Every student, or those of one night, the newest first."""
    rows = store.db.execute(
        f"select {', '.join(StudentRow._fields)} from students where night_id = ?1 or ?1 is null "
        "order by created desc, id",
        [night_id],
    )
    return [StudentRow._make(row) for row in rows]
