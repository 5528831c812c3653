"""Datasets: provenance, fairness of the split, only legal moves, identity."""

from dataclasses import replace
from pathlib import Path

import pytest

from distill.dataset import Dataset, Recipe, build_dataset, examples_of, load_dataset, save_dataset, split_pairs
from distill.judged import Outcomes, read_taught, student_base
from distill.pooled import pool
from distill.teach import TeachReport
from episodes.games.duel import GAME
from episodes.player import ReplyClass
from episodes.store.store import Store
from models.errors import BadInput
from prompts.base import base_for

BASE = student_base(GAME)


def test_every_row_is_a_legal_move_of_the_teacher(taught: tuple[Store, TeachReport], dataset: Dataset) -> None:
    store, report = taught
    for row in dataset.rows:
        record = store.episode(row.episode_id)
        turn = record.turns[row.turn_n]
        assert record.seats[turn.seat].player == report.teacher
        assert row.move in turn.legal_moves
        assert row.weight > 0
    assert {row.source for row in dataset.rows} == {"values"}
    assert dataset.report.turns == dataset.report.valued == report.turns


def test_a_turn_is_worth_what_its_game_says_however_many_moves_share_it(
    taught: tuple[Store, TeachReport], dataset: Dataset
) -> None:
    weights: dict[str, set[float]] = {}
    turns: dict[tuple[str, int], float] = {}
    for row in dataset.rows:
        turns[row.episode_id, row.turn_n] = turns.get((row.episode_id, row.turn_n), 0.0) + row.weight
    for (episode, _), weight in turns.items():
        weights.setdefault(episode, set()).add(round(weight, 6))
    assert all(len(found) == 1 for found in weights.values())
    assert len({weight for found in weights.values() for weight in found}) > 1


def test_equal_questions_have_equal_shares_and_the_other_side_has_no_say(
    taught: tuple[Store, TeachReport], dataset: Dataset
) -> None:
    """What is learned is the mean over turns that look alike, of the training side alone."""
    store, report = taught
    judged, _ = read_taught(store, report.episodes, report.teacher, BASE, Outcomes())
    asked = {(turn.episode_id, turn.turn_n): turn for turn in judged}
    shares: dict[tuple[str, str], dict[tuple[str, int], dict[str, float]]] = {}
    for row in dataset.rows:
        place = (row.episode_id, row.turn_n)
        own = shares.setdefault((row.split, asked[place].question), {}).setdefault(place, {})
        own[row.move] = row.weight / asked[place].weight
    several = 0
    for turns in shares.values():
        first, *others = turns.values()
        several += bool(others)
        assert all(other == pytest.approx(first) for other in others)
    assert several > 10
    training = [
        turn
        for place, turn in asked.items()
        if ("train", turn.question) in shares and place in shares["train", turn.question]
    ]
    pooled = pool(GAME, training)
    for (split, question), turns in list(shares.items())[:40]:
        place, found = next(iter(turns.items()))
        worth = pooled.advantages(question, asked[place].situation)
        if split == "train":
            assert max(found, key=lambda move: found[move]) == max(asked[place].values, key=lambda move: worth[move])


def test_both_halves_of_a_pair_are_on_one_side(taught: tuple[Store, TeachReport], dataset: Dataset) -> None:
    store, _ = taught
    sides: dict[str | None, set[str]] = {}
    for row in dataset.rows:
        sides.setdefault(store.episode(row.episode_id).pair_id, set()).add(row.split)
    assert all(len(found) == 1 for found in sides.values())
    assert {split for found in sides.values() for split in found} == {"train", "held-out"}
    assert dataset.report.held_out_episodes == 2


def test_a_dataset_is_named_by_its_content(taught: tuple[Store, TeachReport], dataset: Dataset) -> None:
    store, report = taught
    assert build_dataset(store, GAME, report.episodes[::-1], report.teacher).id == dataset.id
    assert build_dataset(store, GAME, report.episodes[:-2], report.teacher).id != dataset.id
    other = Recipe(value_temperature=0.3)
    assert build_dataset(store, GAME, report.episodes, report.teacher, other).id != dataset.id
    assert replace(dataset, base_id="other").id != dataset.id


def test_a_saved_dataset_is_read_again(taught: tuple[Store, TeachReport], dataset: Dataset) -> None:
    store, _ = taught
    save_dataset(store, dataset)
    again = load_dataset(store, dataset.id)
    assert again == dataset and again.report == dataset.report
    rows = store.db.execute("select count(*) from dataset_rows where dataset_id = ?", [dataset.id]).fetchone()[0]
    assert rows == len(dataset.rows)
    with pytest.raises(BadInput, match="no dataset"):
        load_dataset(store, "0000")


def test_examples_say_what_the_student_will_be_asked(taught: tuple[Store, TeachReport], dataset: Dataset) -> None:
    store, _ = taught
    found = examples_of(store, dataset, BASE)
    assert len(found["train"]) + len(found["held-out"]) == len(dataset.rows)
    first, row = found[dataset.rows[0].split][0], dataset.rows[0]
    turn = store.episode(row.episode_id).turns[row.turn_n]
    assert (first.system, first.user, first.answer) == ("Duel.", " ".join(turn.situation.values()), row.move)
    with pytest.raises(BadInput, match="another prompt"):
        examples_of(store, dataset, base_for(GAME, "brief"))


def test_answers_that_the_game_refused_are_never_learned(taught: tuple[Store, TeachReport], tmp_path: Path) -> None:
    store, report = taught
    records = [store.episode(one) for one in report.episodes[:4]]
    with Store.open(tmp_path / "spoilt.db") as spoilt:
        for record in records:
            seat = [one.player for one in record.seats].index(report.teacher)
            bad = next(turn.n for turn in record.turns if turn.seat == seat)
            turns = [
                replace(turn, move=None, reply_class=ReplyClass.ILLEGAL) if turn.n == bad else turn
                for turn in record.turns
            ]
            spoilt.save(replace(record, turns=tuple(turns)))
        found = build_dataset(spoilt, GAME, [record.id for record in records], report.teacher)
    assert found.report.refused == 4
    assert all(row.turn_n > 1 for row in found.rows)


def test_values_of_moves_that_are_not_legal_say_nothing(taught: tuple[Store, TeachReport], tmp_path: Path) -> None:
    """A teacher's code may be anybody's, and value what it likes."""
    store, report = taught
    records = [store.episode(one) for one in report.episodes[:4]]
    with Store.open(tmp_path / "spoilt.db") as spoilt:
        for record in records:
            turns = [replace(turn, values={"fly": 1.0, **turn.values} if turn.values else {}) for turn in record.turns]
            spoilt.save(replace(record, turns=tuple(turns)))
        ids = [record.id for record in records]
        assert build_dataset(spoilt, GAME, ids, report.teacher) == build_dataset(store, GAME, ids, report.teacher)


def test_a_teacher_without_values_teaches_the_moves_it_played(taught: tuple[Store, TeachReport]) -> None:
    store, report = taught
    found = build_dataset(store, GAME, report.episodes, "bot:rushdown")
    assert {row.source for row in found.rows} == {"played"}
    for row in found.rows[:50]:
        assert store.episode(row.episode_id).turns[row.turn_n].move == row.move


def test_nothing_to_learn_from_is_bad_input(taught: tuple[Store, TeachReport]) -> None:
    store, report = taught
    with pytest.raises(BadInput, match="play teacher games first"):
        build_dataset(store, GAME, report.episodes, "search:99")
    with pytest.raises(BadInput, match="at least two pairs"):
        split_pairs(["one", "one"], 0.5)
