"""From teacher games to a finished student: practice, a dataset of both, one training.

Knows nothing about whether the student is any good.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from distill.dataset import Dataset, Recipe, build_dataset, save_dataset
from distill.judged import Judged, Outcomes, read_practised, read_taught, student_base
from distill.practice import Practice, practise
from distill.student import STUDENTS, Student, checked_base, make_student, note_figures, open_student
from distill.teach import Lessons, OpenPlayer
from distill.train import Method
from distill.worth import worth
from episodes.store.store import Store
from models.local import LocalModel
from prompts.base import Base


@dataclass(frozen=True, slots=True)
class Schooling:
    """``practised`` are the episodes of practice; ``dataset`` is of them and the teacher's, ``student`` learned it."""

    practised: tuple[str, ...]
    dataset: Dataset
    student: Student


async def school(
    store: Store,
    taught: Sequence[str],
    lessons: Lessons,
    open_player: OpenPlayer,
    *,
    base: str = "rookie",
    practice: Practice | None = None,
    method: Method | None = None,
    root: Path = STUDENTS,
    on_progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> Schooling:
    """Make the student of the teacher games ``taught`` (episode ids), practised on the opponents of ``lessons``.

    ``on_progress`` gets ``practice`` or ``training`` with how many turns or steps are done. Everything that is done
    already is found again. Raises what ``practise`` and ``make_student`` raise.
    """
    prompt, recipe = student_base(lessons.game), Recipe()
    turns, _ = read_taught(store, taught, lessons.teacher, prompt, Outcomes(recipe.temperature, recipe.clip))
    practised = await practise(
        store,
        lessons,
        turns,
        practice or Practice(),
        open_player,
        on_turns=lambda done, turns: on_progress("practice", done, turns),
    )
    dataset = build_dataset(store, lessons.game, (*taught, *practised), lessons.teacher, recipe)
    save_dataset(store, dataset, lessons.night_id)
    student = make_student(
        store,
        dataset,
        lessons.game,
        base=base,
        method=method,
        root=root,
        night_id=lessons.night_id,
        on_progress=lambda at: on_progress("training", at.step, at.steps),
    )
    if "worth" not in student.measured:
        judged = turns + read_practised(store, lessons.game, practised, prompt)
        figures = {"worth": await _worth(student, dataset, judged, prompt)}
        student = note_figures(store, student, figures, student.comparison_id)
    return Schooling(tuple(practised), dataset, student)


async def _worth(student: Student, dataset: Dataset, judged: Sequence[Judged], prompt: Base) -> dict[str, float | None]:
    """What the moves of the base and of the student are worth on the dataset's held-out turns."""
    apart = {(row.episode_id, row.turn_n) for row in dataset.rows if row.split == "held-out"}
    held_out = [turn for turn in judged if (turn.episode_id, turn.turn_n) in apart]
    models = {"before": LocalModel(checked_base(student), name=student.base), "after": open_student(student)}
    found = {name: await worth(chat, held_out, prompt) for name, chat in models.items()}
    for chat in models.values():
        await chat.close()
    return found
