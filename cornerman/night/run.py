"""Running one night: begin it or go on with it, stage after stage, and end with a report.

A night that was stopped, by whatever, is gone on with by the same command; one that is done is followed by another.
"""

import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cornerman.config import Config
from cornerman.night import coaching, measuring, schooling
from cornerman.night.corner import Corner, Watcher, fixed, keep_spending, spent_so_far
from cornerman.night.leaving import HOME, check_player, leave_out, say_left_out
from cornerman.night.sizes import SIZES, SizeName
from cornerman.night.steps import Json, Steps, digest
from cornerman.players import Players
from cornerman.report.build import build_report
from cornerman.workplace import Workplace
from models.errors import BadInput, BudgetExhausted
from models.ledger import Ledger
from prompts.prompt import Prompt

YOUNGER = frozenset(
    {
        "api",
        "effort",
        "requests_per_minute",
        "tokens_per_minute",
        "concurrency",
        "opponents",
        "price",
        "extra",
        "device",
    }
)
"""Keys of the configuration that came later than the first nights: those that do not set them keep their seeds."""


@dataclass(frozen=True, slots=True)
class NightResult:
    """What ``cornerman night --json`` prints."""

    night: str
    status: str
    working: str
    certified: str
    promotions: list[str]
    student: str | None
    report: str | None
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


async def run_night(place: Workplace, size: SizeName, watch: Watcher) -> NightResult:
    """Run a night of ``size`` to its end, or to the limit of its budget: then its status is ``stopped``."""
    began = time.perf_counter()
    check_player(place.config.player.model, place.game.name)
    named = place.config.night.opponents
    if named:
        fixed(named, place.players, place.game)
    night_id, root = _begin(place, size, watch)
    limits = place.players.ledger
    ledger = Ledger(limits.limit_usd, limits.limit_tokens, spent_so_far(place.store, night_id))
    players = Players(place.config, place.store, ledger, place.cluster)
    corner = Corner(
        night_id=night_id,
        root=root,
        config=place.config,
        size=SIZES[size],
        store=place.store,
        game=place.game,
        players=players,
        steps=Steps(place.store, night_id),
        watch=watch,
    )
    status, error = "done", None
    try:
        await _stages(replace(corner, opponents=await _opponents(corner)))
    except BudgetExhausted as limit:
        status, error = "stopped", str(limit)
        watch.say(f"stopped at the budget: {limit}")
    finally:
        await players.close()
    return _finish(corner, status, error, began)


async def _opponents(corner: Corner) -> tuple[str, ...]:
    """The configured opponents, the same from the night's beginning to its end, also when it is gone on with."""
    named = corner.config.night.opponents
    if not named:
        return ()

    async def work() -> Json:
        return {"opponents": fixed(named, corner.players, corner.game)}

    result = await corner.steps.run("opponents", named, work)
    corner.watch.say(f"the night is about {', '.join(named)}: prompts are compared by how they do against them")
    return tuple(result["opponents"])


async def _stages(corner: Corner) -> None:
    left_out = await leave_out(corner)
    champions = await coaching.begin(corner)
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
    except BadInput as reason:
        # Elsewhere the texts are longer and the words others: the night's guidance stands without a student.
        if corner.game.name == HOME:
            raise
        return await say_left_out(corner, "student", str(reason))
    await schooling.check_student(corner, student, champion)
    return None


def _begin(place: Workplace, size: SizeName, watch: Watcher) -> tuple[str, str]:
    """The night to go on with, or a new one: its id and the root of its seeds.

    The number of the night in its store is part of both, so the next night plays other games.
    """
    store, kept = place.store, place.config.model_dump_json()
    rows = list(store.db.query("select id, status, config, size from nights order by rowid"))
    last = rows[-1] if rows else None
    resumed = last is not None and last["status"] != "done" and (last["config"], last["size"]) == (kept, size)
    number = len(rows) if resumed else len(rows) + 1
    root = _root(place.config, size, number)
    night_id = digest(["night", root])
    with store.transaction() as connection:
        if not resumed:
            connection.execute(
                "insert into nights (id, started, status, config, size, seed, game) values (?, ?, ?, ?, ?, ?, ?)",
                [night_id, _now(), "running", kept, size, place.config.night.seed, place.config.game],
            )
        connection.execute("update nights set status = 'running', error = null where id = ?", [night_id])
    verb = "going on with" if resumed else "this is"
    watch.say(f"{verb} night {night_id}: number {number} in {store.path}, size {size}, seed {place.config.night.seed}")
    return night_id, root


def _root(config: Config, size: SizeName, number: int) -> str:
    """What the seeds of a night derive from: everything that shapes its games, and nothing of where they are kept."""
    shaping = config.model_dump(mode="json", exclude={"db": True, "budget": True, "prices": True, "night": {"folder"}})
    for section in (one for one in shaping.values() if isinstance(one, dict)):
        for key in YOUNGER & section.keys():
            if not section[key]:
                del section[key]
    return f"night {config.night.seed} {number} {digest([shaping, size])}"


def _finish(corner: Corner, status: str, error: str | None, began: float) -> NightResult:
    """Write the night's end and its report."""
    store, night_id = corner.store, corner.night_id
    with store.transaction() as connection:
        connection.execute(
            "update nights set status = ?, finished = ?, error = ? where id = ?", [status, _now(), error, night_id]
        )
    keep_spending(store, night_id, corner.players.ledger)
    path = corner.config.night.folder / night_id / "report.html"
    write_whole(path, build_report(store, night_id))
    with store.transaction() as connection:
        connection.execute("update nights set report_path = ? where id = ?", [str(path), night_id])
    trials = [corner.steps.result(f"trial.{number}") for number in range(1, corner.size.rounds + 1)]
    trained = corner.steps.result("train")
    return NightResult(
        night=night_id,
        status=status,
        working=corner.prompt("working").id,
        certified=corner.prompt("certified").id,
        promotions=[found["promoted"] for found in trials if found and found["promoted"]],
        student=trained["student"] if trained else None,
        report=str(path),
        seconds=time.perf_counter() - began,
    )


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one, never a half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
