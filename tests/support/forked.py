"""Commands of ``cornerman`` that begin at once: each is forked from one process that has imported the libraries.

What a command gets is its own: words, folder, environment, path of imports and standard streams. What that does not
show is a library that is missing at the program's start; tests/cornerman/test_night.py runs the program itself.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path

CLIENT = """
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as line:
    line.connect(sys.argv[1])
    text = json.dumps([sys.argv[2:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(line, [len(text).to_bytes(8, "big")], [0, 1, 2])
    line.sendall(text)
    sys.exit(int(line.recv(16) or 70))
"""


@contextlib.contextmanager
def program(folder: Path, environment: Mapping[str, str]) -> Iterator[Path]:
    """A file in ``folder`` that is called as ``cornerman`` is. ``environment`` is what the libraries read at import."""
    place = folder / "forking"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen(16)
        server = subprocess.Popen(
            [sys.executable, __file__, str(listener.fileno())],
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()],
            env=environment,
        )
    client = [sys.executable, "-I", "-S", "-c", CLIENT, str(place)]
    called = folder / "cornerman"
    called.write_text(f'#!/bin/sh\nexec {shlex.join(client)} "$@"\n')
    called.chmod(0o755)
    with server:
        yield called


def serve(listener: socket.socket, paths: list[str]) -> None:
    """Fork a process for every connection, until standard input ends. ``paths`` is where the libraries are."""
    while 0 not in select.select([0, listener.fileno()], [], [])[0]:
        line, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            run(line, paths)
            os._exit(0)
        line.close()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def run(line: socket.socket, paths: list[str]) -> None:
    """Run the command that comes over ``line`` in a process of its own, and answer with its exit code."""
    size, streams, _, _ = socket.recv_fds(line, 8, 3)
    with line.makefile("rb") as text:
        words, folder, environment = json.loads(text.read(int.from_bytes(size, "big")))
    child = os.fork()
    if child == 0:
        line.close()
        command(words, folder, environment, streams, paths)
    ended = os.pidfd_open(child)
    if ended not in select.select([ended, line.fileno()], [], [])[0]:
        os.kill(child, signal.SIGKILL)  # the caller was killed
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(OSError):
        line.sendall(str(os.waitstatus_to_exitcode(status)).encode())


def command(words: list[str], folder: str, environment: dict[str, str], streams: list[int], paths: list[str]) -> None:
    """Be the program, called with ``words``; ends this process."""
    from cornerman.cli import main

    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:] = ["", *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep)), *paths]
    importlib.invalidate_caches()
    sys.argv[1:] = words
    code: object = 0
    try:
        main()
    except SystemExit as exit:
        code = exit.code
    except BaseException:
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    import torch  # noqa: F401
    import transformers.models.auto.auto_factory  # noqa: F401

    import cornerman.night.run  # noqa: F401

    gc.freeze()  # or looking for garbage would copy all of it into every command
    begun_with = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    serve(socket.socket(fileno=int(sys.argv[1])), [path for path in sys.path[1:] if path not in begun_with])
