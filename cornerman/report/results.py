"""Comparisons, evidence curves and the league's table, from the pairs that were played."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cornerman.format import count, e_value, percent, percent_with_interval, points, threshold
from cornerman.report.charts import Estimate, EvidenceChart, Walk, evidence_chart
from cornerman.report.names import Names
from cornerman.report.queries import league_seats
from cornerman.report.view import Cell, Duel, Matrix
from episodes.store.store import Store
from optimize.comparison_store import CONFIRMING, DECIDING, ComparisonStore, StoredComparison, StoredPair
from optimize.stats.eprocess import interval, log_e, log_e_path
from optimize.stats.pairs import Counts
from optimize.through import opponents_of

ROLES = {
    "race": "race",
    "gate": "gate",
    "confirm": "measure",
    "check": "student",
    "control": "against itself",
    "ablate": "one rule less",
    "compare": "comparison",
    "league": "league",
}


@dataclass(frozen=True, slots=True)
class Compared:
    """A row of ``comparisons`` with the results of its pairs; ``decision`` in the order played, ``fresh`` after it."""

    purpose: str
    a: str
    b: str
    a_prompt_id: str | None
    counts: Counts
    verdict: str
    alpha: float
    gain: tuple[float, float, float] | None
    decision: tuple[int, ...]
    fresh: Counts = field(default_factory=Counts)
    through: tuple[str, ...] = ()
    """The opponents through whom A and B were compared; none where they met."""

    @property
    def promoted(self) -> bool:
        return self.verdict in ("promoted", "better")

    @property
    def measures(self) -> bool:
        """Whether it decides nothing: it only measures, on pairs that no decision saw."""
        return not self.decision and self.fresh.total > 0

    @property
    def measured(self) -> Counts:
        """The counts that say how good A is: the fresh ones where there are any."""
        return self.fresh if self.fresh.total else self.counts


def compared(store: Store, night: str, names: Names) -> list[Compared]:
    """Every comparison of the night, in the order in which they were made."""
    kept = ComparisonStore(store)
    return [_compared(one, kept.pairs(one.id), names) for one in kept.comparisons(night)]


def _compared(row: StoredComparison, pairs: Sequence[StoredPair], names: Names) -> Compared:
    results = [(pair.stage, pair.k) for pair in pairs if pair.k is not None]
    return Compared(
        purpose=row.purpose or "compare",
        a=_named(row.a, row.a_prompt_id, names),
        b=_named(row.b, row.b_prompt_id, names),
        a_prompt_id=row.a_prompt_id,
        counts=row.counts,
        verdict=row.verdict,
        alpha=row.alpha,
        gain=row.gain_interval,
        decision=tuple(k for wanted in DECIDING for stage, k in results if stage == wanted),
        fresh=Counts.of(k for stage, k in results if stage == CONFIRMING),
        through=tuple(_named(name, prompt_id, names) for name, prompt_id in opponents_of(row.config)),
    )


def _named(player: str, prompt_id: str | None, names: Names) -> str:
    return names.player(player, player.rpartition("@")[0], prompt_id)


def as_rows(comparisons: Iterable[Compared]) -> tuple[Duel, ...]:
    """Comparisons as the page's table shows them."""
    return tuple(
        Duel(
            role=ROLES.get(item.purpose, item.purpose),
            a=item.a,
            b=item.b,
            counts=tuple(item.measured if item.measures else item.counts),
            pairs=(item.measured if item.measures else item.counts).total,
            e_value="" if item.measures else e_value(log_e(item.counts)),
            verdict=item.verdict,
            gain=points(*item.gain, apart=bool(item.through)) if item.gain else "",
            through=", ".join(item.through),
        )
        for item in comparisons
    )


def curves(comparisons: Sequence[Compared]) -> EvidenceChart | None:
    """The e-value of every candidate and of the student over its pairs, with the thresholds that they had to reach."""
    deciding = [item for item in comparisons if item.decision and item.purpose != "control"]
    thresholds = dict.fromkeys(item.alpha for item in deciding)
    walks = []
    for item in deciding:
        kind = "student" if item.purpose == "check" else "after" if item.promoted else "plain"
        label = f"{item.a}" if item.promoted or item.purpose == "check" else ""
        walks.append(Walk(label, (0.0, *log_e_path(item.decision)), kind))
    if not walks:
        return None
    walks.sort(key=lambda walk: walk.kind != "plain")
    return evidence_chart(walks, [(1 / alpha, f"promoted above {threshold(alpha)}") for alpha in thresholds])


@dataclass(frozen=True, slots=True)
class League:
    """Pair results k in 0..4 of each player against each opponent, in the order in which they met."""

    results: dict[tuple[str, str], list[int]]
    players: tuple[str, ...]
    opponents: tuple[str, ...]

    def counts(self, player: str) -> Counts:
        """All pairs of one player, whoever the opponent was."""
        return Counts.of(k for (mine, _), ks in self.results.items() if mine == player for k in ks)


GUESTS = ("student:", "search:")
"""Players that meet the league and are no members of it."""


def league(store: Store, night: str, names: Names) -> League:
    """Whole pairs against the league: prompts before and after, the student, and its unhurried teacher."""
    scores: dict[tuple[str, str, str], list[float]] = {}
    for row in league_seats(store, night):
        mine = names.player(row.player, row.model, row.prompt_id)
        other = names.player(row.other, row.other_model, row.other_prompt_id)
        if mine != other and _is_ours(row.player, row.prompt_id) and not other.startswith(GUESTS):
            scores.setdefault((mine, other, row.pair), []).append(row.score)
    results: dict[tuple[str, str], list[int]] = {}
    for (mine, other, _), both in scores.items():
        if len(both) == 2:
            results.setdefault((mine, other), []).append(round(2 * sum(both)))
    players = tuple(dict.fromkeys(mine for mine, _ in results))
    return League(results, players, tuple(dict.fromkeys(other for _, other in results)))


def _is_ours(player: str, prompt: str | None) -> bool:
    return prompt is not None or player.startswith(GUESTS)


def matrix(met: League) -> Matrix | None:
    """The league's results as a table of shares."""
    if not met.results:
        return None
    rows = tuple(
        (player, tuple(_cell(met.results.get((player, other), [])) for other in met.opponents))
        for player in met.players
    )
    return Matrix(met.opponents, rows)


def _cell(ks: list[int]) -> Cell:
    if not ks:
        return Cell("", None, "")
    share = sum(ks) / (4 * len(ks))
    return Cell(percent(share), share, count(2 * len(ks), "game"))


def estimate(label: str, counts: Counts, kind: str) -> Estimate:
    """The mean of some pairs with its 95 % interval."""
    low, high = interval(counts)
    detail = f"{percent_with_interval(counts.mean, low, high)}  {count(counts.total, 'pair')}"
    return Estimate(label, counts.mean, low, high, detail, kind)
