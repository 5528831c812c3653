"""What the harness costs beside the model: throughput of a vLLM server, and its own time on the processor.

    python bench/harness.py [--seconds 6] [--rounds 5] [--episodes 256]

Throughput: the rookie on a real vLLM server (``make vllm``), asked by games of duel that are played, recorded and
stored, against a bare asyncio client: asyncio's own streams, no library, send the very requests that those games sent,
word for word and encoded beforehand, as many at once as the games had on the average. Both get windows of the same
length in turn on the same server, so that what else the machine does falls on both alike. Whoever asks has one
processor and the server has the others, as if they were two machines. The harness's requests go through OpenAI's SDK,
the ledger, the server's window and the retries; it also steps the games, observes, classes, records and stores. Where
vLLM is not installed a server of our own stands in, which answers in batches as vLLM does, and the line says so. Games
are many enough for the server to have a queue; with 64 it waits for us now and then, and the ratio is lower.

Processor: milliseconds of ``time.process_time`` a turn with a model that answers at once, less the bare engine stepping
the very same games. That is: observing, rendering messages, the call, classing the reply, the record, the store.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from models.vllm_environment import ENVIRONMENT, home

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from duel import bare as bare_engine

from distill.serving.server import VLLMServer
from episodes.clock import Clock
from episodes.games.duel import GAME
from episodes.pairs import play_matches
from episodes.play import Match
from episodes.player import Player
from episodes.store.store import Store
from models.chat import ChatModel, ChatRequest, Completion, Usage
from models.endpoint import Endpoint
from models.holding import held_to
from models.hub import ROOKIE
from models.registry import open_model
from prompts.base import base_for
from prompts.prompt import Prompt, player

WARM_S = 1.5
"""The beginning of a window that does not count: connections are made and the batch fills."""
CPU_EPISODES = 80
PROMISED = "promised 0.95", "promised 0.3 ms"


@dataclass
class Counted:
    """A model that keeps what it was asked, when it answered, and how many calls were under way."""

    model: ChatModel
    bodies: list[bytes] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    busy: int = 0
    began: float = field(default_factory=time.perf_counter)
    _waited: float = 0.0
    _then: float = field(default_factory=time.perf_counter)

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def endpoint(self) -> Endpoint:
        return self.model.endpoint

    @property
    def streams(self) -> bool:
        return self.model.streams

    async def complete(self, request: ChatRequest) -> Completion:
        self._count(1)
        try:
            completion = await self.model.complete(request)
        finally:
            self._count(-1)
        self.answered.append(time.perf_counter())
        said = [{"role": message.role, "content": message.content} for message in request.messages]
        body = {"model": "rookie", "messages": said}
        body |= {field: getattr(request, field) for field in ("max_tokens", "temperature", "seed")}
        body |= held_to(request, "vllm")["extra_body"] if request.choices else {}
        self.bodies.append(json.dumps(body).encode())
        return completion

    def _count(self, change: int) -> None:
        now = time.perf_counter()
        self._waited += self.busy * (now - self._then)
        self.busy, self._then = self.busy + change, now

    def at_once(self) -> int:
        """Calls under way on the average so far."""
        return max(1, round(self._waited / (self._then - self.began)))

    async def close(self) -> None:
        await self.model.close()


def fighter(chat: Any, name: str) -> Player:
    """The rookie's prompt for the model behind ``chat``."""
    return player(chat, Prompt(base_for(GAME, "brief")), GAME, name)


async def window(seconds: float, work: Awaitable[object], answered: list[float]) -> tuple[float, float]:
    """Requests a second that ``work`` has answered to it, after the warm-up, and seconds of processor for each; then it
    is stopped."""
    began, cpu = time.perf_counter(), time.process_time()
    task = asyncio.ensure_future(work)
    await asyncio.wait([task], timeout=WARM_S + seconds)
    ended, cpu = time.perf_counter(), time.process_time() - cpu
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()
    await asyncio.sleep(0.5)  # the server forgets what was called off
    return sum(began + WARM_S <= at <= ended for at in answered) / (ended - began - WARM_S), cpu / len(answered)


async def through_harness(chat: Counted, store: Store, episodes: int, scope: str) -> None:
    """Games without end, ``episodes`` at once; the same in every scope, so that the server's cache is as warm for us as
    for the client that repeats our requests."""
    sides = fighter(chat, "one"), fighter(chat, "two")
    matches = (Match(GAME, sides, seed, Clock("paused"), scope=scope) for seed in count())
    await play_matches(matches, store, concurrency=episodes, on_result=lambda match, outcome: None)


async def through_streams(url: str, bodies: list[bytes], at_once: int, answered: list[float]) -> None:
    """The same requests without end, ``at_once`` at once, each on a connection of its own that stays open."""
    queue, where = cycle(bodies), urlsplit(url)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: application/json\r\n"

    async def work() -> None:
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        try:
            for body in queue:
                writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
                received = await reader.readuntil(b"\r\n\r\n")
                answer = json.loads(await reader.readexactly(length_of(received)))
                assert answer["choices"][0]["message"]["content"], answer
                answered.append(time.perf_counter())
        finally:
            writer.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())


def length_of(head: bytes) -> int:
    """The length of the body that follows the head of a message."""
    return next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))


async def throughput(seconds: float, rounds: int, episodes: int) -> None:
    async with server() as (url, what):
        model = open_model(f"vllm:{url}#rookie")
        ours, bare, at_once = [], [], 0
        with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "bench.db") as store:
            # One round more than is counted: the first meets a cold server.
            for number in range(rounds + 1):
                chat = Counted(model)
                games = through_harness(chat, store, episodes, f"round {number}")
                ours.append(await window(seconds, games, chat.answered))
                at_once = chat.at_once()
                answered: list[float] = []
                bare.append(await window(seconds, through_streams(url, chat.bodies, at_once, answered), answered))
        await model.close()
    ours, bare = ours[1:], bare[1:]
    ratios = [one[0] / other[0] for one, other in zip(ours, bare, strict=True)]
    print(
        f"harness on {what}: {median(rate for rate, _ in ours):.0f} requests/s, bare client "
        f"{median(rate for rate, _ in bare):.0f} requests/s, {at_once} at once, ratio "
        f"{sum(rate for rate, _ in ours) / sum(rate for rate, _ in bare):.3f} ({PROMISED[0]}; windows "
        f"{min(ratios):.2f} to {max(ratios):.2f}); processor {1e3 * median(cpu for _, cpu in ours):.2f} ms a request, "
        f"bare client {1e3 * median(cpu for _, cpu in bare):.2f} ms"
    )


@asynccontextmanager
async def server() -> AsyncIterator[tuple[str, str]]:
    """The address of a server and what it is; on processors of its own, where there are two."""
    processors = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, processors[:-1] or processors)
    try:
        async with started() as found:
            os.sched_setaffinity(0, processors[-1:])
            yield found
    finally:
        os.sched_setaffinity(0, processors)


@asynccontextmanager
async def started() -> AsyncIterator[tuple[str, str]]:
    if (home() / ENVIRONMENT / "installed-for").exists():
        async with VLLMServer(ROOKIE, served_name="rookie", progress=lambda line: print(line, file=sys.stderr)) as vllm:
            yield vllm.url, "vLLM"
        return
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--stand-in", stdout=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip(), "a stand-in for vLLM, which is not installed"
    finally:
        process.kill()
        await process.wait()


STEP_S, TOKENS, BATCH = 0.008, 2, 6
"""A forward pass of the stand-in, passes an answer, answers a pass: 375 requests a second, as vLLM does on one core."""


async def stand_in() -> None:
    """Answers chat completions in continuous batches: a request joins at the next pass and leaves when it is done."""
    running: dict[asyncio.Future[None], int] = {}

    async def passes() -> None:
        while True:
            await asyncio.sleep(STEP_S)
            for one in list(running)[:BATCH]:
                running[one] -= 1
                if not running[one]:
                    del running[one]
                    one.set_result(None)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await answer(reader, writer)
        writer.close()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            asked = json.loads(await reader.readexactly(length_of(head)))
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            running[done] = TOKENS
            await done
            options = asked["structured_outputs"]["choice"]
            message = {"role": "assistant", "content": options[asked["seed"] % len(options)]}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            usage = {"prompt_tokens": 100, "completion_tokens": TOKENS, "total_tokens": 100 + TOKENS}
            made = {"id": "s", "object": "chat.completion", "created": 0, "model": "rookie", "choices": [choice]}
            body = json.dumps(made | {"usage": usage}).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
            writer.write(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)

    batches = asyncio.ensure_future(passes())
    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", flush=True)
    await batches


@dataclass(frozen=True)
class Instant:
    """A model that answers at once with a choice drawn from the decision's seed."""

    name: str = "instant"
    endpoint: Endpoint = field(default_factory=lambda: Endpoint("instant"))
    streams: bool = False

    async def complete(self, request: ChatRequest) -> Completion:
        assert request.choices is not None
        assert request.seed is not None
        return Completion(request.choices[request.seed % len(request.choices)], Usage(100, 2), 0.0)

    async def close(self) -> None:
        """Nothing to release."""


def cpu_of(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def processor(episodes: int) -> None:
    """The best of three each, taken in turn, so that a busy moment does not decide."""
    sides = fighter(Instant(), "one"), fighter(Instant(), "two")
    ours, engine, turns = float("inf"), float("inf"), 0
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "bench.db") as store:
            matches = [Match(GAME, sides, seed, Clock("paused")) for seed in range(CPU_EPISODES)]

            def play(matches: list[Match] = matches, store: Store = store) -> None:
                ignore = lambda match, outcome: None  # noqa: E731
                asyncio.run(play_matches(matches, store, concurrency=episodes, on_result=ignore))

            ours = min(ours, cpu_of(play))
            records = [store.episode(match.id) for match in matches]
            engine = min(engine, cpu_of(lambda: deque(map(bare_engine, records), maxlen=0)))  # noqa: B023
            turns = sum(len(record.turns) for record in records)
    print(
        f"harness: {(ours - engine) / turns * 1e3:.3f} ms of processor a turn ({PROMISED[1]}), beside "
        f"{engine / turns * 1e3:.3f} ms of the bare engine; {turns} turns"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--episodes", type=int, default=256)
    parser.add_argument("--stand-in", action="store_true", help="serve as the stand-in, and nothing else")
    options = parser.parse_args()
    if options.stand_in:
        asyncio.run(stand_in())
        return
    processor(options.episodes)
    asyncio.run(throughput(options.seconds, options.rounds, options.episodes))


if __name__ == "__main__":
    main()
