"""Distilling on its own: teacher games, dataset, student, check, outside a night."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from cornerman.losing import Answers, answers
from cornerman.night.leaving import check_base
from cornerman.night.schooling import forecast_words, open_by_name, open_here, wishes_of
from cornerman.result import FLAT
from cornerman.workplace import Workplace
from distill.check import CheckReport, CheckRule, Examination, check_student
from distill.dataset import DatasetReport
from distill.method import Wishes
from distill.practice import Practice
from distill.school import school
from distill.student import Student, fits
from distill.teach import Lessons, OpenPlayer, teach
from distill.train import Fit
from episodes.players.bots import BOTS
from episodes.store.lost import Lost, lost_by_player
from models.errors import BadInput
from optimize.gate import GateRule
from optimize.seeds import Seeds, derive


@dataclass(frozen=True, slots=True)
class Course:
    """What to distil: ``pairs`` of the teacher against each opponent; ``practice`` turns a round and ``check`` pairs at
    most that decide, none if 0; ``wishes`` for the training."""

    teacher: str
    opponents: tuple[str, ...]
    base: str
    pairs: int
    practice: int
    check: int
    champion: str
    wishes: Wishes


@dataclass(frozen=True, slots=True)
class DistilResult:
    """What ``cornerman distill --json`` prints.

    ``learned`` is what went into the dataset. ``before`` and ``after`` are how far the student said what it was taught;
    ``measured`` are all figures of its row, by name. ``check`` is ``None`` where none was asked for.
    """

    student: str
    path: Path
    teacher: str
    teacher_score: float
    dataset: str
    learned: DatasetReport = field(metadata=FLAT)
    measured: Mapping[str, object] = field(metadata=FLAT)
    check: CheckReport | None
    before: Fit
    after: Fit
    answers: Mapping[str, Answers] = field(default_factory=dict)
    """Of those who played the lessons: what each is held to and which decisions it lost."""


def course(
    place: Workplace,
    *,
    teacher: str | None,
    opponents: tuple[str, ...],
    base: str | None,
    pairs: int,
    practice: int,
    check: int,
    wishes: Wishes,
) -> Course:
    """The course that the options and the configuration describe, the options first.

    Raises ``BadInput`` for a base that could not be trained, before anything is played.
    """
    section, model = place.config.teacher, place.config.player.model
    found = "search:600" if section.model == "search" else f"{section.model}@{section.prompt}"
    styles = BOTS if place.game.name == "duel" else ("random",)
    certified = place.players.library.aliases.get("certified", place.game.name, model)
    champion = f"{model}@{certified.prompt_id if certified else 'base'}"
    base = base or place.config.student.base
    check_base(base, place.game.name)
    return Course(
        teacher=teacher or found,
        opponents=opponents or (*(f"bot:{style}" for style in styles), champion),
        base=base,
        pairs=pairs,
        practice=practice,
        check=check,
        champion=champion,
        wishes=wishes.over(wishes_of(place.config)),
    )


async def distil(
    place: Workplace, wanted: Course, say: Callable[[str], None], tell: Callable[[str], None]
) -> DistilResult:
    """Teach, train and check; ``say`` gets how far it is, ``tell`` what is to stay on the screen.

    The same course plays and trains nothing twice.
    """
    store, game = place.store, place.game
    here = open_here(place.players, game, wanted.teacher)
    root = f"distill {derive(place.config.night.seed, game.name, wanted.teacher, *wanted.opponents):016x}"
    seeds = tuple(Seeds(root, "teach").take(0, wanted.pairs))
    lessons = Lessons(game, wanted.teacher, wanted.opponents, seeds, root)
    taught = await teach(
        store,
        lessons,
        partial(open_by_name, place.config, wanted.teacher),
        here=here,
        on_episode=lambda done, games: say(f"teaching: {done} of {games} games"),
    )
    if not taught.episodes:
        raise BadInput(f"{wanted.teacher} finished no game: {'; '.join(taught.faults) or 'nothing was played'}")
    schooled = await school(
        store,
        taught.episodes,
        lessons,
        here,
        base=wanted.base,
        practice=Practice(turns=wanted.practice) if wanted.practice else Practice(rounds=0),
        wishes=wanted.wishes,
        root=place.config.night.folder / "students",
        on_progress=lambda stage, done, total: say(f"{stage}: {done} of {total}"),
        on_forecast=lambda forecast: tell(forecast_words(forecast)),
    )
    student, dataset = schooled.student, schooled.dataset
    before, after = fits(student)
    return DistilResult(
        student=student.id,
        path=student.folder,
        teacher=taught.teacher,
        teacher_score=taught.score,
        dataset=dataset.id,
        learned=dataset.report,
        measured=student.measured,
        check=await _check(place, student, wanted, root, say) if wanted.check else None,
        before=before,
        after=after,
        answers=_answers(place, taught.episodes, here, (wanted.teacher, *wanted.opponents)),
    )


def _answers(place: Workplace, episodes: Sequence[str], opened: OpenPlayer, names: Sequence[str]) -> dict[str, Answers]:
    lost = {player: found for (player, *_), found in lost_by_player(place.store, episodes).items()}
    players = (opened(name) for name in names if not name.startswith("bot:"))
    return {one.name: answers(one, place.game, lost.get(one.name, Lost())) for one in players}


async def _check(
    place: Workplace, student: Student, wanted: Course, root: str, say: Callable[[str], None]
) -> CheckReport:
    who = Examination(
        game=place.game,
        champion=place.players.open(wanted.champion, place.game),
        teacher=wanted.teacher,
        league=tuple(name for name in wanted.opponents if name != wanted.champion),
        open_player=partial(open_by_name, place.config, wanted.teacher),
        here=open_here(place.players, place.game, wanted.teacher),
        root=root,
    )
    rule = CheckRule(
        gate=GateRule(candidates=1, alpha=place.config.night.alpha, max_pairs=wanted.check),
        confirm=wanted.check,
        league=max(1, wanted.check // 10),
    )
    found = await check_student(
        place.store,
        student,
        who,
        rule,
        on_progress=lambda stage, done, total: say(f"check, {stage}: {done} of {total}"),
    )
    return found.report()
