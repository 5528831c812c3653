"""JSON lines between this program and a process that keeps a game's states: one request, one answer.

The line travels over a socket pair and not over standard output, on which libraries print as they please. Knows
nothing about any game or about how the process was started.
"""

import contextlib
import json
import socket
import threading
from typing import Any

from models.errors import BadInput, Unavailable

ANSWER_S = 120.0
"""How long a process may work on one request."""


class Channel:
    """The near end of a socket pair. ``what`` names the far end in errors.

    Calls may come from any thread and are made one after the other. A far end that is gone, is silent for ``ANSWER_S``
    seconds or answers something else than a JSON object raises ``Unavailable``, then and ever after; an answer with
    the key ``bad_input`` raises ``BadInput``, one with ``fault`` raises ``Unavailable``.
    """

    def __init__(self, near: socket.socket, what: str) -> None:
        self._near = near
        self._lines = near.makefile("rb")
        self._what = what
        self._lock = threading.Lock()
        self._closed = False
        near.settimeout(ANSWER_S)

    @property
    def closed(self) -> bool:
        """Whether it was closed here, or its far end failed."""
        return self._closed

    def call(self, **request: Any) -> dict[str, Any]:
        with self._lock:
            return self._call(request, ())

    def send_socket(self, far: socket.socket, **request: Any) -> dict[str, Any]:
        """As ``call``, giving the process ``far`` with the request."""
        with self._lock:
            return self._call(request, (far.fileno(),))

    def close(self) -> None:
        """Hang up: the process sees the end of its input. Twice is harmless; from another thread a call ends early."""
        if not self._closed:
            self._closed = True
            # Shutting down first wakes a thread that waits for an answer.
            with contextlib.suppress(OSError):  # the far end may be gone already
                self._near.shutdown(socket.SHUT_RDWR)
            self._lines.close()
            self._near.close()

    def _call(self, request: dict[str, Any], given: tuple[int, ...]) -> dict[str, Any]:
        if self._closed:
            raise Unavailable(f"{self._what} has ended", retryable=False)
        line = json.dumps(request).encode() + b"\n"
        try:
            if given:
                socket.send_fds(self._near, [line], given)
            else:
                self._near.sendall(line)
            answer = json.loads(self._lines.readline() or b"null")
        except TimeoutError:
            answer = {"fault": f"gave no answer in {ANSWER_S:g} s"}
        except (OSError, ValueError):
            answer = None
        if not isinstance(answer, dict):
            answer = {"fault": "ended in the middle of a game"}
        if "bad_input" in answer:
            raise BadInput(answer["bad_input"])
        if "fault" in answer:
            self.close()
            raise Unavailable(f"{self._what} {answer['fault']}", retryable=False)
        return answer
