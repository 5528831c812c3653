"""The second half of a night: an unhurried teacher plays, a small student learns, and the student faces the gate."""

from dataclasses import asdict, fields
from functools import partial

from cornerman.config import Config
from cornerman.format import count, duration, fixed, milliseconds, number, pace, percent
from cornerman.night.corner import Corner
from cornerman.night.results import Checked, LeagueScores, Trained
from cornerman.players import Players
from distill.base import parameters
from distill.check import CheckRule, Examination
from distill.check import check_student as examine
from distill.forecast import Forecast
from distill.method import SMALL, Wishes
from distill.school import school
from distill.student import Student, fits, load_student
from distill.teach import Lessons, OpenPlayer, TeachReport, teach
from episodes.game import Game
from episodes.games import load_game
from episodes.player import Player
from episodes.store.store import Store
from models.hub import model_folder
from optimize.gate import GateRule
from optimize.league import play_league
from optimize.seeds import Seeds
from prompts.prompt import Prompt


def open_by_name(config: Config, teacher: str, name: str) -> Player:
    """A player made anew in a process of its own; a prompt is given by its id, so that every process means the same.

    What there is to tell of models is told where the command runs, once for all processes.
    """
    with Store.open(config.db, write=False) as store:
        return open_here(Players(config, store, say=lambda text: None), load_game(config.game), teacher, lent=False)(
            name
        )


def open_here(players: Players, game: Game, teacher: str, *, lent: bool = True) -> OpenPlayer:
    """Opens players in this process, the ``teacher`` as its own section of the configuration says.

    ``lent``: for a stage that closes players after use.
    """
    opened = players.lend if lent else players.open
    return lambda name: opened(name, game, "teacher" if name == teacher else "player")


def teacher_name(corner: Corner) -> str:
    """The configured teacher; the embedded search gets the size's number of iterations."""
    teacher = corner.config.teacher
    if teacher.model == "search":
        return f"search:{corner.size.teacher}"
    return f"{teacher.model}@{teacher.prompt}"


def _here(corner: Corner, *, lent: bool = True) -> OpenPlayer:
    return open_here(corner.players, corner.game, teacher_name(corner), lent=lent)


def _lessons(corner: Corner, champion: Prompt) -> Lessons:
    seeds = tuple(Seeds(corner.root, "teach").take(0, corner.size.teach))
    opponents = (*corner.league, f"{corner.model}@{champion.id}")
    return Lessons(corner.game, teacher_name(corner), opponents, seeds, corner.night_id, corner.night_id)


async def teach_games(corner: Corner, champion: Prompt) -> TeachReport:
    """The teacher plays the league and the champion on the paused clock."""
    lessons = _lessons(corner, champion)
    teacher = lessons.teacher

    async def work() -> TeachReport:
        # Processes of this machine open players for themselves; this one, and a runner, play with those of the night.
        runner, apart = corner.runner, partial(open_by_name, corner.config, teacher)
        here = _here(corner, lent=runner is None)
        return await teach(corner.store, lessons, apart, here=here, runner=runner, on_episode=corner.progress)

    corner.watch.stage(f"{teacher} teaches: {count(lessons.games, 'game')} without a clock")
    result = await corner.steps.run("teach", [teacher, lessons.opponents, lessons.seeds], TeachReport, work)
    corner.watch.say(
        f"{teacher} took {percent(result.score)} of the points, {milliseconds(result.latency_p50_ms)} a decision"
    )
    return result


async def train_student(corner: Corner, champion: Prompt, taught: TeachReport) -> Student:
    """A sketch of the student practises; the student learns from that and from the teacher's games."""
    lessons = _lessons(corner, champion)

    config = corner.config.student

    def report(stage: str, done: int, total: int) -> None:
        corner.progress(done, total, stage)

    async def work() -> Trained:
        found = await school(
            corner.store,
            taught.episodes,
            lessons,
            _here(corner),
            base=config.base,
            practice=corner.size.practice,
            wishes=_wishes(corner),
            seed=corner.config.night.seed,
            root=corner.config.night.folder / "students",
            on_progress=report,
            on_forecast=lambda forecast: corner.watch.say(forecast_words(forecast)),
        )
        learned, (before, after) = found.dataset.report, fits(found.student)
        return Trained(found.student.id, found.dataset.id, learned.turns, learned.practised, before, after)

    corner.watch.stage(f"training a student of {config.base} on {count(len(taught.episodes), 'game')} and on practice")
    inputs = [taught.episodes, asdict(corner.size.practice), config.base, corner.size.epochs]
    wished = {name: wish for name, wish in asdict(wishes_of(corner.config)).items() if wish is not None}
    inputs += [wished] if wished else []
    result = await corner.steps.run("train", inputs, Trained, work)
    corner.watch.say(
        f"student:{result.student} answers {percent(result.after.agreement)} of what it was taught "
        f"(before training: {percent(result.before.agreement)}), from {count(result.turns, 'turn')}, "
        f"{number(result.practised)} of them practised"
    )
    return load_student(corner.store, result.student)


def wishes_of(config: Config) -> Wishes:
    """What the configuration says of the training."""
    return Wishes(**{field.name: getattr(config.student, field.name) for field in fields(Wishes)})


def _wishes(corner: Corner) -> Wishes:
    """What the configuration says of the training; a small base takes no longer than the night's size allows."""
    said = wishes_of(corner.config)
    small = parameters(model_folder(corner.config.student.base)) < SMALL
    return said.over(Wishes(passes=corner.size.epochs)) if small else said


def forecast_words(found: Forecast) -> str:
    """What a training will take, before it begins."""
    again = ", activations computed twice" if found.checkpointing else ""
    return (
        f"training: at most {count(found.passes, 'pass', 'passes')} of {count(found.steps, 'step')} in all; about "
        f"{fixed(found.memory / 1e9, 1)} GB of memory{again}, about {duration(found.seconds)}"
    )


async def check_student(corner: Corner, student: Student, champion: Prompt) -> Checked:
    """The student against the certified champion with its real latency, and against its teacher's results."""
    size = corner.size
    rule = CheckRule(
        gate=GateRule(candidates=1, alpha=corner.config.night.alpha, max_pairs=size.check),
        confirm=size.confirm,
        league=size.league,
    )
    who = Examination(
        corner.game,
        corner.player(champion),
        teacher_name(corner),
        (*corner.league, f"{corner.model}@{champion.id}"),
        partial(open_by_name, corner.config, teacher_name(corner)),
        corner.root,
        corner.night_id,
        here=_here(corner),
    )

    async def work() -> Checked:
        def report(stage: str, done: int, total: int) -> None:
            corner.progress(done, total, stage)

        return Checked.of(await examine(corner.store, student, who, rule, on_progress=report))

    corner.watch.stage(f"{student.name} against {who.champion.name}, with the time that each really takes")
    inputs = [student.id, champion.id, size.check, size.confirm, size.league]
    result = await corner.steps.run("check", inputs, Checked, work)
    corner.watch.say(
        f"{student.name}: {result.verdict}; {percent(result.score, 1)} of the points against the champion; it keeps "
        f"{percent(result.kept.share)} of its teacher's score and decides {pace(result.faster)}"
    )
    return result


async def meet_league(corner: Corner, champion: Prompt) -> LeagueScores:
    """The base prompt and the certified one against the whole league, for the table of the report."""
    base = corner.prompt("base")
    prompts = [base] if champion.id == base.id else [base, champion]

    async def work() -> LeagueScores:
        found: LeagueScores = {}
        members = {name: corner.open(name) for name in corner.league}
        for prompt in prompts:
            player = corner.player(prompt)
            table = await play_league(
                corner.arena(), player.name, player, members, root=corner.root, pairs=corner.size.league
            )
            found[player.name] = dict(zip(table.names, table.matrix()[0], strict=True))
        return found

    corner.watch.stage("before and after against the league")
    inputs = [[prompt.id for prompt in prompts], corner.size.league]
    return await corner.steps.run("league", inputs, LeagueScores, work)
