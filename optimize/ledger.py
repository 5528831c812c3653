"""The ledger of evidence: every comparison with the pairs that made it, so that each number can be computed again.

The table ``comparisons`` has one row each, ``comparison_pairs`` the pairs by stage. The stages ``carried``, ``race``,
``gate`` and ``compare`` decide, ``confirm`` measures. What was compared through opponents names them in the column
``config`` (see ``through``), and its evidence adds up with what went through the same opponents only. Knows nothing
about who wins what by it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from episodes.pairs import PairResult, pair_points
from episodes.store.store import Store
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
    """A side of a comparison: its name on the command line and its prompt, which the name may only point to."""

    name: str
    prompt_id: str | None = None


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


class Ledger:
    """The two tables of one store."""

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

        Confirmation pairs are not among them: they were played because of what the others said.
        """
        found = self._store.db.query(
            "select p.seed, p.pair_id, p.k from comparison_pairs p join comparisons c on c.id = p.comparison_id "
            "where c.game = ? and c.clock = ? and c.a = ? and c.b = ? and c.a_prompt_id is ? and c.b_prompt_id is ? "
            "and c.config is ? and p.stage != 'confirm' and p.k is not null group by p.pair_id order by p.seed",
            [game, clock, a.name, b.name, a.prompt_id, b.prompt_id, config_of(opponents)],
        )
        find = self._through if opponents else self._pair
        return Sample(tuple(find(row["seed"], row["pair_id"], row["k"], a) for row in found))

    def tried(self, game: str, clock: str, b: Contestant, opponents: Sequence[Contestant] = ()) -> dict[str, Counts]:
        """The prompts that were tested against B so far, by id, with their deciding pairs, each counted once.

        This is the history that proposers learn from: their scores are against one and the same opponent.
        """
        found = self._store.db.query(
            "select prompt_id, k, count(*) as pairs from (select distinct c.a_prompt_id as prompt_id, p.pair_id, p.k "
            "from comparison_pairs p join comparisons c on c.id = p.comparison_id where c.game = ? and c.clock = ? "
            "and c.b = ? and c.b_prompt_id is ? and c.a_prompt_id is not null and c.config is ? "
            "and p.stage != 'confirm' and p.k is not null) group by prompt_id, k order by prompt_id",
            [game, clock, b.name, b.prompt_id, config_of(opponents)],
        )
        tried: dict[str, Counts] = {}
        for row in found:
            tried[row["prompt_id"]] = tried.get(row["prompt_id"], Counts()) + Counts.of([row["k"]] * row["pairs"])
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

    def differences(self, comparison_id: str) -> list[str]:
        """What does not come out again when the comparison is recomputed from its episodes; empty if all is well."""
        rows = list(self._store.db.query("select * from comparisons where id = ?", [comparison_id]))
        if not rows:
            raise BadInput(f"there is no comparison {comparison_id} in {self._store.path}")
        row = rows[0]
        outcomes = self._outcomes_through if opponents_of(row["config"]) else self._outcomes
        wrong: list[str] = []
        stages: dict[str, list[PairResult]] = {stage: [] for stage in (*DECIDING, CONFIRMING)}
        for pair in self._store.db.query(
            "select * from comparison_pairs where comparison_id = ? order by stage, position", [comparison_id]
        ):
            stages[pair["stage"]].append(PairResult(pair["seed"], pair["pair_id"], ("", ""), pair["k"], pair["fault"]))
            if pair["k"] is not None:
                replayed = outcomes(pair["pair_id"], row)
                if pair["k"] not in replayed:
                    wrong.append(f"pair {pair['pair_id']}: stored result {pair['k']}, its episodes give {replayed}")
        deciding = _sum([Sample(tuple(stages[stage])) for stage in DECIDING])
        names = [pair.pair_id for pair in deciding.results]
        wrong += [f"pair {name} counts twice" for name in sorted({n for n in names if names.count(n) > 1})]
        confirming = Sample(tuple(stages[CONFIRMING]))
        wrong += [
            f"{column}: stored {row[column]}, recomputed {value}"
            for column, value in _figures(deciding.counts, confirming).items()
            if not _close(row[column], value)
        ]
        return wrong

    def _outcomes(self, pair_id: str, row: Mapping[str, object]) -> list[int]:
        """What the pair's two stored episodes can give A; several where A and B are the same player."""
        seats = list(
            self._store.db.query(
                "select s.player = :a and s.prompt_id is :a_prompt_id as is_a, s.score "
                "from episodes e join seats s on s.episode_id = e.id where e.pair_id = :pair_id order by e.id, s.seat",
                {"a": row["a"], "a_prompt_id": row["a_prompt_id"], "pair_id": pair_id},
            )
        )
        if len(seats) == 2:  # a game of one seat
            ways = [(seats[0], seats[1]), (seats[1], seats[0])]
            return [pair_points((x["score"],), (y["score"],)) for x, y in ways if x["is_a"]]
        if len(seats) != 4:
            return []
        ways = [(seats[0], seats[3]), (seats[1], seats[2])]
        return [round(2 * (x["score"] + y["score"])) for x, y in ways if x["is_a"] and y["is_a"]]

    def _outcomes_through(self, pair_id: str, row: Mapping[str, Any]) -> list[int]:
        """What the two stored episodes of a pair through an opponent can give A: A and B in one seat on one seed
        against one and the same opponent, which is one of the comparison's."""
        allowed = opponents_of(row["config"])
        seats = list(
            self._store.db.query(
                "select e.id, e.seed, s.seat, s.player, s.prompt_id, s.score from episodes e "
                "join seats s on s.episode_id = e.id where e.pair_id = ? order by e.id, s.seat",
                [pair_id],
            )
        )
        if len(seats) != 4 or len({seat["seed"] for seat in seats}) != 1:
            return []
        sides = [(row["a"], row["a_prompt_id"]), (row["b"], row["b_prompt_id"])]
        found = []
        for first, second in ((seats[:2], seats[2:]), (seats[2:], seats[:2])):
            for seat in (0, 1):
                players = [(one["player"], one["prompt_id"]) for one in (first[seat], second[seat])]
                others = {(one["player"], one["prompt_id"]) for one in (first[1 - seat], second[1 - seat])}
                if players == sides and len(others) == 1 and others <= set(allowed):
                    found.append(through_points(first[seat]["score"], second[seat]["score"]))
        return found


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
