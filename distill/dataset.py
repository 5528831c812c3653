"""From judged turns to a dataset: which move of which turn counts how much, and where it came from.

Every row names its episode and turn. A turn with values of its moves becomes several rows that share the turn's weight
by what each move is worth to a student (``pooled``); a turn without them is one row, the move played. Whole pairs are
held out, so that no start, and no game, is on both sides. Knows nothing about tokens.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from distill.encode import Example
from distill.judged import Judged, Outcomes, read_practised, read_taught, student_base
from distill.pooled import Pooled, pool
from distill.rows import DatasetRow, Row, Split, dataset_row, put_dataset, rows_of_dataset
from distill.weights import move_shares
from episodes.game import Game, Move
from episodes.record import EpisodeRecord
from episodes.store.store import Store
from episodes.turn_text import turn_text
from models.errors import BadInput
from prompts.base import Base


@dataclass(frozen=True, slots=True)
class Recipe:
    """How rows are weighted and split.

    ``temperature``: of the outcome's advantage, and ``clip`` its largest weight; ``value_temperature``: of the pooled
    advantages of moves, and ``least`` the smallest share that is kept; ``held_out``: the share of pairs kept apart.
    """

    temperature: float = 2.0
    clip: float = 5.0
    value_temperature: float = 0.02
    least: float = 0.03
    held_out: float = 0.125


@dataclass(frozen=True, slots=True)
class DatasetReport:
    """What went into a dataset and what did not."""

    episodes: int
    held_out_episodes: int
    turns: int
    rows: int
    valued: int
    """Turns with the teacher's value of every legal move."""
    practised: int
    """Turns of a sketch that were replayed with every other move."""
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
    store: Store, game: Game, episode_ids: Sequence[str], teacher: str, recipe: Recipe | None = None
) -> Dataset:
    """The dataset of these stored episodes: the turns that ``teacher`` (a player's name) decided, and practised ones.

    The same episodes give the same dataset in whatever order they are named. Raises
    ``BadInput`` where there is nothing to learn from, or too few pairs to hold any out.
    """
    recipe, base = recipe or Recipe(), student_base(game)
    taught, refused = read_taught(store, episode_ids, teacher, base, Outcomes(recipe.temperature, recipe.clip))
    turns = taught + read_practised(store, game, episode_ids, base)
    if not turns:
        raise BadInput(f"{teacher} never gave a legal move in {len(set(episode_ids))} games: nothing to learn from")
    splits = split_pairs([turn.pair for turn in turns], recipe.held_out)
    rows: list[Row] = []
    for split in ("train", "held-out"):
        rows += _rows(game, [turn for turn in turns if splits[turn.pair] == split], split, recipe)
    held_out = {turn.episode_id for turn in turns if splits[turn.pair] == "held-out"}
    report = DatasetReport(
        episodes=len({turn.episode_id for turn in turns}),
        held_out_episodes=len(held_out),
        turns=len(turns),
        rows=len(rows),
        valued=sum(turn.source == "values" for turn in turns),
        practised=sum(turn.source == "what-if" for turn in turns),
        refused=refused,
        situations=len({turn.question for turn in turns}),
    )
    rows.sort(key=lambda row: (row.episode_id, row.turn_n))
    return Dataset(game.name, teacher, base.id, recipe, tuple(rows), report)


def _rows(game: Game, turns: Sequence[Judged], split: Split, recipe: Recipe) -> list[Row]:
    """Rows of one side. What a move is worth is pooled over that side alone: held-out games say nothing to training."""
    valued = [turn for turn in turns if turn.source != "played"]
    pooled = pool(game, valued) if valued else None
    return [
        Row(turn.episode_id, turn.turn_n, move, turn.weight * share, split, turn.source)
        for turn in turns
        for move, share in _shares(turn, pooled, recipe).items()
    ]


def _shares(turn: Judged, pooled: Pooled | None, recipe: Recipe) -> dict[Move, float]:
    """What each move's part of the turn's weight is."""
    if turn.source == "played" or pooled is None:
        return dict.fromkeys(turn.values, 1.0)
    worth = pooled.advantages(turn.question, turn.situation)
    values = {move: worth[move] for move in turn.values}
    return move_shares(values, temperature=recipe.value_temperature, least=recipe.least)


def split_pairs(pairs: Sequence[str], share: float) -> dict[str, Split]:
    """The side of each pair, chosen by hash: about ``share`` of them are held out.

    At least one pair is held out and one is not; raises ``BadInput`` for fewer than two.
    """
    ranked = sorted(set(pairs), key=_rank)
    if len(ranked) < 2:
        raise BadInput("holding games out needs at least two pairs of teacher games: play more")
    count = min(max(1, round(share * len(ranked))), len(ranked) - 1)
    held_out = set(ranked[:count])
    return {pair: "held-out" if pair in held_out else "train" for pair in ranked}


def _rank(pair: str) -> str:
    return hashlib.blake2b(f"held out {pair}".encode(), digest_size=8).hexdigest()


def examples_of(store: Store, dataset: Dataset, base: Base) -> dict[Split, list[Example]]:
    """The rows as questions and answers, in the words of ``base``, which must be the dataset's own."""
    if base.id != dataset.base_id:
        raise BadInput(f"the dataset {dataset.id} was made for another prompt ({dataset.base_id}, not {base.id})")
    found: dict[Split, list[Example]] = {"train": [], "held-out": []}
    record: EpisodeRecord | None = None
    for row in dataset.rows:
        if record is None or record.id != row.episode_id:
            record = store.episode(row.episode_id)
        turn = record.turns[row.turn_n]
        found[row.split].append(Example(base.text, turn_text(base.turn, turn.seen()), row.move, row.weight))
    return found


def held_out_turns(store: Store, game: Game, dataset: Dataset, base: Base) -> list[Judged]:
    """The judged turns that the dataset holds out."""
    apart = {(row.episode_id, row.turn_n) for row in dataset.rows if row.split == "held-out"}
    episodes = sorted({episode for episode, _ in apart})
    turns = read_practised(store, game, episodes, base)
    if any(seat.player == dataset.teacher for one in episodes for seat in store.summary(one).seats):
        turns = read_taught(store, episodes, dataset.teacher, base, Outcomes())[0] + turns
    return [turn for turn in turns if (turn.episode_id, turn.turn_n) in apart]


def save_dataset(store: Store, dataset: Dataset, night_id: str | None = None) -> str:
    """Write the dataset's rows and return its id; a dataset that is there already stays as it was."""
    name = dataset.id  # a hash of every row: once
    if dataset_row(store, name) is not None:
        return name
    config = {"recipe": asdict(dataset.recipe), "base_id": dataset.base_id, "report": asdict(dataset.report)}
    about = DatasetRow(name, night_id, dataset.game, _now(), json.dumps(config), dataset.teacher)
    put_dataset(store, about, dataset.rows)
    return name


def load_dataset(store: Store, dataset_id: str) -> Dataset:
    """A stored dataset, equal to the one saved; raises ``BadInput`` for an unknown id."""
    about = dataset_row(store, dataset_id)
    if about is None:
        raise BadInput(f"no dataset {dataset_id} in {store.path}")
    config = json.loads(about.config)
    return Dataset(
        about.game,
        about.teacher,
        config["base_id"],
        Recipe(**config["recipe"]),
        rows_of_dataset(store, dataset_id),
        DatasetReport(**config["report"]),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
