"""What the tests of Ray play with: a model served on loopback, its configuration, and the nodes of a cluster."""

import json
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cornerman.session import PlayResult, play_session
from cornerman.workplace import Workplace
from episodes.clock import Clock
from episodes.record import EpisodeRecord

MODEL = "openai:fighter"
KEY = "RAY_TEST_KEY"
TOKENS = 100, 3
"""Of each request, in and out."""
PRICE = 1.0, 4.0
"""US dollars per million of them."""
COST = (TOKENS[0] * PRICE[0] + TOKENS[1] * PRICE[1]) / 1e6
MOVES = ("jab", "heavy", "throw", "guard", "advance", "fireball")


class Fighter(ThreadingHTTPServer):
    """Speaks OpenAI's protocol; the same question gets the same move. ``keys`` are those it was sent."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, delay_s: float = 0.0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.delay_s = delay_s
        self.answered = 0
        self.keys: set[str] = set()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, request: dict[str, Any]) -> tuple[str, bytes]:
        """The type and the body of the answer, streamed if it is asked for."""
        time.sleep(self.delay_s)
        with self._lock:
            self.answered += 1
        said = MOVES[zlib.crc32(json.dumps(request["messages"]).encode()) % len(MOVES)]
        message = {"role": "assistant", "content": said}
        made = {
            "id": "c",
            "created": 0,
            "model": "fighter",
            "usage": {"prompt_tokens": TOKENS[0], "completion_tokens": TOKENS[1], "total_tokens": sum(TOKENS)},
        }
        if not request.get("stream"):
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            return "application/json", json.dumps({**made, "object": "chat.completion", "choices": [choice]}).encode()
        piece = {"index": 0, "delta": message, "finish_reason": "stop"}
        chunk = json.dumps({**made, "object": "chat.completion.chunk", "choices": [piece]})
        return "text/event-stream", f"data: {chunk}\n\ndata: [DONE]\n\n".encode()

    def handle_error(self, *_: object) -> None:
        """Workers that are killed hang up."""

    def __enter__(self) -> "Fighter":
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Fighter
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        self.server.keys.add(self.headers["Authorization"])
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kind, body = self.server.answer(request)
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def configuration(folder: Path, url: str, usd: float = 5.0) -> Path:
    """A ``cornerman.toml`` that plays the model at ``url``."""
    folder.mkdir(exist_ok=True)
    path = folder / "cornerman.toml"
    path.write_text(
        f'[player]\nmodel = "{MODEL}"\nbase_url = "{url}/v1"\napi_key_env = "{KEY}"\n'
        f'[budget]\nusd = {usd}\n[prices]\n"{MODEL}" = [{PRICE[0]}, {PRICE[1]}]\n',
        encoding="utf-8",
    )
    return path


def play(
    place: Workplace, episodes: int, on_progress: Callable[[int, int], None] = lambda done, wanted: None
) -> PlayResult:
    """The served model against a bot."""
    sides = place.players.open(f"{MODEL}@base", place.game), place.players.open("bot:turtle", place.game)
    clock = Clock("paused")
    return place.run(lambda: play_session(place, sides, clock=clock, episodes=episodes, seed=3, progress=on_progress))


def records(place: Workplace) -> dict[str, EpisodeRecord]:
    """Every stored episode without its wall times: what must not depend on where it was played."""
    return {one: _plain(place.store.episode(one)) for one in place.store.episode_ids()}


def _plain(record: EpisodeRecord) -> EpisodeRecord:
    turns = tuple(replace(turn, latency_ms=0.0, ended_ms=None) for turn in record.turns)
    return replace(record, started="", seconds=0.0, turns=turns)


@contextmanager
def ray_nodes(count: int) -> Iterator[Any]:
    """A Ray cluster on this machine: a head without processors, and ``count`` nodes with one each."""
    from ray.cluster_utils import Cluster

    quick = {
        "health_check_initial_delay_ms": 500,
        "health_check_period_ms": 300,
        "health_check_timeout_ms": 1000,
        "health_check_failure_threshold": 3,
    }
    # On loopback; 127.0.0.1 would mean to Ray the address under which others see this machine.
    small = {"object_store_memory": 80 << 20, "include_dashboard": False, "node_ip_address": "127.0.0.2"}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "_system_config": quick, **small})
    try:
        for _ in range(count):
            cluster.add_node(num_cpus=1, **small)
        yield cluster
    finally:
        cluster.shutdown()
