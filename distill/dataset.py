"""From stored teacher games to a dataset: which move of which turn counts how much, and where it came from.

Every row names its episode and turn. A turn's weight is what its episode's true outcome says of it (``weights``).
Where the teacher left its value of every legal move, the turn becomes several rows that share that weight by value:
what the teacher would have expected of each move, measured in the very position. Whole pairs are held out, so that no
start, and no game, is on both sides. Knows nothing about tokens.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Literal

from distill.encode import Example
from distill.shadow import is_shadow
from distill.weights import move_shares, outcome_weights
from episodes.game import Move, Observation
from episodes.players.values import read_values
from episodes.record import EpisodeRecord, TurnRecord
from episodes.store.store import Store
from models.errors import BadInput
from prompts.base import Base

Split = Literal["train", "held-out"]
Source = Literal["played", "values", "advised"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How rows are weighted and split.

    ``temperature``: of the outcome's advantage, and ``clip`` its largest weight; ``value_temperature``: of move values,
    and ``least`` the smallest share that is kept; ``held_out``: the share of pairs kept apart.
    """

    temperature: float = 2.0
    clip: float = 5.0
    value_temperature: float = 0.2
    least: float = 0.03
    held_out: float = 0.125


@dataclass(frozen=True, slots=True)
class Row:
    """One move of one turn. ``source``: the teacher ``played`` or ``advised`` it, or gave it one of its ``values``."""

    episode_id: str
    turn_n: int
    move: Move
    weight: float
    split: Split
    source: Source


@dataclass(frozen=True, slots=True)
class DatasetReport:
    """What went into a dataset and what did not."""

    episodes: int
    held_out_episodes: int
    turns: int
    rows: int
    valued: int
    """Turns with the teacher's value of every legal move."""
    corrected: int
    """Turns that a student decided and the teacher commented on."""
    refused: int
    """Turns of the teacher without an accepted legal move: never learned."""
    situations: int
    """Different questions among the turns."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Rows in the order of episodes and turns; ``id`` is the hash of all that decides them."""

    game: str
    teacher: str
    base_id: str
    recipe: Recipe
    rows: tuple[Row, ...]
    report: DatasetReport = field(compare=False)

    @property
    def id(self) -> str:
        parts = [self.game, self.teacher, self.base_id, json.dumps(asdict(self.recipe), sort_keys=True)]
        parts += [f"{r.episode_id} {r.turn_n} {r.move} {r.weight:.6g} {r.split} {r.source}" for r in self.rows]
        return hashlib.blake2b("\n".join(parts).encode(), digest_size=10).hexdigest()


def build_dataset(
    store: Store, episode_ids: Sequence[str], teacher: str, base: Base, recipe: Recipe | None = None
) -> Dataset:
    """The dataset of the turns that ``teacher`` (a player's name) decided, or commented on, in these stored episodes.

    ``base`` is the student's prompt. The same episodes give the same dataset in whatever order they are named. Raises
    ``BadInput`` where there is nothing to learn from, or too few pairs to hold any out.
    """
    recipe = recipe or Recipe()
    records = [store.episode(episode_id) for episode_id in sorted(set(episode_ids))]
    seats = [(record, seat.seat) for record in records for seat in record.seats if _taught_by(teacher, seat.player)]
    if not seats:
        raise BadInput(f"none of the {len(records)} episodes has the teacher {teacher}: play teacher games first")
    splits = split_pairs([record for record, _ in seats], recipe.held_out)
    weights = _seat_weights(seats, teacher, recipe)
    rows: list[Row] = []
    turns = valued = refused = corrected = 0
    questions = set()
    for (record, seat), weight in zip(seats, weights, strict=True):
        for turn in record.turns:
            if turn.seat != seat:
                continue
            comment = record.seats[seat].player != teacher
            shares, source = _shares(turn, recipe, comment)
            turns += bool(shares)
            corrected += comment and bool(shares)
            refused += not shares
            valued += source == "values"
            questions.add(question(base, turn))
            rows += [
                Row(record.id, turn.n, move, weight * share, splits[record.id], source)
                for move, share in shares.items()
            ]
    if not rows:
        raise BadInput(f"{teacher} never gave a legal move in {len(seats)} games: there is nothing to learn from")
    held_out = sum(splits[record.id] == "held-out" for record in {r.id: r for r, _ in seats}.values())
    report = DatasetReport(len(splits), held_out, turns, len(rows), valued, corrected, refused, len(questions))
    return Dataset(records[0].game, teacher, base.id, recipe, tuple(rows), report)


def _taught_by(teacher: str, player: str) -> bool:
    return player == teacher or is_shadow(player, teacher)


def _seat_weights(seats: Sequence[tuple[EpisodeRecord, int]], teacher: str, recipe: Recipe) -> list[float]:
    """What a turn of each seat counts: by outcome where the teacher played; 1 where it commented, for how the game of
    another ended says nothing about its advice."""
    own = [(record, seat) for record, seat in seats if record.seats[seat].player == teacher]
    weights = outcome_weights(
        [2 * record.seats[seat].score - 1 for record, seat in own],
        [(opponents(record, seat), seat) for record, seat in own],
        temperature=recipe.temperature,
        clip=recipe.clip,
    )
    known = {(record.id, seat): weight for (record, seat), weight in zip(own, weights, strict=True)}
    return [known.get((record.id, seat), 1.0) for record, seat in seats]


def _shares(turn: TurnRecord, recipe: Recipe, comment: bool) -> tuple[dict[Move, float], Source]:
    """What each move's part of the turn's weight is; nothing for a turn without a legal move of the teacher's.

    ``comment``: the teacher's move is in the reply, and the one played is another's.
    """
    values = {move: value for move, value in read_values(turn.reply).items() if move in turn.legal_moves}
    if len(values) > 1 and (comment or turn.move is not None):
        return move_shares(values, temperature=recipe.value_temperature, least=recipe.least), "values"
    if comment:
        return dict.fromkeys(values, 1.0), "advised"
    return ({} if turn.move is None else {turn.move: 1.0}), "played"


def opponents(record: EpisodeRecord, seat: int) -> str:
    """Who sat in the other seats."""
    return " ".join(other.player for other in record.seats if other.seat != seat)


def split_pairs(records: Sequence[EpisodeRecord], share: float) -> dict[str, Split]:
    """The side of each episode. Whole pairs go to a side, chosen by hash: about ``share`` of them are held out.

    At least one pair is held out and one is not; raises ``BadInput`` for fewer than two.
    """
    pairs = sorted({_pair(record) for record in records}, key=_rank)
    if len(pairs) < 2:
        raise BadInput("holding games out needs at least two pairs of teacher games: play more")
    count = min(max(1, round(share * len(pairs))), len(pairs) - 1)
    held_out = set(pairs[:count])
    return {record.id: "held-out" if _pair(record) in held_out else "train" for record in records}


def _pair(record: EpisodeRecord) -> str:
    return record.pair_id or record.id


def _rank(pair: str) -> str:
    return hashlib.blake2b(f"held out {pair}".encode(), digest_size=8).hexdigest()


def question(base: Base, turn: TurnRecord) -> str:
    """The user message of a turn as the student will get it."""
    return user_message(base, Observation(turn.observation, turn.situation, turn.legal_moves))


def user_message(base: Base, observation: Observation) -> str:
    return base.turn.format(
        situation=" ".join(observation.situation.values()),
        text=observation.text,
        legal=", ".join(observation.legal_moves),
    )


def examples_of(store: Store, dataset: Dataset, base: Base) -> dict[Split, list[Example]]:
    """The rows as questions and answers, in the words of ``base``, which must be the dataset's own."""
    if base.id != dataset.base_id:
        raise BadInput(f"the dataset {dataset.id} was made for another prompt ({dataset.base_id}, not {base.id})")
    found: dict[Split, list[Example]] = {"train": [], "held-out": []}
    record: EpisodeRecord | None = None
    for row in dataset.rows:
        if record is None or record.id != row.episode_id:
            record = store.episode(row.episode_id)
        user = question(base, record.turns[row.turn_n])
        found[row.split].append(Example(base.text, user, row.move, row.weight))
    return found


def save_dataset(store: Store, dataset: Dataset, night_id: str | None = None) -> str:
    """Write the dataset's rows and return its id; a dataset that is there already stays as it was."""
    if next(iter(store.db.query("select id from datasets where id = ?", [dataset.id])), None):
        return dataset.id
    config = {"recipe": asdict(dataset.recipe), "base_id": dataset.base_id, "report": asdict(dataset.report)}
    with store.transaction() as connection:
        connection.execute(
            "insert into datasets (id, night_id, game, created, config, teacher) values (?, ?, ?, ?, ?, ?)",
            (dataset.id, night_id, dataset.game, _now(), json.dumps(config), dataset.teacher),
        )
        connection.executemany(
            "insert into dataset_rows (dataset_id, n, episode_id, turn_n, weight, split, move, source) "
            "values (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (dataset.id, n, row.episode_id, row.turn_n, row.weight, row.split, row.move, row.source)
                for n, row in enumerate(dataset.rows)
            ],
        )
    return dataset.id


def load_dataset(store: Store, dataset_id: str) -> Dataset:
    """A stored dataset, equal to the one saved; raises ``BadInput`` for an unknown id."""
    about = next(iter(store.db.query("select * from datasets where id = ?", [dataset_id])), None)
    if about is None:
        raise BadInput(f"no dataset {dataset_id} in {store.path}")
    config = json.loads(about["config"])
    rows = store.db.query("select * from dataset_rows where dataset_id = ? order by n", [dataset_id])
    names = ("episode_id", "turn_n", "move", "weight", "split", "source")
    return Dataset(
        about["game"],
        about["teacher"],
        config["base_id"],
        Recipe(**config["recipe"]),
        tuple(Row(**{name: row[name] for name in names}) for row in rows),
        DatasetReport(**config["report"]),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
