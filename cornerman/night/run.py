"""Running one night: begin it or go on with it, stage after stage, and end with a report.

A night that was stopped, by whatever, is gone on with by the same command; one that is done is followed by another.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cornerman.losing import HELD, Answers, held
from cornerman.night import coaching, measuring, schooling
from cornerman.night.answering import answered
from cornerman.night.corner import Corner, Watcher, corner_of, fixed, identities
from cornerman.night.leaving import HOME, check_base, check_player, leave_out, say_left_out
from cornerman.night.recognition import Recognised, begin_night
from cornerman.night.results import Opponents, Trained, TrialOutcome
from cornerman.night.sizes import SizeName
from cornerman.report.build import build_report
from cornerman.telling import told_once
from cornerman.workplace import Workplace
from distill.student import NotLearned
from episodes.store.runs import Runs, RunStatus
from models.errors import BadInput, BudgetExhausted
from models.files import write_whole
from prompts.prompt import Prompt


@dataclass(frozen=True, slots=True)
class NightResult:
    """What ``cornerman night --json`` prints. ``answers`` says of each model what it is held to and what it lost."""

    night: str
    status: RunStatus
    working: str
    certified: str
    promotions: list[str]
    student: str | None
    report: str | None
    seconds: float
    answers: Mapping[str, Answers] = field(default_factory=dict)


async def run_night(place: Workplace, size: SizeName, watch: Watcher) -> NightResult:
    """Run a night of ``size`` to its end, or to the limit of its budget: then its status is ``stopped``."""
    began = time.perf_counter()
    check_player(place.config.player.model, place.game.name)
    if place.game.name == HOME:
        check_base(place.config.student.base, HOME)
    named = place.config.night.opponents
    if named:
        fixed(named, place.players, place.game)  # raises for what cannot be an opponent, before the night begins
    place.store.on_fault = told_once(watch.say)
    place.players.notes.say = watch.say
    # By the names as they are written: what a prompt's name stands for may move, and a night in progress goes on.
    begun = begin_night(place.store, place.config, size, identities(place, named))
    _say_begun(place, begun, watch)
    corner = corner_of(place, begun, watch)
    status: RunStatus = "done"
    error = None
    try:
        await _stages(replace(corner, opponents=await _opponents(corner)))
    except BudgetExhausted as limit:
        status, error = "stopped", str(limit)
        watch.say(f"stopped at the budget: {limit}")
    return _finish(corner, status, error, began)


async def _opponents(corner: Corner) -> tuple[str, ...]:
    """The configured opponents, the same from the night's beginning to its end, also when it is gone on with."""
    named = corner.config.night.opponents
    if not named:
        return ()

    async def work() -> Opponents:
        return Opponents(fixed(named, corner.players, corner.game))

    result = await corner.steps.run("opponents", named, Opponents, work)
    corner.watch.say(f"the night is about {', '.join(named)}: prompts are compared by how they do against them")
    return result.opponents


async def _stages(corner: Corner) -> None:
    left_out = await leave_out(corner)
    champions = await coaching.begin(corner)
    if (how := held(corner.player(champions.certified), corner.game)) is not None:
        corner.watch.say(f"{corner.model} is asked: {HELD[how]}")
    for number in range(1, corner.size.rounds + 1):
        played = await coaching.play(corner, number, champions)
        candidates = await coaching.reflect(corner, number, champions, played)
        if candidates:
            champions = await coaching.try_out(corner, number, champions, candidates)
    await measuring.measure_night(corner, champions.certified)
    await measuring.control(corner, champions.certified)
    await measuring.weigh_rules(corner, champions.certified)
    if "student" not in left_out:
        await _school(corner, champions.certified)
    await schooling.meet_league(corner, champions.certified)


async def _school(corner: Corner, champion: Prompt) -> None:
    lessons = await schooling.teach_games(corner, champion)
    try:
        student = await schooling.train_student(corner, champion, lessons)
    except (BadInput, NotLearned) as reason:
        # Elsewhere the texts are longer and the words others: the night's guidance stands without a student.
        if isinstance(reason, BadInput) and corner.game.name == HOME:
            raise
        return await say_left_out(corner, "student", str(reason))
    await schooling.check_student(corner, student, champion)
    return None


def _say_begun(place: Workplace, begun: Recognised, watch: Watcher) -> None:
    run, verb = begun.run, "going on with" if begun.resumed else "this is"
    where = f"number {run.number} in {place.store.path}"
    watch.say(f"{verb} night {run.id}: {where}, size {run.size}, seed {place.config.night.seed}")


def _finish(corner: Corner, status: RunStatus, error: str | None, began: float) -> NightResult:
    """Write the night's end and its report."""
    runs, night_id = Runs(corner.store), corner.night_id
    runs.end(night_id, status, error)
    corner.keep_spending()
    path = corner.config.night.folder / night_id / "report.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, build_report(corner.store, night_id))
    runs.set_report(night_id, str(path))
    rounds = range(1, corner.size.rounds + 1)
    trials = [corner.steps.result(f"trial.{number}", TrialOutcome) for number in rounds]
    trained = corner.steps.result("train", Trained)
    return NightResult(
        night=night_id,
        status=status,
        working=corner.prompt("working").id,
        certified=corner.prompt("certified").id,
        promotions=[found.promoted for found in trials if found and found.promoted],
        student=trained.student if trained else None,
        report=str(path),
        seconds=time.perf_counter() - began,
        answers=answered(corner, corner.prompt("certified")),
    )
