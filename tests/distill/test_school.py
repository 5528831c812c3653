"""Practice and what comes of it: pooled worth, sketches, practised turns, the student at the end."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from distill_setup import TEACHER, open_player

from distill.judged import Judged, Outcomes, read_practised, read_taught, student_base
from distill.method import Method
from distill.pooled import PULL, TRUST, pool
from distill.practice import Practice, practise, rehearsed
from distill.school import Schooling, school
from distill.sketch import Sketch, is_sketch
from distill.student import lineage
from distill.teach import Lessons, TeachReport
from distill.worth import worth
from episodes.games.duel import GAME
from episodes.games.duel.words import FEATURES, MOVES
from episodes.guest_player import GuestPlayer, guest_player
from episodes.player import Context
from episodes.players.model import ModelPlayer
from episodes.replay import replay
from episodes.store.store import Store
from models.chat import ChatRequest, Completion, Message
from models.remembered import Remembered
from models.scripted import ScriptedModel

BASE = student_base(GAME)
LESSONS = Lessons(GAME, TEACHER, ("bot:zoner", "bot:turtle"), (1,), "practice")
LITTLE = Practice(rounds=2, pairs=1, turns=16)
FIRST = {name: values[0] for name, values in FEATURES.items()}
OTHER = {name: values[-1] for name, values in FEATURES.items()}


def turn(situation: dict[str, str], values: dict[str, float], source: str = "what-if", weight: float = 1.0) -> Judged:
    question = " ".join(situation.values())
    return Judged("e", 0, "p", question, situation, values, weight, source)  # type: ignore[arg-type]


def test_the_worth_of_a_move_is_its_mean_over_equal_questions() -> None:
    """Many turns outweigh the regression, and each turn counts against the mean of its own moves."""
    noisy = [turn(FIRST, {"jab": 0.5 + luck, "guard": luck}) for luck in (-0.4, 0.0, 0.4)] * 200
    found = pool(GAME, noisy).advantages(" ".join(FIRST.values()), FIRST)
    assert found["jab"] == pytest.approx(0.25, abs=0.01)
    assert found["guard"] == pytest.approx(-0.25, abs=0.01)


def test_what_was_really_played_counts_for_more_than_what_was_expected() -> None:
    both = [turn(FIRST, {"jab": 1.0, "guard": 0.0}), turn(FIRST, {"jab": 0.0, "guard": 1.0}, "values")] * 100
    found = pool(GAME, both).advantages(" ".join(FIRST.values()), FIRST)
    assert found["jab"] == pytest.approx((1 - TRUST) / (1 + TRUST) / 2, abs=0.05)


def test_a_question_never_seen_gets_what_like_situations_say() -> None:
    near = {**FIRST, "health": FEATURES["health"][1]}
    turns = [turn(FIRST, {"jab": 0.4, "guard": 0.0})] * 50 + [turn(OTHER, {"jab": 0.0, "guard": 0.4})] * 50
    pooled = pool(GAME, turns)
    unseen = pooled.advantages(" ".join(near.values()), near)
    assert unseen["jab"] > 0.02 > unseen["guard"]
    once = pool(GAME, [*turns, turn(near, {"jab": 0.0, "guard": 1.0})]).advantages(" ".join(near.values()), near)
    assert unseen["jab"] > once["jab"] > -0.5, f"one turn is less than {PULL} turns' worth of regression"


def test_a_plan_of_moves_is_no_single_move() -> None:
    found = pool(GAME, [turn(FIRST, {"jab, then throw": 0.9, "jab": 0.2, "guard": 0.0})] * 20)
    assert set(found.advantages(" ".join(FIRST.values()), FIRST)) == set(MOVES)


def moves_of(sketch: Sketch, seeds: Sequence[int]) -> list[str | None]:
    state = GAME.initial_state(3)
    observation = state.observe(0)
    return [asyncio.run(sketch.act(observation, Context(GAME, 0, seed, 1, state))).move for seed in seeds]


def test_a_sketch_plays_what_is_best_and_now_and_then_anything() -> None:
    situation = GAME.initial_state(3).observe(0).situation
    pooled = pool(GAME, [turn(dict(situation), {"uppercut": 0.9, "guard": 0.0, "super": 1.0})] * 20)
    sketch = Sketch.of(pooled, BASE)
    assert is_sketch(sketch.name) and not is_sketch("bot:turtle")
    assert set(moves_of(sketch, range(20))) == {"uppercut"}, "super is worth more, and not legal at the start"
    curious = replace(sketch, explore=0.3)
    found = moves_of(curious, range(300))
    assert found == moves_of(curious, range(300))
    assert 200 < found.count("uppercut") < 260
    assert Sketch.of(pool(GAME, [turn(dict(situation), {"jab": 0.9, "guard": 0.0})]), BASE).name != sketch.name


def test_practice_replays_its_own_turns_and_is_found_again(taught: tuple[Store, TeachReport], tmp_path: Path) -> None:
    store, report = taught
    judged, refused = read_taught(store, report.episodes, report.teacher, BASE, Outcomes())
    assert refused == 0 and len(judged) == report.turns
    told: list[tuple[int, int]] = []

    def practice() -> list[str]:
        return asyncio.run(
            practise(store, LESSONS, judged, LITTLE, open_player, on_turns=lambda *done: told.append(done))
        )

    episodes = practice()
    assert len(set(episodes)) == 8 and told[-1] == (32, 32)
    practised = read_practised(store, GAME, episodes, BASE)
    assert len(practised) == 32
    sketches = set()
    for one in practised:
        record = store.episode(one.episode_id)
        decided = record.turns[one.turn_n]
        sketches.add(record.seats[decided.seat].player)
        assert is_sketch(record.seats[decided.seat].player)
        assert set(one.values) == set(decided.legal_moves)
        assert one.values[decided.move or ""] == 0.0
    assert len(sketches) == 2, "each round's sketch knows the rounds before"
    assert all(not replay(store.episode(one), GAME) for one in episodes)
    before = store.db.execute("select count(*) from whatifs").fetchone()[0]
    assert practice() == episodes
    assert store.db.execute("select count(*) from whatifs").fetchone()[0] == before


def test_without_values_there_is_nothing_to_practise_from(taught: tuple[Store, TeachReport]) -> None:
    store, report = taught
    played, _ = read_taught(store, report.episodes, "bot:rushdown", BASE, Outcomes())
    assert {one.source for one in played} == {"played"}
    assert asyncio.run(practise(store, LESSONS, played, LITTLE, open_player)) == []


def test_a_rehearsed_model_gives_a_few_answers_again() -> None:
    asked: list[int | None] = []

    class Counting(ScriptedModel):
        async def complete(self, request: ChatRequest) -> Completion:
            asked.append(request.seed)
            return await super().complete(request)

    player = ModelPlayer("one", Counting(["jab"] * 99), "", "{situation}")
    found = rehearsed(player)
    assert isinstance(found, ModelPlayer) and isinstance(found.chat, Remembered) and found.name == "one"
    assert rehearsed(open_player("bot:turtle")) == open_player("bot:turtle")
    guest = rehearsed(guest_player(player, "here.py:PLAYER", "its code"))
    assert isinstance(guest, GuestPlayer) and guest.identity == "its code"
    assert isinstance(guest.player, ModelPlayer) and isinstance(guest.player.chat, Remembered)
    question = (Message("user", "far"),)
    for seed in range(40):
        asyncio.run(found.chat.complete(ChatRequest(question, choices=("jab",), seed=seed)))
    assert sorted(seed for seed in asked if seed is not None) == [0, 1, 2, 3]
    asyncio.run(found.chat.complete(ChatRequest((Message("user", "near"),), choices=("jab",), seed=0)))
    assert len(asked) == 5


def test_worth_is_the_mean_gain_over_the_average_move() -> None:
    turns = [
        turn(FIRST, {"jab": 0.5, "guard": 0.1}),
        turn(FIRST, {"jab": -0.1, "guard": 0.1}),
        turn(OTHER, {"jab": 0.0}, "played"),
    ]
    model = ScriptedModel(["jab"] * 9)
    assert asyncio.run(worth(model, turns, BASE)) == pytest.approx((0.2 - 0.1) / 2)
    assert asyncio.run(worth(model, turns[2:], BASE)) is None


@pytest.mark.slow
def test_a_student_comes_out_of_school(taught: tuple[Store, TeachReport], tiny_base: Path, tmp_path: Path) -> None:
    store, report = taught
    method = Method(rank=8, alpha=16, epochs=3)
    seen: set[str] = set()

    def run(practice: Practice) -> Schooling:
        return asyncio.run(
            school(
                store,
                report.episodes,
                LESSONS,
                open_player,
                base=str(tiny_base),
                practice=practice,
                method=method,
                least=0.0,
                root=tmp_path,
                on_progress=lambda stage, done, total: seen.add(stage),
            )
        )

    found = run(LITTLE)
    assert seen == {"practice", "training"}
    assert found.dataset.report.practised == 32
    assert found.dataset.report.turns == report.turns + 32
    assert lineage(store, found.student).opponents == ("bot:random", "bot:rushdown", "bot:turtle", "bot:zoner")
    assert -2 < found.student.measured["worth"]["after"] < 2
    assert run(LITTLE) == found
    alone = run(Practice(rounds=0))
    assert alone.practised == () and alone.student.id != found.student.id
