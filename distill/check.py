"""Is the student any good? The same gate as for every champion, with its real latency, and what it kept of its teacher.

Three questions: does it beat the certified champion under the measured clock (the gate decides, fresh pairs say by how
much); what share of the teacher's score against the league does it keep, on the same fresh seeds, the teacher
unhurried and the student on the clock; how much faster does it decide. Knows nothing about how it was trained.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import fmean, median

from distill.student import Student, note_figures, student_player
from distill.teach import Lessons, OpenPlayer, TeachReport, opponents, teach
from episodes.clock import Clock
from episodes.game import Game
from episodes.player import Player
from episodes.store.store import Store
from optimize.arena import Arena
from optimize.comparison_store import CONFIRMING, ComparisonStore, Contestant, Entry
from optimize.confirm import Confirmation, confirm
from optimize.gate import GateResult, GateRule, gate
from optimize.league import PayoffTable, play_league
from optimize.seeds import Seeds, derive
from optimize.sides import side_totals
from optimize.stats.pairs import Counts

RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class CheckRule:
    """How much to play: ``gate``, then ``confirm`` pairs on fresh seeds, then ``league`` pairs against each member."""

    gate: GateRule = field(default_factory=lambda: GateRule(candidates=1, max_pairs=120))
    confirm: int = 100
    league: int = 10


@dataclass(frozen=True, slots=True)
class Kept:
    """The student's and the teacher's mean score against each member of the league, on the same seeds.

    ``share`` is the ratio of the two means over members, ``low`` and ``high`` its 95 % bootstrap interval over pairs.
    ``games``: the episodes of ``student`` and of ``teacher`` that all of it follows from.
    """

    student: Mapping[str, float]
    teacher: Mapping[str, float]
    share: float
    low: float
    high: float
    games: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class StudentCheck:
    """What was found. Latencies are medians in milliseconds of single decisions, as charged and as recorded."""

    gate: GateResult
    confirmation: Confirmation
    comparison_id: str
    kept: Kept
    latency_p50_ms: float
    champion_p50_ms: float
    teacher_p50_ms: float

    @property
    def promoted(self) -> bool:
        return self.gate.verdict == "promoted"

    @property
    def faster(self) -> float:
        """How many of the student's decisions fit into one of the teacher's."""
        return self.teacher_p50_ms / self.latency_p50_ms if self.latency_p50_ms else 0.0

    def report(self) -> "CheckReport":
        """The figures of the check."""
        low, high = self.confirmation.gain_interval
        return CheckReport(
            verdict=self.gate.verdict,
            counts=tuple(self.gate.sample.counts),
            e_value=self.gate.e_value,
            comparison_id=self.comparison_id,
            confirmation_counts=tuple(self.confirmation.counts),
            gain=self.confirmation.gain,
            gain_low=low,
            gain_high=high,
            kept=self.kept,
            latency_p50_ms=self.latency_p50_ms,
            champion_p50_ms=self.champion_p50_ms,
            teacher_p50_ms=self.teacher_p50_ms,
            faster=self.faster,
        )

    def as_dict(self) -> dict[str, object]:
        """The report in the types of JSON."""
        return asdict(self.report())


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The figures of a check, as its student's row keeps them and ``cornerman distill --json`` names them.

    The counts are five each, of the gate and of the fresh pairs. ``gain`` is the student's mean pair score above 1/2 on
    the fresh pairs. Latencies are medians of single decisions in milliseconds; ``faster`` is the teacher's in the
    student's.
    """

    verdict: str
    counts: tuple[int, ...]
    e_value: float
    comparison_id: str
    confirmation_counts: tuple[int, ...]
    gain: float
    gain_low: float
    gain_high: float
    kept: Kept
    latency_p50_ms: float
    champion_p50_ms: float
    teacher_p50_ms: float
    faster: float


@dataclass(frozen=True, slots=True)
class Examination:
    """Who meets whom. ``teacher`` and ``league`` are names for ``open_player``, or for ``here`` in this process, see
    ``teach``; ``root`` decides every seed."""

    game: Game
    champion: Player
    teacher: str
    league: tuple[str, ...]
    open_player: OpenPlayer
    root: str
    night_id: str | None = None
    workers: int | None = None
    here: OpenPlayer | None = None


async def check_student(
    store: Store,
    student: Student,
    who: Examination,
    rule: CheckRule | None = None,
    *,
    on_progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> StudentCheck:
    """Put ``student`` to the test, and keep the figures in its row and the comparison among the others.

    ``on_progress`` gets ``gate``, ``confirm``, ``league`` or ``teacher`` with how much of it is done, in pairs or
    games. What was played already is not played again.
    """
    rule = rule or CheckRule()
    player = student_player(student, who.game)
    predates = store.lacks_identities if who.night_id is None else None
    arena = Arena(who.game, Clock("measured"), store, scope=who.root, night_id=who.night_id, predates=predates)
    try:
        gated, confirmation = await _against_champion(arena, player, who, rule, on_progress)
        table = await _league(arena, player, who, rule.league, on_progress)
    finally:
        await player.chat.close()
    entry = _entry(player, who, rule, gated, confirmation)
    ComparisonStore(store).record(entry)
    unhurried = await _teacher(store, who, rule.league, on_progress)
    pairs = (gated.sample + confirmation.sample).results
    own, champion = side_totals(store, pairs)
    check = StudentCheck(
        gate=gated,
        confirmation=confirmation,
        comparison_id=entry.id,
        kept=kept_of(store, player.name, unhurried.teacher, _games(table, unhurried)),
        latency_p50_ms=own.latency_ms,
        champion_p50_ms=champion.latency_ms,
        teacher_p50_ms=_latency(store, unhurried),
    )
    note_figures(store, student, {**check.as_dict(), "card": card_figures(check)}, entry.id)
    return check


async def _against_champion(
    arena: Arena, player: Player, who: Examination, rule: CheckRule, on_progress: Callable[[str, int, int], None]
) -> tuple[GateResult, Confirmation]:
    def on_gate(counts: Counts) -> None:
        on_progress("gate", counts.total, rule.gate.max_pairs)

    def on_confirm(counts: Counts) -> None:
        on_progress("confirm", counts.total, rule.confirm)

    gated = await gate(arena, player, who.champion, rule.gate, Seeds(who.root, "student gate"), on_look=on_gate)
    confirmation = await confirm(
        arena, player, who.champion, Seeds(who.root, "student confirm"), rule.confirm, on_look=on_confirm
    )
    return gated, confirmation


def _entry(player: Player, who: Examination, rule: CheckRule, gated: GateResult, confirmation: Confirmation) -> Entry:
    """The comparison with all its pairs."""
    a, b = map(Contestant.of, (player, who.champion))
    return Entry(
        id=f"{derive('student', who.root, a.name, b.name, b.prompt_id or '', repr(rule)):016x}",
        game=who.game.name,
        clock="measured",
        purpose="check",
        a=a,
        b=b,
        stages={"gate": gated.sample, CONFIRMING: confirmation.sample},
        verdict=gated.verdict,
        alpha=rule.gate.alpha,
        night_id=who.night_id,
    )


async def _league(
    arena: Arena, player: Player, who: Examination, pairs: int, on_progress: Callable[[str, int, int], None]
) -> PayoffTable:
    done = 0

    def on_pair(_: object) -> None:
        nonlocal done
        done += 1
        on_progress("league", done, pairs * len(who.league))

    members = {name: (who.here or who.open_player)(name) for name in who.league}
    return await play_league(replace(arena, on_pair=on_pair), player.name, player, members, root=who.root, pairs=pairs)


async def _teacher(
    store: Store, who: Examination, pairs: int, on_progress: Callable[[str, int, int], None]
) -> TeachReport:
    """The teacher without a clock against the same members on the same seeds."""
    seeds = tuple(Seeds(who.root, "league").take(0, pairs))
    lessons = Lessons(who.game, who.teacher, who.league, seeds, who.root, who.night_id, purpose="check")

    def on_episode(done: int, games: int) -> None:
        on_progress("teacher", done, games)

    return await teach(store, lessons, who.open_player, workers=who.workers, here=who.here, on_episode=on_episode)


def _games(table: PayoffTable, unhurried: TeachReport) -> dict[str, list[str]]:
    """The episodes of both sides against the league; those of void pairs count for neither."""
    results = [result for sample in table.samples.values() for result in sample.results if result.k is not None]
    return {
        "student": [episode for result in results for episode in result.episodes],
        "teacher": list(unhurried.episodes),
    }


def kept_of(store: Store, student: str, teacher: str, games: Mapping[str, Sequence[str]]) -> Kept:
    """What follows from the stored ``games`` of the two players, named as in the record."""
    mine, theirs = _pair_scores(store, student, games["student"]), _pair_scores(store, teacher, games["teacher"])
    # A teacher's game may be void where the student's is not, and the other way round: compare where both played.
    both = sorted(mine.keys() & theirs.keys())
    share, low, high = share_kept([mine[pair] for pair in both], [theirs[pair] for pair in both])
    return Kept(_by_member(mine), _by_member(theirs), share, low, high, games)


def _pair_scores(store: Store, player: str, episodes: Sequence[str]) -> dict[tuple[str, int], float]:
    """The player's mean score of each pair, by opponent and seed."""
    scores: dict[tuple[str, int], list[float]] = {}
    summaries = [store.summary(episode_id) for episode_id in episodes]
    met = opponents(summaries, player)
    for summary in summaries:
        own = next((seat for seat in summary.seats if seat.player == player), None)
        if own is not None:  # a game of one seat may be the other half of a pair
            scores.setdefault((met[summary.pair_id], summary.seed), []).append(own.score)
    return {pair: fmean(values) for pair, values in scores.items()}


def _by_member(scores: Mapping[tuple[str, int], float]) -> dict[str, float]:
    members: dict[str, list[float]] = {}
    for (name, _), score in scores.items():
        members.setdefault(name, []).append(score)
    return {name: fmean(values) for name, values in members.items()}


def share_kept(student: Sequence[float], teacher: Sequence[float], seed: int = 0) -> tuple[float, float, float]:
    """The ratio of the mean scores, and its 95 % percentile bootstrap interval (Efron 1979) over pairs of both.

    ``student`` and ``teacher`` are scores in [0, 1] of the same pairs (member and seed), drawn together.
    """
    import numpy as np

    mine, theirs = np.asarray(student, float), np.asarray(teacher, float)
    draws = np.random.default_rng(seed).integers(0, len(mine), (RESAMPLES, len(mine)))
    ratios = mine[draws].mean(1) / np.maximum(theirs[draws].mean(1), 1e-9)
    low, high = np.quantile(ratios, [0.025, 0.975])
    return float(mine.mean() / max(theirs.mean(), 1e-9)), float(low), float(high)


def _latency(store: Store, report: TeachReport) -> float:
    """The median of the teacher's single decisions, in milliseconds."""
    found = [
        turn.latency_ms
        for episode_id in report.episodes
        for record in [store.episode(episode_id)]
        for turn in record.turns
        if record.seats[turn.seat].player == report.teacher
    ]
    return median(found) if found else 0.0


def card_figures(check: StudentCheck) -> dict[str, str]:
    """The figures in the words of the model card."""
    low, high = check.confirmation.gain_interval
    mine, theirs = fmean(check.kept.student.values()), fmean(check.kept.teacher.values())
    return {
        "against the certified champion": (
            f"{check.gate.verdict}; pair score {0.5 + check.confirmation.gain:.3f} "
            f"[{0.5 + low:.3f}, {0.5 + high:.3f}] on {check.confirmation.counts.total} fresh pairs, measured clock"
        ),
        "score against the league": f"{mine:.3f}, its teacher's {theirs:.3f} on the same seeds",
        "share of the teacher's score kept": f"{check.kept.share:.2f} [{check.kept.low:.2f}, {check.kept.high:.2f}]",
        "median decision": (
            f"{check.latency_p50_ms:.1f} ms, its teacher's {check.teacher_p50_ms:.0f} ms ({check.faster:.1f} times)"
        ),
    }
