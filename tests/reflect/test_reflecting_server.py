"""The reflecting model over HTTP: a server on this machine with answers written by hand."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from episodes.games.duel import GAME
from episodes.store.store import Store
from models.ledger import Ledger
from models.registry import ModelOptions, open_model
from prompts.prompt import Prompt
from prompts.rule import Rule
from reflect.model import Reading, Reflection, Task, reflect

EDIT = {
    "kind": "add",
    "rule": {"when": {"distance": "touching"}, "use": "throw"},
    "cites": [{"episode": "g1", "turn": 0}],
    "reason": "written by hand",
}


class ByHand(BaseHTTPRequestHandler):
    """The OpenAI protocol with two answers: notes on a stretch, and one proposal."""

    asked: ClassVar[list[dict[str, Any]]] = []

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(request)
        reading = "[[ ## stretch ## ]]" in request["messages"][-1]["content"]
        name, value = ("notes", [{"turn": 0, "note": "Too far."}]) if reading else ("proposals", [{"edits": [EDIT]}])
        text = f"[[ ## {name} ## ]]\n{json.dumps(value)}\n\n[[ ## completed ## ]]"
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
        answer = {"id": "1", "object": "chat.completion", "created": 0, "model": "coach", "choices": [choice]}
        body = json.dumps({**answer, "usage": usage}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def url() -> Iterator[str]:
    ByHand.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), ByHand) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def task_of(played: tuple[Store, list[str]], base: Prompt, max_tokens: int, reading: Reading) -> Task:
    return Task(GAME, "weak@base", base, played[1], [], count=2, seed=1, max_tokens=max_tokens, reading=reading)


async def reflected(store: Store, task: Task, spec: str, options: ModelOptions) -> Reflection:
    chat = open_model(spec, options)
    try:
        return await reflect(store, chat, task)
    finally:
        await chat.close()


def test_through_http(played: tuple[Store, list[str]], base: Prompt, url: str) -> None:
    ledger = Ledger()
    options = ModelOptions(ledger=ledger)
    task = task_of(played, base, 500, Reading(games=2, window=10**6))
    found = asyncio.run(reflected(played[0], task, f"vllm:{url}#coach", options))
    ((edit,),) = found.proposals
    assert edit.rule == Rule.of(GAME, {"distance": "touching"}, "throw")
    assert edit.origin == f"vllm:{url}#coach"
    assert (found.windows, found.notes, found.refused) == (2, 2, ())
    assert {request["max_tokens"] for request in ByHand.asked} == {500}
    assert (found.revisions, len({request["seed"] for request in ByHand.asked})) == (1, 4)
    assert ledger.spent_tokens == 4 * 120
