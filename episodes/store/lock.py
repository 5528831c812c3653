"""One writer for a file: an advisory lock beside it, released by the system however the process ends."""

import fcntl
import os
from pathlib import Path

from models.errors import BadInput


class WriterLock:
    """``flock`` on PATH.lock, which holds the writer's process id. Raises ``BadInput`` while another has it."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(self._file, 20).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise BadInput(
                f"the store {path} is being written by process {pid}: wait until it is done, or use another with --db"
            ) from None
        os.ftruncate(self._file, 0)
        os.write(self._file, str(os.getpid()).encode())

    def release(self) -> None:
        """Give the lock back; calling it twice is harmless."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
