"""Corrections: the student plays, the teacher's advice is kept beside it, and both become one student."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from distill_setup import TEACHER, open_player

from distill.dataset import build_dataset
from distill.school import Schooling, school, shares_of
from distill.shadow import ShadowPlayer, is_shadow, shadow_name
from distill.student import lineage, load_student, student_base, student_player
from distill.teach import Lessons, TeachReport, teach
from distill.train import Method
from episodes.game import Observation
from episodes.games.duel import GAME
from episodes.player import Context, Decision, Player
from episodes.players.values import read_values
from episodes.store.store import Store

LESSONS = Lessons(GAME, TEACHER, ("bot:zoner",), (11, 12), "corrections")


class Jabber:
    """A student that knows one move."""

    name = model = "jabber"
    prompt_id = None

    async def act(self, observation: Observation, context: Context) -> Decision:
        return Decision("jab", "jab", 0.0)


class Silent(Jabber):
    """A teacher that has no values, and every other turn no move."""

    name = model = "silent"

    async def act(self, observation: Observation, context: Context) -> Decision:
        return Decision("guard" if context.turn % 2 else None, "", 0.0)


def opener(name: str) -> Player:
    known = {"jabber": Jabber(), "silent": Silent()}
    return known[name] if name in known else open_player(name)


def test_the_student_plays_and_the_advice_is_kept(tmp_path: Path) -> None:
    name = shadow_name(TEACHER, "jabber")
    assert is_shadow(name, TEACHER) and not is_shadow(TEACHER, TEACHER) and not is_shadow(name, "search:1")
    with Store.open(tmp_path / "shadow.db") as store:
        report = asyncio.run(teach(store, replace(LESSONS, teacher=name), opener, workers=0))
        assert report.teacher == name and len(report.episodes) == 4
        records = [store.episode(one) for one in report.episodes]
        turns = [turn for record in records for turn in record.turns if record.seats[turn.seat].player == name]
        jabs = sum(turn.move == "jab" for turn in turns)
        assert 0.75 < jabs / len(turns) < 1
        assert all(len(read_values(turn.reply)) == len(turn.legal_moves) for turn in turns)
        dataset = build_dataset(store, report.episodes, TEACHER, student_base(GAME))
    assert dataset.report.corrected == dataset.report.turns == len(turns)
    assert any(row.move != "jab" for row in dataset.rows)
    totals: dict[tuple[str, int], float] = {}
    for row in dataset.rows:
        totals[row.episode_id, row.turn_n] = totals.get((row.episode_id, row.turn_n), 0.0) + row.weight
    assert all(total == pytest.approx(1.0) for total in totals.values())


def test_a_teacher_without_values_advises_one_move_or_none(tmp_path: Path) -> None:
    with Store.open(tmp_path / "silent.db") as store:
        lessons = replace(LESSONS, teacher=shadow_name("silent", "jabber"))
        report = asyncio.run(teach(store, lessons, opener, workers=0))
        dataset = build_dataset(store, report.episodes, "silent", student_base(GAME))
    assert {(row.move, row.source) for row in dataset.rows} == {("guard", "advised")}
    assert dataset.report.refused > 0


def test_chance_now_and_then_is_the_seed_alone() -> None:
    player = ShadowPlayer(Silent(), Jabber())
    state = GAME.initial_state(3)
    observation = state.observe(0)

    def moves() -> list[str | None]:
        decisions = (player.act(observation, Context(GAME, 0, seed, 1, state)) for seed in range(200))
        return [asyncio.run(one).move for one in decisions]

    first = moves()
    assert first == moves()
    assert 160 < first.count("jab") < 200


@pytest.mark.parametrize(("count", "own", "corrected"), [(1, 1, 0), (2, 1, 1), (5, 3, 2), (8, 4, 4)])
def test_seeds_are_shared_out(count: int, own: int, corrected: int) -> None:
    first, second = shares_of(range(count))
    assert (len(first), len(second)) == (own, corrected)
    assert (*first, *second) == tuple(range(count))


@pytest.mark.slow
def test_a_student_comes_out_of_school(taught: tuple[Store, TeachReport], tiny_base: Path, tmp_path: Path) -> None:
    store, report = taught

    def with_students(name: str) -> Player:
        if name.startswith("student:"):
            return student_player(load_student(store, name.removeprefix("student:")), GAME)
        return open_player(name)

    method = Method(rank=8, alpha=16, epochs=3, length=128, batch=4)
    seen: set[str] = set()

    def run(seeds: tuple[int, ...]) -> Schooling:
        return asyncio.run(
            school(
                store,
                report.episodes,
                replace(LESSONS, seeds=seeds),
                with_students,
                base=str(tiny_base),
                method=method,
                root=tmp_path,
                workers=0,
                on_progress=lambda stage, done, total: seen.add(stage),
            )
        )

    found = run((11,))
    assert seen == {"draft", "corrections", "training"}
    assert found.draft is not None and found.draft.id != found.student.id and found.draft.method.epochs == 1
    assert 0 < found.dataset.report.corrected < found.dataset.report.turns
    assert lineage(store, found.student)["opponents"] == ["bot:random", "bot:rushdown", "bot:zoner"]
    again = run((11,))
    assert (again.draft, again.dataset, again.student) == (found.draft, found.dataset, found.student)
    assert again.corrections is not None and again.corrections.played == 0
    alone = run(())
    assert (
        alone.draft is None and alone.corrections is None and alone.student.id not in (found.student.id, found.draft.id)
    )
