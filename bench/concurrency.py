"""A thousand episodes at once in one process, on a model that takes a second to answer.

    python bench/concurrency.py [--episodes 1000] [--latency 1.0]

Every episode is a game of duel between two models with prompts, recorded and stored. No program can be faster than the
longest game's decisions, one second each: the wall time is given as a multiple of that. Memory is the process's peak
over what it had before the first game. The last line is the other end of a cluster: what
the one writer takes to read an episode that a worker sent, and to store it.
"""

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cornerman.scale.tickets import Reply, decode, encode
from episodes.clock import Clock
from episodes.games.duel import GAME
from episodes.pairs import play_matches
from episodes.play import Match
from episodes.record import EpisodeRecord
from episodes.store.store import Store
from models.chat import ChatRequest, Completion, Usage
from models.endpoint import Endpoint
from prompts.base import base_for
from prompts.prompt import Prompt, player

SAMPLE = 200
"""Episodes that the writer is measured on."""


@dataclass
class Slow:
    """A model that takes its time, and counts its calls."""

    latency_s: float
    name: str = "slow"
    endpoint: Endpoint = field(default_factory=lambda: Endpoint("slow"))
    streams: bool = False
    busy: int = 0
    most: int = 0

    async def complete(self, request: ChatRequest) -> Completion:
        assert request.choices is not None
        assert request.seed is not None
        self.busy += 1
        self.most = max(self.most, self.busy)
        await asyncio.sleep(self.latency_s)
        self.busy -= 1
        return Completion(request.choices[request.seed % len(request.choices)], Usage(100, 2), self.latency_s)

    async def close(self) -> None:
        """Nothing to release."""


def peak_mb() -> float:
    """The most memory that this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 * (1 if sys.platform != "darwin" else 1 / 1024)


def moments(record: EpisodeRecord) -> int:
    """How often somebody was waited for: decisions that were asked at the same moment count once."""
    return len({turn.tick for turn in record.turns})


def writer(records: list[EpisodeRecord]) -> tuple[float, float]:
    """Seconds to read an episode as a worker sends it, and to store it."""
    sent = [encode(Reply(record, None, {})) for record in records]
    began = time.process_time()
    arrived = [decode(Reply, one).record for one in sent]
    read = time.process_time()
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "bench.db") as store:
        opened = time.process_time()
        for record in arrived:
            assert record is not None
            store.save(record)
        stored = time.process_time()
    return (read - began) / len(records), (stored - opened) / len(records)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--latency", type=float, default=1.0)
    options = parser.parse_args()
    episodes = options.episodes
    chat = Slow(options.latency)
    prompt = Prompt(base_for(GAME, "brief"))
    sides = player(chat, prompt, GAME, "one"), player(chat, prompt, GAME, "two")
    matches = (Match(GAME, sides, seed, Clock("paused")) for seed in range(episodes))
    played: dict[str, float] = defaultdict(float)
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "bench.db") as store:
        before, began, cpu = peak_mb(), time.perf_counter(), time.process_time()
        asyncio.run(
            play_matches(
                matches, store, concurrency=episodes, on_result=lambda match, outcome: played.update({match.id: 1.0})
            )
        )
        seconds, cpu, peak = time.perf_counter() - began, time.process_time() - cpu, peak_mb()
        records = [store.episode(one) for one in store.episode_ids()]
    assert len(records) == len(played) == episodes
    turns, limit = sum(len(record.turns) for record in records), options.latency * max(map(moments, records))
    print(
        f"concurrency: {episodes} episodes at once, {chat.most} calls at once, {turns} turns in "
        f"{seconds:.1f} s, ratio to the limit {seconds / limit:.3f} ({limit:.1f} s); processor "
        f"{cpu / turns * 1e3:.2f} ms a turn, {cpu / seconds:.0%} of one core"
    )
    print(
        f"concurrency: peak memory {peak:.0f} MB, {before:.0f} MB before, "
        f"{(peak - before) / episodes * 1024:.0f} kB an episode under way"
    )
    read, stored = writer(records[:SAMPLE])
    print(
        f"concurrency: one writer takes {read * 1e3:.2f} ms to read and {stored * 1e3:.2f} ms to store an episode of "
        f"{turns / episodes:.0f} turns: {1 / (read + stored):.0f} episodes/s"
    )


if __name__ == "__main__":
    main()
