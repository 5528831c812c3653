"""What tests need that is fetched from elsewhere, while other tests run: the environments of vLLM and of DIAMBRA's
client, and SmolLM2.

Whoever comes first holds a lock while an environment is built; everybody else waits for that and finds it complete.
Run as a program, it builds them all: ``make test`` does so beside its own setup.
"""

import fcntl
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from loopback import lifted

from distill.serving import install as vllm
from episodes.games.diambra import install as diambra
from models import smollm2
from models.errors import BadInput
from models.vllm_environment import home

_building: dict[str, subprocess.Popen[bytes]] = {}


def begin(name: str) -> None:
    """Start to fetch ``vllm``, ``diambra`` or ``smollm2`` in another process, unless somebody does so already."""
    lock = _lock_of(name).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        module = {"vllm": vllm, "diambra": diambra, "smollm2": smollm2}[name].__name__
        with lifted():
            # The child holds the lock with its copy of the open file, until it ends.
            _building[name] = subprocess.Popen(
                [sys.executable, "-m", module],
                pass_fds=[lock.fileno()],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
    except BlockingIOError:
        pass
    finally:
        lock.close()


def ready(name: str) -> Path:
    """The interpreter of a complete environment, or the folder of the model; fetches it, or waits for who does."""
    with _held(name), lifted():
        if name == "vllm":
            return vllm.install(home(), say=lambda text: None)
        if name == "smollm2":
            return smollm2.fetch(say=lambda text: None)
        return diambra.install(diambra.home(), say=lambda text: None)


def give_up() -> None:
    """Stop what is still being built: the next run goes on with it."""
    for process in _building.values():
        process.terminate()
        process.wait()
    _building.clear()


@contextmanager
def _held(name: str) -> Iterator[None]:
    with _lock_of(name).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _lock_of(name: str) -> Path:
    return home() / f".venv-{name}.lock"


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell lets what it starts in the background ignore Ctrl-C
    for environment in ("diambra", "vllm"):
        ready(environment)
    with suppress(BadInput):  # the tests that need it will say so; the model itself is made once torch is there
        smollm2.fetch_file(say=lambda text: None)
