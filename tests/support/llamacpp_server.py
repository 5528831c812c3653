"""A real llama.cpp server with one GGUF file on a free port of loopback, in a process of its own:

    python llamacpp_server.py FILE

prints its address, and serves until its input ends.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def served(file: Path) -> Iterator[str]:
    """The address of a server of ``file``, which is gone afterwards."""
    process = subprocess.Popen(
        [sys.executable, __file__, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        lines = (line.strip() for line in process.stdout)
        yield next(line for line in lines if line.startswith("http://127.0.0.1:"))
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(60)


def main() -> None:
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path = sys.argv[1]
    settings.n_ctx, settings.n_parallel, settings.cpuparams.n_threads = 2048, 1, 1
    settings.hostnames, settings.port = ["127.0.0.1"], 0
    settings.use_jinja, settings.verbosity = True, 0  # the file's own template, which has a system prompt of its own
    server = xllamacpp.Server(settings)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
