"""The process that starts TextArena's games: ``python -m episodes.games.textarena.worker FD``.

Importing TextArena takes seconds and a game milliseconds, so one process imports it and forks another for every
episode. It is told what to do in JSON lines on the socket ``FD``; with a request to start comes the socket on which the
new process is to be told about its game. Ends, and ends all it started, when ``FD`` is closed. Knows nothing about
players.
"""

import contextlib
import ctypes
import json
import os
import signal
import socket
import sys
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1


def main(control: socket.socket) -> None:
    """Start and stop episodes, one request after the other."""
    fault = _import()
    running: set[int] = set()
    try:
        while True:
            line, given, _, _ = socket.recv_fds(control, 4096, 1)
            if not line:
                return
            request = json.loads(line)
            if fault:
                for fd in given:
                    os.close(fd)
                _say(control, {"bad_input": fault})
            elif request["do"] == "start":
                pid = _fork(control, given[0])
                running.add(pid)
                _say(control, {"pid": pid})
            else:
                _end(request["pid"], running)
                _say(control, {})
    finally:
        for pid in tuple(running):
            _end(pid, running)


def _import() -> str:
    """Import TextArena; what is wrong with it, if anything."""
    try:
        import episodes.games.textarena.table  # noqa: F401  # what every fork will need
    except Exception as error:  # a broken installation may raise anything, and must be told in a line
        return f"TextArena cannot be imported ({type(error).__name__}: {str(error)[:150]}): install it again"
    return ""


def _fork(control: socket.socket, fd: int) -> int:
    pid = os.fork()
    if not pid:
        control.close()
        _die_with_parent()
        _serve(socket.socket(fileno=fd))
    os.close(fd)
    return pid


def _end(pid: int, running: set[int]) -> None:
    """Kill a process of ours; it is waited for nowhere else, so its number is still its own."""
    if pid in running:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        running.discard(pid)


def _serve(channel: socket.socket) -> NoReturn:
    """One episode, until the other side hangs up."""
    from episodes.games.textarena.table import CannotPlay, Table

    _stay_offline()
    table: Table | None = None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError), channel.makefile("rb") as lines:
        for line in lines:
            request = json.loads(line)
            answer: dict[str, Any] = {}
            try:
                if table is None:
                    table = Table(request["game"], request["players"], request["seed"])
                    answer = {"players": table.players, "moves": table.moves, "bracketed": table.bracketed}
                    answer |= table.view()
                elif request["do"] == "accepts":
                    answer = {"accepts": table.accepts(request["move"])}
                else:
                    table.step(request["move"])
                    answer = table.view()
            except CannotPlay as error:
                answer = {"bad_input": str(error)}
            except Exception as error:  # said in a line, and the episode is void
                answer = {"fault": f"failed with {type(error).__name__}: {str(error)[:150]}"}
            _say(channel, answer)
    os._exit(0)


def _say(channel: socket.socket, answer: dict[str, Any]) -> None:
    channel.sendall(json.dumps(answer).encode() + b"\n")


def _stay_offline() -> None:
    """Games that would fetch word lists or ask a model fail at once and alike everywhere, instead of waiting."""

    def refuse(*args: object, **kwargs: object) -> NoReturn:
        raise OSError("a game's process does not use the network")

    socket.socket.connect = refuse  # type: ignore[method-assign]
    socket.getaddrinfo = refuse


def _die_with_parent() -> None:
    """Be killed when the process that forked this one ends, however it ends, where the system can see to that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program, which then hangs up
    main(socket.socket(fileno=int(sys.argv[1])))
