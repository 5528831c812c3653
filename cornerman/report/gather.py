"""The whole view of a night, put together from the store."""

import shlex
from dataclasses import dataclass
from datetime import datetime

from cornerman.config import Config, stored_config
from cornerman.format import count, dollars, lead, milliseconds, percent
from cornerman.night.steps import Steps
from cornerman.report import costs as costing
from cornerman.report import queries, results, words
from cornerman.report.charts import IntervalChart, interval_chart, log_bars
from cornerman.report.coaching import guidance, result_words
from cornerman.report.names import Names
from cornerman.report.results import Compared, League
from cornerman.report.stage import Staged, staged
from cornerman.report.student import figures_of
from cornerman.report.view import Fact, Student, View
from cornerman.typed_json import from_json
from distill.method import Method
from distill.rows import student_rows
from episodes.games import load_game
from episodes.store.runs import Run, Runs
from episodes.store.store import Store
from reflect.standin import FOLLOWER


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the night decided and measured: promotions, certified against base, the student's check, the league.

    ``opponents`` are whom the night was about, if anybody.
    """

    model: str
    promotions: list[Compared]
    measured: Compared | None
    check: Compared | None
    met: League
    opponents: tuple[str, ...] = ()


def gather(store: Store, night_id: str) -> View:
    """Raises ``BadInput`` for a night that is not in the store."""
    night = Runs(store).night(night_id)
    config = stored_config(night.config)
    game, model = night.game or config.game, config.player.model
    found = prompts_of(store, night_id, game, model)
    names = Names(store, game, *found)
    comparisons = results.compared(store, night_id, names)
    promotions = [item for item in comparisons if item.promoted and item.purpose != "check"]
    measured = next((item for item in comparisons if item.purpose == "confirm"), None)
    check = next((item for item in reversed(comparisons) if item.purpose == "check"), None)
    control = next((item for item in comparisons if item.purpose == "control"), None)
    met = results.league(store, night_id, names)
    opponents = config.night.opponents
    rules = guidance(store, names.after, apart=bool(opponents))
    outcome = Outcome(model, promotions, measured, check, met, opponents)
    candidates = sum(item.purpose in ("race", "gate") for item in comparisons)
    tally = _tally(store, night, game, model, candidates)
    league_before, league_after = (met.counts(f"{model}@{name}") for name in ("base", "certified"))
    student = _student(store, night_id)
    rows, spent = costing.costs(store, night_id, names), costing.spent(store, night_id)
    return View(
        night=night_id,
        title=words.headline(promotions, check is not None and check.promoted),
        when=_when(night),
        story=tuple(
            words.story(
                tally,
                promotions,
                rules=len(rules),
                before=league_before,
                after=league_after,
                measured=measured,
                check=check,
                student=student.id if student else "",
                control=control,
                opponents=opponents,
            )
        ),
        facts=_facts(outcome, student, spent),
        strength=_strength(outcome),
        curves=results.curves(comparisons),
        comparisons=results.as_rows(comparisons),
        guidance=rules,
        matrix=results.matrix(met),
        student=student,
        costs=rows,
        total_cost=costing.total(spent, rows),
        game=_game(store, night_id, game, names, promotions),
        undo=_undo(store, game, model, promotions, student),
        prompts=_prompts(store, names),
        notes=_notes(store, night, config) + words.losses(rows),
        opponents=opponents,
    )


def prompts_of(store: Store, night_id: str, game: str, model: str) -> tuple[str | None, str | None]:
    """The prompt that was certified when the night began, and the one that is when it ended."""
    history = queries.certified_history(store, game, model)
    mine = [row for row in history if row.night_id == night_id]
    if mine:
        return mine[0].beaten, mine[-1].prompt_id
    certified = history[-1].prompt_id if history else None
    return certified, certified


def _tally(store: Store, night: Run, game: str, model: str, candidates: int) -> words.Tally:
    counts = queries.night_counts(store, night.id)
    return words.Tally(
        game=game,
        model=model,
        episodes=counts.episodes,
        turns=counts.turns,
        what_ifs=counts.what_ifs,
        proposed=counts.proposed,
        rejected=counts.rejected,
        candidates=candidates,
        seconds=_seconds(night),
    )


def _seconds(night: Run) -> float:
    if not night.finished:
        return 0.0
    return (datetime.fromisoformat(night.finished) - datetime.fromisoformat(night.started)).total_seconds()


def _when(night: Run) -> str:
    started = datetime.fromisoformat(night.started)
    return f"the night of {started:%-d %B %Y}, {night.size or 'night'}, {night.status}"


def _notes(store: Store, night: Run, config: Config) -> tuple[str, ...]:
    notes = []
    if config.player.model == FOLLOWER:
        notes.append(
            "The player was the follower, which is no language model and stands in for one: it follows the rules of "
            "its prompt to the letter, and moves at random where none fits."
        )
    if config.reflector.model == "analyst":
        notes.append("The coach was the built-in analyst, which is statistics and not a language model.")
    left_out = Steps(store, night.id).left_out()
    notes += [f"Left out: {what}: {reason}." for what, reason in left_out.items()]
    notes += words.faults(store.fault_counts(night.id))
    if night.error:
        notes.append(f"The night stopped early: {night.error}")
    return tuple(notes)


def _facts(outcome: Outcome, student: Student | None, spent: costing.Spent) -> tuple[Fact, ...]:
    facts = []
    check, best = outcome.check, outcome.measured or next(reversed(outcome.promotions), None)
    if best is not None and best.through and best.fresh.total:
        fresh = count(best.fresh.total, "fresh pair")
        facts.append(Fact("Lead over the old guidance", lead(best.fresh.mean - 0.5), f"points of 100, {fresh}"))
    elif best is not None and best.fresh.total:
        fresh = count(best.fresh.total, "fresh pair")
        facts.append(Fact("New guidance against old", percent(best.fresh.mean), f"of the points, {fresh}"))
    league = "Opponents" if outcome.opponents else "League"
    for label, name in ((f"{league}, before", "base"), (f"{league}, after", "certified")):
        if (counts := outcome.met.counts(f"{outcome.model}@{name}")).total:
            facts.append(Fact(label, percent(counts.mean), f"of the points, {count(counts.total, 'pair')}"))
    if check is not None:
        facts.append(Fact("Student against champion", percent(check.measured.mean), "of the points, with real latency"))
    if student is not None and student.bars:
        facts.append(Fact("Student decides in", student.bars[-1].text, "median"))
    facts.append(Fact("Cost", dollars(spent.usd), "hosted models"))
    return tuple(facts)


def _strength(outcome: Outcome) -> IntervalChart | None:
    met, check = outcome.met, outcome.check
    measured = [outcome.measured] if outcome.measured else outcome.promotions
    rows = [
        results.estimate(f"{item.a} against {item.b}, fresh pairs", item.fresh, "after")
        for item in measured
        if item.fresh.total and not item.through
    ]
    named = [(f"{outcome.model}@base", "before"), (f"{outcome.model}@certified", "after")]
    named += [(player, "student") for player in met.players if player.startswith("student:")]
    named += [(player, "plain") for player in met.players if player.startswith("search:")]
    rows += [
        results.estimate(f"{name} against the {'opponents' if outcome.opponents else 'league'}", met.counts(name), kind)
        for name, kind in named
        if met.counts(name).total
    ]
    if check is not None:
        rows.append(results.estimate(f"{check.a} against {check.b}, real latency", check.measured, "student"))
    return interval_chart(rows) if rows else None


def _student(store: Store, night_id: str) -> Student | None:
    """The night's student with the figures of its check, as far as it came."""
    row = next(iter(student_rows(store, night_id)), None)
    if row is None:
        return None
    figures = figures_of(row)
    latencies = [
        ("teacher", figures.teacher_p50_ms, "plain"),
        ("champion", figures.champion_p50_ms, "after"),
        ("student", figures.latency_p50_ms, "student"),
    ]
    bars = [(who, value, milliseconds(value), kind) for who, value, kind in latencies if value]
    return Student(
        id=row.id,
        base_model=row.base_model,
        bars=log_bars(bars) if bars else (),
        words=words.student(row.id, row.base_model, from_json(Method, row.method), figures),
        training=tuple(figures.curve),
    )


def _game(store: Store, night_id: str, game: str, names: Names, promotions: list[Compared]) -> Staged | None:
    """A game that the new champion won, of middling length; without one, any game of the night."""
    wanted = promotions[-1].a_prompt_id if promotions else None
    chosen = queries.game_to_show(store, night_id, game, wanted)
    if chosen is None:
        return None
    record = store.episode(chosen)
    players = tuple(names.player(seat.player, seat.model, seat.prompt_id) for seat in record.seats)
    title = f"{players[0]} {result_words(record.seats[0].score)} this game"
    title += f" against {' and '.join(players[1:])}." if players[1:] else "."
    return staged(load_game(game), record, players, f"{title} ({record.purpose}, game {record.id})")


def _undo(
    store: Store, game: str, model: str, promotions: list[Compared], student: Student | None
) -> tuple[tuple[str, str], ...]:
    place = f"--db {shlex.quote(str(store.path))}"
    options = f"--game {shlex.quote(game)} --model {shlex.quote(model)} {place}"
    undo = [(f"cornerman verify {place}", "To compute every promotion again from the stored games:")]
    if promotions:
        undo.insert(
            0, (f"cornerman prompts rollback certified {options}", "To go back to the prompt certified before:")
        )
    if student is not None:
        undo.append((f"cornerman students show {student.id} {place}", "To see where the student came from:"))
    return tuple(undo)


def _prompts(store: Store, names: Names) -> tuple[tuple[str, str, str], ...]:
    wanted = dict.fromkeys(prompt for prompt in (names.before, names.after) if prompt)
    return tuple((names.prompt(prompt), prompt, queries.system_text(store, prompt)) for prompt in wanted)
