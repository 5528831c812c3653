"""Keeps the processes of a test run on this machine: what opens a connection off loopback fails, and so does its test.

Python reports every connection and every look-up of a name to the audit hooks of its process (PEP 578), also those that
a library swallows the failure of. ``sitecustomize`` beside this file sets the hook in whatever Python a test starts.
Knows nothing about pytest. What is not Python (a browser, Ray's own daemons) is not heard.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LOG = "CORNERMAN_TESTS_LOOPBACK"
"""Names the file that a process of a test run writes its offences to; empty or missing: it may go anywhere."""

_watching: list[bool] = []


class OffLoopback(OSError):
    """A test reached for another machine."""


def watch() -> None:
    """From now on this process stays on loopback, while ``LOG`` names a file."""
    if not _watching:
        _watching.append(True)
        sys.addaudithook(_hear)


def offences() -> list[str]:
    """What was written since the last call: one line for each, with the address and the test."""
    path = Path(os.environ.get(LOG) or os.devnull)
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    path.unlink()
    return lines


@contextmanager
def lifted() -> Iterator[None]:
    """Inside, this process and those that it starts may go anywhere: for pip, which fetches what a test needs."""
    path = os.environ.pop(LOG, None)
    try:
        yield
    finally:
        if path is not None:
            os.environ[LOG] = path


def watched(environment: Mapping[str, str]) -> dict[str, str]:
    """``environment`` of a process to be started, with what makes it stay on loopback if this one has to."""
    if LOG not in os.environ:
        return dict(environment)
    folder = str(Path(__file__).parent)
    paths = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path and path != folder]
    inherited = {name: os.environ[name] for name in (LOG, "PYTEST_CURRENT_TEST") if name in os.environ}
    return {**environment, **inherited, "PYTHONPATH": os.pathsep.join([folder, *paths])}


def is_here(host: object) -> bool:
    """Whether ``host``, as a program writes it, is loopback or a name of this machine."""
    import socket

    address = _address(host)
    if address is None:
        name = _plain(host).lower().rstrip(".")
        return name in ("", "none", "localhost", "ip6-localhost", socket.gethostname().lower())
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_loopback or mapped.is_unspecified)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if not event.startswith("socket.") or not os.environ.get(LOG):
        return
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        _check_connection(event, *arguments)
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        if _address(arguments[0]) is None and not is_here(arguments[0]):
            _refuse(f"the name {_plain(arguments[0])}")
    elif event == "socket.gethostbyaddr" and not is_here(arguments[0]):
        _refuse(f"the name of {_plain(arguments[0])}")


def _check_connection(event: str, socket: Any, address: Any) -> None:
    import socket as library

    if socket.family not in (library.AF_INET, library.AF_INET6) or not isinstance(address, tuple):
        return
    # A datagram socket is connected to ask the kernel for a route, as Ray and vLLM do; that sends nothing.
    asks_only = event == "socket.connect" and socket.type == library.SOCK_DGRAM
    if not asks_only and not is_here(address[0]):
        _refuse(f"{_plain(address[0])} port {address[1]}")


def _address(host: object) -> Any:
    """``host`` as an address if it is written in numbers, which nobody looks up; otherwise ``None``."""
    import ipaddress

    try:
        return ipaddress.ip_address(_plain(host).partition("%")[0])
    except ValueError:
        return None


def _plain(host: object) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host)


def _refuse(what: str) -> None:
    test = os.environ.get("PYTEST_CURRENT_TEST", "before the first test").partition(" (")[0]
    told = f"{test} reached for {what}: a test stays on loopback"
    with Path(os.environ[LOG]).open("a", encoding="utf-8") as log:
        log.write(told + "\n")
    raise OffLoopback(told)
