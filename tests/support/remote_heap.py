"""A small game whose states are kept by another process."""

import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from small_games import Heap, HeapState

from episodes.game import Capabilities, Move, Observation
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
