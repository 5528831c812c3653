"""Teacher games: complete, the same whatever the number of workers, never played twice."""

import asyncio
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from behind import Behind
from distill_setup import TEACHER, open_player
from waiting import has_ended, wait_until

from distill.judged import Judged
from distill.practice import Practice, practise
from distill.teach import Lessons, TeachReport, teach
from episodes.game import Observation
from episodes.games.duel import GAME
from episodes.guest_player import guest_player
from episodes.player import Context, Decision, Player
from episodes.players.model import ModelPlayer
from episodes.record import EpisodeRecord
from episodes.store.store import Store
from models.errors import BadInput, BudgetExhausted, Unavailable
from models.scripted import ScriptedModel

LESSONS = Lessons(GAME, "search:4", ("bot:random", "search:4"), (1,), "workers")


def played(record: EpisodeRecord) -> object:
    """An episode without what the machine's speed decides."""
    turns = [replace(turn, latency_ms=0.0) for turn in record.turns]
    return replace(record, started="", seconds=0.0, turns=tuple(turns))


def test_the_games_do_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    games = []
    for workers in (0, 2):
        with Store.open(tmp_path / f"{workers}.db") as store:
            report = asyncio.run(teach(store, LESSONS, open_player, workers=workers))
            games.append([played(store.episode(one)) for one in report.episodes])
    assert games[0] == games[1]
    assert len(games[0]) == LESSONS.games == 4


def test_finished_games_are_not_played_again(taught: tuple[Store, TeachReport]) -> None:
    store, first = taught
    lessons = Lessons(GAME, TEACHER, ("bot:random", "bot:rushdown"), (1, 2, 3, 4), "tests")
    seen: list[tuple[int, int]] = []
    again = asyncio.run(teach(store, lessons, open_player, workers=2, on_episode=lambda *at: seen.append(at)))
    assert first.played == 16 and again.played == 0
    assert again.episodes == first.episodes
    assert seen == [(16, 16)]


def test_workers_end_when_the_program_is_killed(tmp_path: Path) -> None:
    script = Path(__file__).parents[1] / "support" / "killed_teacher.py"
    ended = subprocess.run([sys.executable, str(script), str(tmp_path)], check=False, capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    workers = [int(file.stem) for file in tmp_path.glob("*.worker")]
    assert workers
    wait_until(lambda: all(map(has_ended, workers)), "the end of the workers")


def test_the_report_tells_what_the_store_holds(taught: tuple[Store, TeachReport]) -> None:
    store, report = taught
    records = [store.episode(one) for one in report.episodes]
    own = [turn for record in records for turn in record.turns if record.seats[turn.seat].player == TEACHER]
    assert report.turns == len(own)
    assert set(report.scores) == {"bot:random", "bot:rushdown"}
    won = [seat.score for record in records for seat in record.seats if seat.player == TEACHER]
    assert report.score == pytest.approx(sum(won) / len(won))
    assert all(record.purpose == "teach" and record.clock == "paused" for record in records)


def test_both_sides_are_played_on_every_seed(taught: tuple[Store, TeachReport]) -> None:
    store, report = taught
    starts = {
        (r.seed, r.pair_id, [s.player for s in r.seats].index(TEACHER)) for r in map(store.episode, report.episodes)
    }
    assert len(starts) == 16


class Failing:
    """A player whose provider is down in games of one seed."""

    name = model = "failing"
    prompt_id = None

    def __init__(self) -> None:
        self._calls = 0

    async def act(self, observation: Observation, context: Context) -> Decision:
        self._calls += 1
        if self._calls == 1:
            raise Unavailable("down")
        return Decision(observation.legal_moves[0], "", 0.0)


def test_a_fault_voids_the_pair_and_is_reported(tmp_path: Path) -> None:
    failing = Failing()

    def opener(name: str) -> Player:
        return failing if name == "failing" else open_player(name)

    lessons = Lessons(GAME, "bot:zoner", ("failing",), (1, 2), "faults")
    with Store.open(tmp_path / "faults.db") as store:
        report = asyncio.run(teach(store, lessons, opener))
        assert report.faults == ("Unavailable: down",)
        assert len(report.episodes) == 2
        assert asyncio.run(teach(store, lessons, opener)).faults == ()


def test_an_unknown_teacher_is_bad_input(tmp_path: Path) -> None:
    with Store.open(tmp_path / "unknown.db") as store, pytest.raises(BadInput):
        asyncio.run(teach(store, replace(LESSONS, teacher="search:none"), open_player))


def test_in_this_process_players_are_their_owners(tmp_path: Path) -> None:
    """A chat model that teaches spends from the ledger of whoever opened it."""

    def elsewhere(name: str) -> Player:
        raise AssertionError(f"{name} was opened with a ledger of its own")

    lessons = Lessons(GAME, "bot:turtle", ("bot:random",), (1,), "here")
    with Store.open(tmp_path / "s.db") as store:
        report = asyncio.run(teach(store, lessons, elsewhere, here=open_player))
    assert report.played == 2


@pytest.mark.parametrize("night", [None, "night"])
def test_another_model_behind_a_name_plays_lessons_by_hand_anew(tmp_path: Path, night: str | None) -> None:
    """A night with another model is another night, so its lessons are in another scope."""
    lessons = Lessons(GAME, "bot:turtle", ("bot:random",), (1,), "behind", night)

    def episodes(identity: str) -> tuple[str, ...]:
        return asyncio.run(teach(store, lessons, lambda name: Behind(open_player(name), identity))).episodes

    with Store.open(tmp_path / "s.db") as store:
        one, other = episodes("one"), episodes("other")
        assert episodes("one") == one
        assert (one == other) == (night is not None)
        assert len(store.episode_ids()) == len({*one, *other})


class Closing(ScriptedModel):
    """Knows whether it was closed."""

    closed = 0

    async def close(self) -> None:
        self.closed += 1


class Stopping:
    """Ends the run at its first decision."""

    name = model = "stopping"
    prompt_id = None

    async def act(self, observation: Observation, context: Context) -> Decision:
        raise BudgetExhausted("spent")


def test_players_are_closed_whatever_ends_the_games(tmp_path: Path) -> None:
    """A chat model's too where it came as a guest's."""
    chats = [Closing(lambda messages, choices: "jab") for _ in range(2)]
    model, guest = (ModelPlayer(name, chat, "", "{text}") for name, chat in zip(("m", "g"), chats, strict=True))
    players: dict[str, Player] = {"m": model, "g": guest_player(guest, "here.py:PLAYER"), "stopping": Stopping()}
    lessons = Lessons(GAME, "m", ("g", "stopping"), (1,), "closing")
    with Store.open(tmp_path / "s.db") as store:
        with pytest.raises(BudgetExhausted):
            asyncio.run(teach(store, lessons, players.__getitem__))
        assert [chat.closed for chat in chats] == [1, 1]
        taught = [Judged("e", 0, "p", "q", situation(), {"jab": 1.0, "guard": 0.0}, 1.0, "values")]
        practised = replace(lessons, opponents=("g", "stopping"))
        with pytest.raises(BudgetExhausted):
            asyncio.run(practise(store, practised, taught, Practice(1, 1, 4), players.__getitem__))
        assert [chat.closed for chat in chats] == [1, 2]


def situation() -> dict[str, str]:
    return {name: values[0] for name, values in GAME.features.items()}
