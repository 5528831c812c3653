"""This program's side of the worker: starts it when it is first needed, and asks it for a process an episode.

Knows nothing about what is said to those processes.
"""

import atexit
import contextlib
import os
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from episodes.games.channel import Channel
from models.errors import Unavailable

ROOT = Path(__file__).parents[3]
_SECRET = ("_API_KEY", "_TOKEN", "_SECRET")


@dataclass(frozen=True, slots=True)
class Episode:
    """A process with one game in it."""

    channel: Channel
    pid: int
    host: "Host"

    def close(self) -> None:
        """Hang up and have the process ended; twice is harmless."""
        self.channel.close()
        self.host.end(self.pid)


class Host:
    """The worker process, which forks one process an episode. May be used from several threads."""

    def __init__(self) -> None:
        near, far = socket.socketpair()
        command = [sys.executable, "-P", "-m", "episodes.games.textarena.worker", str(far.fileno())]
        with far:
            self._process = subprocess.Popen(
                command,
                pass_fds=[far.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_environment(),
            )
        self._control = Channel(near, "TextArena's worker process")
        self._owner = os.getpid()

    @property
    def usable(self) -> bool:
        """Whether it runs and is this process's own, not one of a process that this one was forked from."""
        return self._owner == os.getpid() and self._process.poll() is None

    def start(self) -> Episode:
        near, far = socket.socketpair()
        with far:
            try:
                pid = self._control.send_socket(far, do="start")["pid"]
            except BaseException:
                near.close()
                raise
        return Episode(Channel(near, "TextArena's process"), pid, self)

    def end(self, pid: int) -> None:
        with contextlib.suppress(Unavailable):  # then the worker is gone, and its processes with it
            self._control.call(do="end", pid=pid)

    def close(self) -> None:
        """End the worker and every process that it started."""
        if self._owner == os.getpid():
            self._control.close()
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


_lock = threading.Lock()
_host: Host | None = None


def start_episode() -> Episode:
    """A new process for one game; raises ``Unavailable`` or ``BadInput``."""
    global _host  # noqa: PLW0603  # one worker a process, started when it is first needed
    with _lock:
        if _host is None or not _host.usable:
            if _host is None:
                atexit.register(close_host)
            else:
                _host.close()
            _host = Host()
        host = _host
    return host.start()


def close_host() -> None:
    """End the worker, if there is one; the next episode starts another."""
    global _host  # noqa: PLW0603  # as above
    with _lock:
        if _host is not None:
            _host.close()
            _host = None


def _environment() -> dict[str, str]:
    """Ours without keys; with this package on the path, sets in a fixed order, and no threads of numpy."""
    mine = {name: value for name, value in os.environ.items() if not name.endswith(_SECRET)}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return mine | {"PYTHONPATH": path, "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
