"""vLLM without a server: a model folder in a process of its own, which answers whatever waits in one batch.

For those who are in no hurry and ask much: teaching, above all. Knows nothing about games, prompts and budgets.
"""

import asyncio
import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from models.batching import Batcher
from models.chat import ChatRequest, Completion, FinishReason, Holds, Usage, given_whole
from models.endpoint import Endpoint
from models.errors import Malformed, ModelError, Unavailable
from models.grammar import regex
from models.holding import nearest_choice, nearest_text
from models.local import check_folder
from models.manner import Manner
from models.notes import Notes
from models.patience import unhurried
from models.vllm_environment import context_of, environment, home, interpreter
from models.weights import model_digest

WORKER = Path(__file__).with_name("vllm_worker.py")
MOST = 256
"""Requests of one batch: what vLLM has under way at once by default."""

CPU_PRECISION = "float32"

GRACE_S = 10.0
BAD_REQUEST = 400

Request = dict[str, Any]
Answer = dict[str, Any]


class VLLMBatchModel:
    """A model folder behind ``vllm.LLM.chat``; implements ``ChatModel``.

    The process starts with the first call (one to two minutes on a CPU) and ends with ``close``, with this process, or
    when it fails; it is started anew for the next call. Calls that wait while a batch is computed make up the next
    one. A time limit around a call stands still (``models/patience.py``): nobody is hurried here. ``latency`` counts
    from the call to the end of its batch. ``root`` is where ``.venv-vllm`` lies; ``seconds`` bounds the start.

    Raises ``BadInput`` for a folder that cannot be loaded, or where vLLM is not installed.
    """

    streams = False
    holds: Holds = "grammar"

    def __init__(
        self,
        folder: Path,
        *,
        name: str,
        root: Path | None = None,
        most: int = MOST,
        seconds: float = 600.0,
        notes: Notes | None = None,
    ) -> None:
        check_folder(folder)
        self.name = name
        self._manner = Manner(name, "", notes)
        self._python, self._on_gpu = interpreter(root or home())
        self._folder = folder
        self._seconds = seconds
        self._process: subprocess.Popen[str] | None = None
        self._log: IO[str] | None = None
        self._batcher: Batcher[Request, Answer | ModelError] = Batcher(self._answer, most=most)

    @cached_property
    def endpoint(self) -> Endpoint:
        """Computed when it is first asked for: the digest reads every file. On a GPU vLLM chooses the precision."""
        device, precision = ("cuda", "") if self._on_gpu else ("cpu", CPU_PRECISION)
        return Endpoint("vllm-batch", device=device, precision=precision, weights=model_digest(self._folder))

    def __repr__(self) -> str:
        return f"VLLMBatchModel({self.name!r})"

    async def complete(self, request: ChatRequest) -> Completion:
        began = time.perf_counter()
        messages = self._manner.messages(request.messages)
        fields = {
            "messages": [asdict(message) for message in messages],
            "choices": request.choices,
            "regex": None if request.grammar is None else regex(request.grammar),
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "seed": None if request.seed is None else request.seed & 0x7FFF_FFFF_FFFF_FFFF,
        }
        with self._manner.learning((), messages):
            answer = await unhurried(self._batcher.ask(fields))
            if isinstance(answer, ModelError):
                raise answer
        text, finish = answer["text"], answer["finish"]
        if request.choices is not None:
            text = nearest_choice(text, request.choices)
        elif request.grammar is not None:
            text = nearest_text(text, request.grammar)
        reason: FinishReason = "length" if finish == "length" else "stop"
        usage = Usage(answer["tokens_in"], answer["tokens_out"])
        return given_whole(request, Completion(text, usage, time.perf_counter() - began, reason))

    async def close(self) -> None:
        self._batcher.close()
        await asyncio.to_thread(self._stop)

    def _answer(self, requests: Sequence[Request]) -> list[Answer | ModelError]:
        """One batch, in the batcher's thread. A fault of the process is the answer of every request in it."""
        try:
            process = self._running()
            answers = self._exchange(process, {"requests": list(requests)}).get("answers")
            if not isinstance(answers, list) or len(answers) != len(requests):
                raise Malformed(f"{self.name}: vLLM's process answered {len(requests)} requests with something else")
        except ModelError as fault:
            self._stop()
            return [fault] * len(requests)
        return [self._refusal(str(answer["error"])) if "error" in answer else answer for answer in answers]

    def _refusal(self, said: str) -> Unavailable:
        """The fault of a request that vLLM refuses; a template says in this way that it knows no system role."""
        told = f"{self.name}: vLLM refused the request ({_shown(said)})"
        return Unavailable(told, retryable=False, status=BAD_REQUEST, said=(said,))

    def _running(self) -> "subprocess.Popen[str]":
        """The process, started if there is none; raises ``Unavailable`` if it does not come up."""
        if self._process is None:
            self._log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 (closed in _stop)
            self._process = subprocess.Popen(
                # -P: this folder has an ``openai`` of its own, which vLLM must not find.
                [str(self._python), "-P", str(WORKER), json.dumps(self._engine())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
                encoding="utf-8",
                start_new_session=True,
                # One process: what it starts of its own would outlive it when it is killed.
                env=environment(self._on_gpu) | {"VLLM_ENABLE_V1_MULTIPROCESSING": "0"},
            )
            self._wait_until_ready(self._process)
        return self._process

    def _wait_until_ready(self, process: "subprocess.Popen[str]") -> None:
        late = threading.Timer(self._seconds, process.kill)
        late.start()
        try:
            ready = self._exchange(process, None)
        except Unavailable as fault:
            raise Unavailable(str(fault), retryable=False) from None
        finally:
            late.cancel()
        if ready != {"ready": True}:
            raise Malformed(f"{self.name}: vLLM's process began with something else than that it is ready")

    def _exchange(self, process: "subprocess.Popen[str]", message: dict[str, Any] | None) -> dict[str, Any]:
        """Send ``message``, if there is one, and read the answer."""
        assert process.stdin is not None
        assert process.stdout is not None
        line = ""
        try:
            if message is not None:
                process.stdin.write(json.dumps(message) + "\n")
                process.stdin.flush()
            line = process.stdout.readline()
            answer: dict[str, Any] = json.loads(line)
            return answer
        except (OSError, ValueError):
            status = _ended(process, 1.0)
            if line.endswith("\n"):
                raise Malformed(f"{self.name}: vLLM's process wrote a line that is no JSON") from None
            raise Unavailable(f"{self.name}: vLLM's process ended with status {status}: {self._last_words()}") from None

    def _engine(self) -> dict[str, Any]:
        """The arguments of ``vllm.LLM``; on a CPU those that ``distill/serving/server.py`` gives a server, for its
        reasons."""
        settings: dict[str, Any] = {"model": str(self._folder), "load_format": "safetensors", "seed": 0}
        if not self._on_gpu:
            length = context_of(self._folder)
            settings |= {"dtype": CPU_PRECISION, "enforce_eager": True, "enable_chunked_prefill": False}
            settings |= {"max_model_len": length, "max_num_batched_tokens": max(length, 2048)}
        return settings

    def _last_words(self) -> str:
        """The last lines of the log that say what went wrong, on one line."""
        if self._log is None:
            return "it wrote nothing"
        self._log.seek(0)
        lines = [line.strip() for line in self._log.read().splitlines() if line.strip()]
        telling = [line for line in lines if "Error" in line or "error:" in line] or lines
        return " | ".join(telling[-3:])[-500:] or "it wrote nothing"

    def _stop(self) -> None:
        """End the process, politely first; harmless if there is none."""
        process, self._process = self._process, None
        if process is not None:
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()
            _ended(process, GRACE_S)
        if self._log is not None:
            self._log.close()
            self._log = None


def _ended(process: "subprocess.Popen[str]", grace_s: float) -> int:
    """The status with which the process ended, killed if it does not end by itself."""
    try:
        return process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _shown(problem: str) -> str:
    """What vLLM says, on one line."""
    return " ".join(problem.split())[:200]
