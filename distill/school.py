"""From teacher games to a finished student: practice, a dataset of both, one training.

Knows nothing about whether the student is any good.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from distill.dataset import Dataset, Recipe, build_dataset, held_out_turns, save_dataset
from distill.forecast import Forecast
from distill.judged import Judged, Outcomes, read_taught, student_base
from distill.method import Method, Wishes
from distill.practice import Practice, practise
from distill.student import LEARNED, STUDENTS, Student, checked_base, make_student, note_figures, open_student
from distill.teach import Lessons, OpenPlayer
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
    wishes: Wishes | None = None,
    seed: int = 1,
    least: float = LEARNED,
    root: Path = STUDENTS,
    on_progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
    on_forecast: Callable[[Forecast], None] = lambda forecast: None,
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
        wishes=wishes,
        seed=seed,
        least=least,
        root=root,
        night_id=lessons.night_id,
        on_progress=lambda at: on_progress("training", at.step, at.steps),
        on_forecast=on_forecast,
    )
    if "worth" not in student.measured:
        figures = {"worth": await _worth(student, held_out_turns(store, lessons.game, dataset, prompt), prompt)}
        student = note_figures(store, student, figures, student.comparison_id)
    return Schooling(tuple(practised), dataset, student)


async def _worth(student: Student, held_out: Sequence[Judged], prompt: Base) -> dict[str, float | None]:
    """What the moves of the base and of the student are worth on held-out turns."""
    models = {
        "before": LocalModel(checked_base(student), name=student.base, kind="student"),
        "after": open_student(student),
    }
    found = {name: await worth(chat, held_out, prompt) for name, chat in models.items()}
    for chat in models.values():
        await chat.close()
    return found
