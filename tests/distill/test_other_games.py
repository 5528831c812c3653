"""Students of games other than duel: the game's own text is the question, and one seat is enough."""

import asyncio
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
from distill_setup import open_player

from distill.check import CheckRule, Examination, check_student
from distill.judged import student_base
from distill.method import Method
from distill.practice import Practice
from distill.school import school
from distill.student import fits, student_player
from distill.teach import Lessons, opponents, teach
from episodes.game import Game
from episodes.games import load_game
from episodes.store.store import Store
from models.errors import BadInput
from optimize.gate import GateRule

METHOD = Method(rank=8, alpha=16, rate=4e-3, epochs=4, length=128, batch=2)


@pytest.mark.parametrize(("name", "practised"), [("openspiel:tic_tac_toe", True), ("gym:FrozenLake-v1", True)])
def test_a_student_is_taught_practised_and_checked(name: str, practised: bool, tiny_base: Path, tmp_path: Path) -> None:
    game, teacher = load_game(name), "search:30"
    lessons = Lessons(game, teacher, ("bot:random",), (1, 2), "tests")
    with Store.open(tmp_path / "s.db") as store:
        taught = asyncio.run(teach(store, lessons, open_player, workers=0))
        assert set(taught.scores) == {"bot:random"} and taught.turns > 0
        found = asyncio.run(
            school(
                store,
                taught.episodes,
                lessons,
                open_player,
                base=str(tiny_base),
                practice=Practice(rounds=1, pairs=1, turns=4),
                method=METHOD,
                least=0.0,
                root=tmp_path / "students",
            )
        )
        before, after = fits(found.student)
        assert after.loss < before.loss
        assert bool(found.dataset.report.practised) is practised
        asked = student_player(found.student, game)
        assert asked.system == student_base(game).text and "Legal moves" in asked.turn
        champion = open_player("bot:random")
        who = Examination(game, champion, teacher, ("bot:random",), open_player, "check", workers=0)
        rule = CheckRule(GateRule(max_pairs=2, look=2), confirm=2, league=2)
        check = asyncio.run(check_student(store, found.student, who, rule))
        assert check.confirmation.counts.total == 2
        assert set(check.kept.student) == set(check.kept.teacher) == {"bot:random"}


def test_alone_whoever_played_the_other_half_is_the_opponent(tmp_path: Path) -> None:
    game: Game = load_game("gym:FrozenLake-v1")
    with Store.open(tmp_path / "s.db") as store:
        lessons = Lessons(game, "search:30", ("bot:random",), (1, 2), "tests")
        report = asyncio.run(teach(store, lessons, open_player, workers=0))
        games = [store.summary(one) for one in report.episodes]
        assert sorted(seat.player for one in games for seat in one.seats) == ["bot:random"] * 2 + ["search:30"] * 2
        assert set(opponents(games, "search:30").values()) == {"bot:random"}
        own = [one.seats[0].score for one in games if one.seats[0].player == "search:30"]
        assert report.score == pytest.approx(sum(own) / len(own))
        assert report.turns == sum(one.seats[0].turns for one in games if one.seats[0].player == "search:30")
        twice = replace(lessons, opponents=("search:30",), scope="itself")
        assert asyncio.run(teach(store, twice, open_player, workers=0)).scores.keys() == {"search:30"}


def test_worker_processes_play_games_of_one_seat(tmp_path: Path) -> None:
    lessons = Lessons(load_game("gym:FrozenLake-v1"), "search:8", ("bot:random",), (1,), "tests")
    with Store.open(tmp_path / "s.db") as store:
        assert asyncio.run(teach(store, lessons, open_player, workers=1)).played == 2


@pytest.mark.parametrize(
    "name",
    ["duel+unlisted", "openspiel:tic_tac_toe+renamed", "gym:FrozenLake-v1", "gym:Blackjack-v1", "pettingzoo:rps_v2"],
)
def test_games_travel_to_the_processes_of_a_teacher(name: str) -> None:
    game = load_game(name)
    there: Game = pickle.loads(pickle.dumps(game))
    here, apart = game.initial_state(3), there.initial_state(3)
    assert (there.name, apart.to_act()) == (game.name, here.to_act())
    assert apart.observe(apart.to_act()[0]) == here.observe(here.to_act()[0])


def test_a_base_that_cannot_be_asked_is_refused_before_anything_is_played(tiny_base: Path, tmp_path: Path) -> None:
    from cornerman.night.leaving import check_base

    with pytest.raises(BadInput, match="no words for openspiel:tic_tac_toe"):
        check_base("rookie", "openspiel:tic_tac_toe")
    check_base("rookie", "duel")
    check_base(str(tiny_base), "openspiel:tic_tac_toe")
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in tiny_base.iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    (broken / "chat_template.jinja").write_text("{{ raise_exception('no') }}")
    with pytest.raises(BadInput, match="refuses a question: no"):
        check_base(str(broken), "duel")
