"""``cornerman students``: what was distilled."""

import json
from typing import Annotated

import typer

from cornerman.format import NONE, fixed, milliseconds, number, percent, signed
from cornerman.options import ConfigFile, Db, Json
from cornerman.terminal import emit, say, table


def list_(*, config: ConfigFile = None, db: Db = None, as_json: Json = False) -> None:
    """List the students, the newest first.

    Example: cornerman students list
    """
    from cornerman.listing import StudentList, StudentRow
    from cornerman.workplace import settings
    from distill.rows import student_rows
    from episodes.store.store import Store

    with Store.open(settings(db, config).db, write=False) as store:
        found = StudentList(tuple(map(StudentRow.of, student_rows(store))))
    if as_json:
        return emit(found)
    shown = [
        (one.id, one.game, one.base_model, one.comparison_id, milliseconds(one.latency_p50_ms), one.path, one.created)
        for one in found.students
    ]
    return table(("id", "game", "base", "comparison", "a decision", "folder", "created"), shown)


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
    from cornerman.listing import StudentRow, StudentShown
    from cornerman.report.student import figures_of
    from cornerman.result import as_json as plain
    from cornerman.workplace import settings
    from distill.rows import student_rows
    from distill.student import lineage, load_student
    from episodes.store.store import Store

    with Store.open(settings(db, config).db, write=False) as store:
        found = load_student(store, student)
        row = next(row for row in student_rows(store) if row.id == found.id)
        result = StudentShown(StudentRow.of(row), lineage(store, found), found.measured)
    if as_json:
        return emit(result)
    shown = plain(result)
    curve = figures_of(row).curve
    shown["measured"] = {name: value for name, value in found.measured.items() if name != "curve"}
    for key, value in shown.items():
        say(f"{key:16} {json.dumps(value) if isinstance(value, dict) else value}")
    points = [
        (
            number(at.step),
            fixed(at.loss, 3),
            fixed(at.held_out, 3),
            percent(at.agreement),
            NONE if at.worth is None else signed(at.worth, 3),
        )
        for at in curve
    ]
    if points:
        columns = ("after step", "loss", "held-out loss", "held-out agreement", "gain of its moves there")
        table(columns, points, title="its training")
    return None
