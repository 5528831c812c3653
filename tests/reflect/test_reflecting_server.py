"""The reflecting model over HTTP: a server on this machine with answers written by hand, and a real vLLM server.

The model that vLLM serves here has random weights: what it says is noise, and must be refused as such.
"""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from episodes.games.duel import GAME
from episodes.store.store import Store
from models.ledger import Ledger
from models.registry import ModelOptions, open_model
from prompts.prompt import Prompt
from prompts.rule import Rule
from reflect.model import Reading, Reflection, Task, reflect

ROOT = Path(__file__).parents[2]
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
    assert len({request["seed"] for request in ByHand.asked}) == 3
    assert ledger.spent_tokens == 3 * 120


@pytest.mark.slow
def test_noise_from_a_real_server_is_refused(
    played: tuple[Store, list[str]], base: Prompt, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    from distill.rookie.vocabulary import save_tokenizer, tokenizer
    from distill.serving.install import install
    from distill.serving.server import VLLMServer

    words = tokenizer()
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=32768,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(tmp_path)
    save_tokenizer(tmp_path)
    with capsys.disabled():
        install(ROOT, say=lambda text: None)

    async def session() -> Reflection:
        # vLLM 0.32 on a CPU ends when a request with a seed is read in parts ("CPU Generator does not use offset").
        whole = ("--no-enable-chunked-prefill", "--max-num-batched-tokens", "32768")
        log = tmp_path / "vllm.log"
        async with VLLMServer(tmp_path, served_name="noise", root=ROOT, log=log, extra_args=whole) as server:
            reading = Reading(games=1, window=3000, tokens=3000, cells=5)
            return await reflected(played[0], task_of(played, base, 60, reading), server.spec, ModelOptions())

    found = asyncio.run(session())
    assert found.proposals == ()
    assert found.windows > 0
    assert {one.reason for one in found.refused} == {"malformed answer"}
    assert len(found.refused) == 2 * (found.windows + 1)  # each asked twice
