"""The comparisons of a store, with the pairs that made them, so that each number can be computed again.

The table ``comparisons`` has one row each, ``comparison_pairs`` the pairs by stage. The stages ``carried``, ``race``,
``gate`` and ``compare`` decide, ``confirm`` measures. What was compared through opponents names them in the column
``config`` (see ``through``), and its evidence adds up with what went through the same opponents only. All of this
package's SQL is here, with a type for every row. Knows nothing about who wins what by a comparison.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from episodes.pairs import PairResult, pair_points
from episodes.player import Player, identity_of
from episodes.store.store import Store, text_id
from models.errors import BadInput
from optimize.arena import Sample
from optimize.confirm import Confirmation
from optimize.stats.eprocess import e_value
from optimize.stats.pairs import Counts
from optimize.through import described, opponents_of, through_points

DECIDING = ("carried", "race", "gate", "compare")
CONFIRMING = "confirm"
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Contestant:
    """A side of a comparison: its name on the command line and its prompt, which the name may only point to.

    ``identity`` is what shapes its answers beside these (``episodes.player.identity_of``); a comparison is kept without
    it, for its episodes have it.
    """

    name: str
    prompt_id: str | None = None
    identity: str = ""

    @classmethod
    def of(cls, player: Player) -> "Contestant":
        """``player`` as it plays now."""
        return cls(player.name, player.prompt_id, identity_of(player))


@dataclass(frozen=True, slots=True)
class Entry:
    """A comparison to keep. ``stages`` maps the names above to their pairs; the same pair is in one deciding stage.

    ``alpha`` is the level of the verdict: 1/alpha is the e-value that it took, K candidates counted. ``opponents`` are
    those through whom the sides were compared, none where they met.
    """

    id: str
    game: str
    clock: str
    purpose: str
    a: Contestant
    b: Contestant
    stages: Mapping[str, Sample]
    verdict: str
    alpha: float
    night_id: str | None = None
    opponents: tuple[Contestant, ...] = ()

    def __post_init__(self) -> None:
        unknown = set(self.stages) - {*DECIDING, CONFIRMING}
        if unknown:
            raise ValueError(f"unknown stages {sorted(unknown)}")


@dataclass(frozen=True, slots=True)
class StoredComparison:
    """A comparison as it is kept. ``counts`` are of the pairs that decided; the gain is ``None`` without confirmation
    pairs; ``config`` names the opponents of one through opponents."""

    id: str
    night_id: str | None
    game: str
    a: str
    b: str
    a_prompt_id: str | None
    b_prompt_id: str | None
    counts: Counts
    e_value: float
    verdict: str
    alpha: float
    gain: float | None
    gain_low: float | None
    gain_high: float | None
    voided: int
    purpose: str | None
    clock: str | None
    config: str | None

    @property
    def gain_interval(self) -> tuple[float, float, float] | None:
        """The gain with the ends of its interval."""
        if self.gain is None or self.gain_low is None or self.gain_high is None:
            return None
        return self.gain, self.gain_low, self.gain_high


class StoredPair(NamedTuple):
    """A pair of a comparison; ``k`` is ``None`` where a fault voided it."""

    stage: str
    pair_id: str
    seed: int
    k: int | None
    fault: str


class PairSeat(NamedTuple):
    """A seat of one of the episodes of a pair."""

    episode: str
    seed: int
    seat: int
    player: str
    prompt_id: str | None
    score: float


class SeatTotals(NamedTuple):
    """A seat of an episode with the totals of its turns."""

    seat: int
    player: str
    prompt_id: str | None
    turns: int
    tokens_in: int
    tokens_out: int
    cost_usd: float
    illegal: int
    unreadable: int
    refused: int
    timeouts: int
    faults: int


_COLUMNS = (
    *("id", "night_id", "game", "a", "b", "a_prompt_id", "b_prompt_id", "n0", "n1", "n2", "n3", "n4", "e_value"),
    *("verdict", "alpha", "gain", "gain_low", "gain_high", "voided", "purpose", "clock", "config"),
)
_SELECT = f"select {', '.join(_COLUMNS)} from comparisons"
# Nothing differs from an identity that is not known: against null, ``!=`` is not true.
_SAME_PLAYERS = (
    "not exists (select 1 from json_each(?) one join episodes e join seats s on s.episode_id = e.id "
    "where e.pair_id = p.pair_id and s.player = json_extract(one.value, '$[0]') "
    "and s.prompt_id is json_extract(one.value, '$[1]') and s.identity_id != json_extract(one.value, '$[2]'))"
)


class ComparisonStore:
    """The tables ``comparisons`` and ``comparison_pairs`` of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def record(self, entry: Entry) -> None:
        """Keep a comparison with all its pairs, in place of one with the same id, whole or not at all."""
        deciding = _sum([entry.stages[stage] for stage in DECIDING if stage in entry.stages])
        confirming = entry.stages.get(CONFIRMING, Sample())
        row = {
            "id": entry.id,
            "night_id": entry.night_id,
            "game": entry.game,
            "a": entry.a.name,
            "b": entry.b.name,
            "a_prompt_id": entry.a.prompt_id,
            "b_prompt_id": entry.b.prompt_id,
            **_figures(deciding.counts, confirming),
            "verdict": entry.verdict,
            "alpha": entry.alpha,
            "voided": deciding.voided + confirming.voided,
            "purpose": entry.purpose,
            "clock": entry.clock,
            "config": config_of(entry.opponents),
            "created": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        pairs = [
            (entry.id, stage, position, pair.pair_id, pair.seed, pair.k, pair.fault)
            for stage, sample in entry.stages.items()
            for position, pair in enumerate(sample.results)
        ]
        columns, marks = ", ".join(row), ", ".join("?" * len(row))
        with self._store.transaction() as connection:
            connection.execute("delete from comparison_pairs where comparison_id = ?", (entry.id,))
            connection.execute(f"insert or replace into comparisons ({columns}) values ({marks})", list(row.values()))
            connection.executemany(
                "insert into comparison_pairs (comparison_id, stage, position, pair_id, seed, k, fault) "
                "values (?, ?, ?, ?, ?, ?, ?)",
                pairs,
            )

    def withdraw(self, beginning: str) -> None:
        """Take back the comparisons whose ids begin so: a step that was interrupted and runs again makes them anew."""
        where = "substr({}, 1, length(?1)) = ?1"
        with self._store.transaction() as connection:
            connection.execute(f"delete from comparison_pairs where {where.format('comparison_id')}", [beginning])
            connection.execute(f"delete from comparisons where {where.format('id')}", [beginning])

    def evidence(
        self, game: str, clock: str, a: Contestant, b: Contestant, opponents: Sequence[Contestant] = ()
    ) -> Sample:
        """Every pair that may be carried into a new test of A against B: all deciding pairs so far, each once.

        Those are not among them in which a player is known to have had another identity than it has here, nor
        confirmation pairs: they were played because of what the others said.
        """
        found = self._store.db.execute(
            "select p.seed, p.pair_id, p.k from comparison_pairs p join comparisons c on c.id = p.comparison_id "
            "where c.game = ? and c.clock = ? and c.a = ? and c.b = ? and c.a_prompt_id is ? and c.b_prompt_id is ? "
            f"and c.config is ? and p.stage != 'confirm' and p.k is not null and {_SAME_PLAYERS} "
            "group by p.pair_id order by p.seed",
            [game, clock, a.name, b.name, a.prompt_id, b.prompt_id, config_of(opponents), _known(a, b, *opponents)],
        )
        find = self._through if opponents else self._pair
        return Sample(tuple(find(seed, pair_id, k, a) for seed, pair_id, k in found))

    def tried(self, game: str, clock: str, b: Contestant, opponents: Sequence[Contestant] = ()) -> dict[str, Counts]:
        """The prompts that were tested against B so far, by id, with their deciding pairs, each counted once.

        This is the history that proposers learn from: their scores are against one and the same opponent, so pairs in
        which B is known to have had another identity than it has here are not among them.
        """
        found = self._store.db.execute(
            "select prompt_id, k, count(*) from (select distinct c.a_prompt_id as prompt_id, p.pair_id, p.k "
            "from comparison_pairs p join comparisons c on c.id = p.comparison_id where c.game = ? and c.clock = ? "
            "and c.b = ? and c.b_prompt_id is ? and c.a_prompt_id is not null and c.config is ? "
            f"and p.stage != 'confirm' and p.k is not null and {_SAME_PLAYERS}) "
            "group by prompt_id, k order by prompt_id",
            [game, clock, b.name, b.prompt_id, config_of(opponents), _known(b, *opponents)],
        )
        tried: dict[str, Counts] = {}
        for prompt_id, k, pairs in found:
            tried[prompt_id] = tried.get(prompt_id, Counts()) + Counts.of([k] * pairs)
        return tried

    def _pair(self, seed: int, pair_id: str, k: int, a: Contestant) -> PairResult:
        """The pair with its episodes, the one in which A had seat 0 first."""
        found = self._store.db.execute(
            "select e.id from episodes e join seats s on s.episode_id = e.id and s.seat = 0 where e.pair_id = ? "
            "order by s.player = ? and s.prompt_id is ? desc, e.id",
            [pair_id, a.name, a.prompt_id],
        ).fetchall()
        if len(found) != 2:
            raise BadInput(f"pair {pair_id} should have two stored episodes and has {len(found)}: the store is damaged")
        return PairResult(seed, pair_id, (found[0][0], found[1][0]), k)

    def _through(self, seed: int, pair_id: str, k: int, a: Contestant) -> PairResult:
        """The pair through an opponent with its episodes, A's first."""
        found = self._store.db.execute(
            "select e.id from episodes e where e.pair_id = ?1 order by exists (select 1 from seats s "
            "where s.episode_id = e.id and s.player = ?2 and s.prompt_id is ?3) desc, e.id",
            [pair_id, a.name, a.prompt_id],
        ).fetchall()
        if len(found) != 2:
            raise BadInput(f"pair {pair_id} should have two stored episodes and has {len(found)}: the store is damaged")
        return PairResult(seed, pair_id, (found[0][0], found[1][0]), k)

    def comparisons(self, night_id: str | None = None) -> list[StoredComparison]:
        """Every comparison, or those of one night, in the order in which they were made."""
        rows = self._store.db.execute(
            f"{_SELECT} where night_id = ?1 or ?1 is null order by created, rowid", [night_id]
        )
        return [_comparison(row) for row in rows]

    def comparison(self, comparison_id: str) -> StoredComparison:
        """The comparison with this id; raises ``BadInput`` if there is none."""
        found = self._store.db.execute(f"{_SELECT} where id = ?", [comparison_id]).fetchone()
        if found is None:
            raise BadInput(f"there is no comparison {comparison_id} in {self._store.path}")
        return _comparison(found)

    def pairs(self, comparison_id: str) -> list[StoredPair]:
        """The pairs of a comparison, voided ones too, by stage and in the order in which they were played."""
        rows = self._store.db.execute(
            "select stage, pair_id, seed, k, fault from comparison_pairs where comparison_id = ? "
            "order by stage, position",
            [comparison_id],
        )
        return [StoredPair._make(row) for row in rows]

    def differences(self, comparison_id: str) -> list[str]:
        """What does not come out again when the comparison is recomputed from its episodes; empty if all is well."""
        kept = self.comparison(comparison_id)
        outcomes = self._outcomes_through if opponents_of(kept.config) else self._outcomes
        wrong: list[str] = []
        stages: dict[str, list[PairResult]] = {stage: [] for stage in (*DECIDING, CONFIRMING)}
        for pair in self.pairs(comparison_id):
            stages[pair.stage].append(PairResult(pair.seed, pair.pair_id, ("", ""), pair.k, pair.fault))
            if pair.k is not None:
                replayed = outcomes(pair.pair_id, kept)
                if pair.k not in replayed:
                    wrong.append(f"pair {pair.pair_id}: stored result {pair.k}, its episodes give {replayed}")
        deciding = _sum([Sample(tuple(stages[stage])) for stage in DECIDING])
        names = [pair.pair_id for pair in deciding.results]
        wrong += [f"pair {name} counts twice" for name in sorted({n for n in names if names.count(n) > 1})]
        confirming = Sample(tuple(stages[CONFIRMING]))
        stored = _kept_figures(kept)
        wrong += [
            f"{column}: stored {stored[column]}, recomputed {value}"
            for column, value in _figures(deciding.counts, confirming).items()
            if not _close(stored[column], value)
        ]
        return wrong

    def _seats(self, pair_id: str) -> list[PairSeat]:
        """The seats of a pair's episodes, by episode and seat."""
        rows = self._store.db.execute(
            "select e.id, e.seed, s.seat, s.player, s.prompt_id, s.score from episodes e "
            "join seats s on s.episode_id = e.id where e.pair_id = ? order by e.id, s.seat",
            [pair_id],
        )
        return [PairSeat._make(row) for row in rows]

    def _outcomes(self, pair_id: str, kept: StoredComparison) -> list[int]:
        """What the pair's two stored episodes can give A; several where A and B are the same player."""

        def is_a(seat: PairSeat) -> bool:
            return (seat.player, seat.prompt_id) == (kept.a, kept.a_prompt_id)

        seats = self._seats(pair_id)
        if len(seats) == 2:  # a game of one seat
            ways = [(seats[0], seats[1]), (seats[1], seats[0])]
            return [pair_points((x.score,), (y.score,)) for x, y in ways if is_a(x)]
        if len(seats) != 4:
            return []
        ways = [(seats[0], seats[3]), (seats[1], seats[2])]
        return [round(2 * (x.score + y.score)) for x, y in ways if is_a(x) and is_a(y)]

    def _outcomes_through(self, pair_id: str, kept: StoredComparison) -> list[int]:
        """What the two stored episodes of a pair through an opponent can give A: A and B in one seat on one seed
        against one and the same opponent, which is one of the comparison's."""
        allowed = opponents_of(kept.config)
        seats = self._seats(pair_id)
        if len(seats) != 4 or len({seat.seed for seat in seats}) != 1:
            return []
        sides = [(kept.a, kept.a_prompt_id), (kept.b, kept.b_prompt_id)]
        found = []
        for first, second in ((seats[:2], seats[2:]), (seats[2:], seats[:2])):
            for seat in (0, 1):
                players = [(one.player, one.prompt_id) for one in (first[seat], second[seat])]
                others = {(one.player, one.prompt_id) for one in (first[1 - seat], second[1 - seat])}
                if players == sides and len(others) == 1 and others <= set(allowed):
                    found.append(through_points(first[seat].score, second[seat].score))
        return found


def seat_totals(store: Store, episode_id: str) -> list[SeatTotals]:
    """The seats of an episode with the totals of their turns."""
    columns = ", ".join(SeatTotals._fields)
    rows = store.db.execute(f"select {columns} from seats where episode_id = ?", [episode_id])
    return [SeatTotals._make(row) for row in rows]


def latencies(store: Store, episode_id: str, seat: int) -> Iterator[float]:
    """The milliseconds of every decision of a seat."""
    rows = store.db.execute("select latency_ms from turns where episode_id = ? and seat = ?", [episode_id, seat])
    return (float(latency) for (latency,) in rows)


def _comparison(row: tuple[Any, ...]) -> StoredComparison:
    """A row of ``_COLUMNS``."""
    values: dict[str, Any] = dict(zip(_COLUMNS, row, strict=True))
    counts = Counts(*(values.pop(f"n{k}") for k in range(5)))
    return StoredComparison(counts=counts, **values)


def _kept_figures(kept: StoredComparison) -> Mapping[str, float | None]:
    """The columns of ``_figures`` as they are stored."""
    gain = {"gain": kept.gain, "gain_low": kept.gain_low, "gain_high": kept.gain_high}
    return {**{f"n{k}": n for k, n in enumerate(kept.counts)}, "e_value": kept.e_value, **gain}


def _known(*players: Contestant) -> str:
    """Name, prompt and the id of the identity of each, as JSON for ``_SAME_PLAYERS``."""
    return json.dumps([[one.name, one.prompt_id, text_id(one.identity)] for one in players])


def config_of(opponents: Sequence[Contestant]) -> str | None:
    """The column ``config`` of a comparison."""
    return described(opponents) if opponents else None


def _sum(samples: list[Sample]) -> Sample:
    return sum(samples, Sample())


def _figures(counts: Counts, confirming: Sample) -> dict[str, float | None]:
    """The columns that follow from the pairs. The gain is ``None`` without confirmation pairs."""
    confirmation = Confirmation(confirming)
    low, high = confirmation.gain_interval
    measured = confirming.counts.total > 0
    return {
        **{f"n{k}": n for k, n in enumerate(counts)},
        "e_value": e_value(counts),
        "gain": confirmation.gain if measured else None,
        "gain_low": low if measured else None,
        "gain_high": high if measured else None,
    }


def _close(stored: float | None, value: float | None) -> bool:
    if stored is None or value is None:
        return stored is value
    return abs(stored - value) <= _TOLERANCE * max(1.0, abs(value))
