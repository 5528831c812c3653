"""``cornerman students``: what was distilled."""

import json
from typing import Annotated, Any

import typer

from cornerman.options import ConfigFile, Db, Json
from cornerman.terminal import emit, say, table

COLUMNS = ("id", "game", "base_model", "method", "dataset_id", "path", "comparison_id", "latency_p50_ms", "created")


def list_(*, config: ConfigFile = None, db: Db = None, as_json: Json = False) -> None:
    """List the students, the newest first.

    Example: cornerman students list
    """
    from cornerman.workplace import settings
    from distill.rows import student_rows
    from episodes.store.store import Store

    with Store.open(settings(db, config).db, write=False) as store:
        found = [{column: getattr(row, column) for column in COLUMNS} for row in student_rows(store)]
    if as_json:
        return emit({"students": found})
    return table(COLUMNS, [[row[column] for column in COLUMNS] for row in found])


def show(
    student: Annotated[str, typer.Argument(help="The student's id or the start of it.")],
    *,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Show a student: where it came from, what it was trained on, how it was checked.

    Example: cornerman students show 9f3c
    """
    from cornerman.workplace import settings
    from distill.rows import student_rows
    from distill.student import lineage, load_student
    from episodes.store.store import Store

    with Store.open(settings(db, config).db, write=False) as store:
        found = load_student(store, student)
        row = next(row for row in student_rows(store) if row.id == found.id)
        columns = {column: getattr(row, column) for column in COLUMNS}
        result: dict[str, Any] = {**columns, "lineage": lineage(store, found), "measured": dict(found.measured)}
    if as_json:
        return emit(result)
    for key, value in result.items():
        say(f"{key:16} {json.dumps(value) if isinstance(value, dict) else value}")
    return None
