"""Games whose states live in another process: here a real one that keeps a heap of stones, one a state."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from small_games import Heap, HeapState, Told, drawn

from episodes.clock import Clock
from episodes.contract import check_game
from episodes.game import Capabilities, Move, Observation
from episodes.pairs import Setting
from episodes.play import Match, play_episode
from episodes.replay import frames, replay
from models.errors import Unavailable

KEEPER = """
import sys
stones = int(sys.argv[1])
for line in sys.stdin:
    stones -= int(line)
    print(stones, flush=True)
"""


class RemoteHeap:
    """The heap of stones is in a process of its own, which other games may have to meet."""

    def __init__(self, stones: int, meeting: threading.Barrier | None) -> None:
        self.heap = HeapState(stones)
        self.to_act, self.accepts = self.heap.to_act, self.heap.accepts
        self.is_terminal, self.returns = self.heap.is_terminal, self.heap.returns
        command = [sys.executable, "-c", KEEPER, str(stones)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.threads: set[str] = set()
        self.meeting = meeting

    def observe(self, seat: int) -> Observation:
        self.threads.add(threading.current_thread().name)
        return self.heap.observe(seat)

    def apply(self, moves: Mapping[int, Move | None]) -> None:
        if self.meeting:
            self.meeting.wait(timeout=30)
        (move, *_) = moves.values()
        self.heap.apply(moves)
        if move is not None:
            assert self.process.stdin
            assert self.process.stdout
            answer = ""
            with suppress(BrokenPipeError):
                self.process.stdin.write(f"{move[-1]}\n")
                self.process.stdin.flush()
                answer = self.process.stdout.readline()
            if not answer:
                raise Unavailable("the heap's process has died")
            assert int(answer) == self.heap.stones

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.kill()
        self.process.wait()
        with suppress(BrokenPipeError):  # what it was told last it never read
            self.process.stdin.close()
        self.process.stdout.close()


@dataclass(frozen=True)
class Remote(Heap):
    capabilities: Capabilities = Capabilities(most_at_once=2)
    meeting: threading.Barrier | None = None
    opened: list[RemoteHeap] = field(default_factory=list)

    def initial_state(self, seed: int) -> RemoteHeap:  # type: ignore[override]
        state = RemoteHeap(5 + seed % 4, self.meeting)
        self.opened.append(state)
        return state


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
