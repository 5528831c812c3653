"""Games whose states live in another process: here a real one that keeps a heap of stones, one a state."""

import asyncio
import threading

import pytest
from remote_heap import Remote
from small_games import Told, drawn

from episodes.clock import Clock
from episodes.contract import check_game
from episodes.game import Observation
from episodes.pairs import Setting
from episodes.play import Match, play_episode
from episodes.replay import frames, replay
from models.errors import Unavailable


def test_calls_wait_in_threads_so_that_games_go_on_beside_each_other() -> None:
    game = Remote(meeting=threading.Barrier(2))  # a move of one game waits for a move of the other

    async def both() -> list[int]:
        matches = [Match(game, (Told("a", lambda o, c: "take-1"),) * 2, 3, Clock("paused"), scope=s) for s in "ab"]
        return [len(record.turns) for record in await asyncio.gather(*map(play_episode, matches))]

    assert asyncio.run(both()) == [8, 8]
    assert all("MainThread" not in state.threads for state in game.opened)


def test_a_state_is_closed_however_its_game_ends() -> None:
    game = Remote()
    asyncio.run(play_episode(Match(game, (Told("a", drawn),) * 2, 3, Clock("paused"))))

    def killed(seen: Observation, context: object) -> str:
        game.opened[-1].process.kill()
        return "take-1"

    with pytest.raises(Unavailable, match="has died"):
        asyncio.run(play_episode(Match(game, (Told("a", killed), Told("b", drawn)), 3, Clock("paused"))))
    assert len(game.opened) == 2
    assert all(state.process.poll() is not None for state in game.opened)


def test_replaying_closes_too() -> None:
    game = Remote()
    record = asyncio.run(play_episode(Match(game, (Told("a", drawn),) * 2, 3, Clock("paused"))))
    assert replay(record, game) == []
    next(iter(frames(record, game)))
    assert len(game.opened) == 3
    assert all(state.process.poll() is not None for state in game.opened)


def test_no_more_at_once_than_the_game_can_bear() -> None:
    assert Setting(Remote(), Clock("paused"), "play", None).width == 2  # type: ignore[arg-type]
    assert Setting(Remote(), Clock("measured"), "play", None).width == 1  # type: ignore[arg-type]
    assert Setting(Remote(), Clock("paused"), "play", None, concurrency=50).width == 2  # type: ignore[arg-type]


def test_the_contract_closes_what_it_opens() -> None:
    game = Remote()
    assert check_game(game) == []
    assert all(state.process.poll() is not None for state in game.opened)
