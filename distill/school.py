"""From teacher games to a finished student, in two rounds: a draft, corrections of its play, the student.

The draft learns from the teacher's own games. Then it plays, the teacher comments on each of its turns (``shadow``),
and the student learns from both. Knows nothing about whether it is any good.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from distill.base import parameters
from distill.dataset import Dataset, build_dataset, save_dataset
from distill.shadow import shadow_name
from distill.student import STUDENTS, Student, make_student, student_base
from distill.teach import Lessons, OpenPlayer, TeachReport, teach
from distill.train import Method
from episodes.store.store import Store
from models.hub import model_folder

DRAFT_EPOCHS = 3
"""The draft is trained for one in so many epochs."""


@dataclass(frozen=True, slots=True)
class Schooling:
    """``draft`` played the games of ``corrections``; ``student`` learned ``dataset``, which holds everything.

    Without seeds for corrections there is neither a draft nor a correction.
    """

    draft: Student | None
    corrections: TeachReport | None
    dataset: Dataset
    student: Student


async def school(
    store: Store,
    taught: Sequence[str],
    lessons: Lessons,
    open_player: OpenPlayer,
    *,
    base: str = "rookie",
    method: Method | None = None,
    root: Path = STUDENTS,
    workers: int | None = None,
    on_progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> Schooling:
    """Make the student of the teacher games ``taught`` (episode ids) and of corrections on ``lessons``.

    ``lessons`` name the teacher, the opponents and the seeds on which the draft plays; ``on_progress`` gets ``draft``,
    ``corrections`` or ``training`` with how many steps or games are done. Everything that is done already is found
    again. ``open_player`` must know ``student:ID`` of this store. Raises what ``teach`` and ``make_student`` raise.
    """
    method = method or Method.suited(parameters(model_folder(base)))
    prompt = student_base(lessons.game)

    def made(dataset: Dataset, stage: str, method: Method) -> Student:
        save_dataset(store, dataset, lessons.night_id)
        return make_student(
            store,
            dataset,
            lessons.game,
            base=base,
            method=method,
            root=root,
            night_id=lessons.night_id,
            on_progress=lambda at: on_progress(stage, at.step, at.steps),
        )

    def on_episode(done: int, games: int) -> None:
        on_progress("corrections", done, games)

    dataset = build_dataset(store, taught, lessons.teacher, prompt)
    if not lessons.seeds:
        return Schooling(None, None, dataset, made(dataset, "training", method))
    draft = made(dataset, "draft", replace(method, epochs=max(1, method.epochs // DRAFT_EPOCHS)))
    over = replace(lessons, teacher=shadow_name(lessons.teacher, draft.name))
    corrections = await teach(store, over, open_player, workers=workers, on_episode=on_episode)
    dataset = build_dataset(store, (*taught, *corrections.episodes), lessons.teacher, prompt)
    return Schooling(draft, corrections, dataset, made(dataset, "training", method))


def shares_of(seeds: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """``seeds`` for the teacher's own games, and for corrections: halves, the first no smaller."""
    half = (len(seeds) + 1) // 2
    return tuple(seeds[:half]), tuple(seeds[half:])
