"""The guard that keeps tests on this machine: what it refuses, what it lets through, and that a test fails by it."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import loopback
import pytest
from loopback import OffLoopback, offences

SUPPORT = Path(loopback.__file__).parent
ELSEWHERE = "192.0.2.7"
"""An address that is nobody's (RFC 5737)."""


@pytest.fixture(autouse=True)
def forgiven(stays_on_loopback: None) -> Iterator[None]:
    """The tests here offend on purpose."""
    yield
    offences()


def datagram() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.sendto(b"x", (ELSEWHERE, 53))


def connect(family: socket.AddressFamily, *address: object) -> Callable[[], None]:
    def opened() -> None:
        with socket.socket(family) as one:
            one.connect(address)

    return opened


@pytest.mark.parametrize(
    ("reach", "named"),
    [
        (connect(socket.AF_INET, ELSEWHERE, 443), f"{ELSEWHERE} port 443"),
        (connect(socket.AF_INET6, "2001:db8::1", 443, 0, 0), "2001:db8::1 port 443"),
        (connect(socket.AF_INET6, f"::ffff:{ELSEWHERE}", 443, 0, 0), f"::ffff:{ELSEWHERE} port 443"),
        (lambda: asyncio.run(asyncio.wait_for(asyncio.open_connection(ELSEWHERE, 80), 5)), f"{ELSEWHERE} port 80"),
        (datagram, f"{ELSEWHERE} port 53"),
        (lambda: socket.getaddrinfo("example.invalid", 80), "the name example.invalid"),
        (lambda: socket.gethostbyname("example.invalid"), "the name example.invalid"),
        (lambda: socket.gethostbyaddr(ELSEWHERE), f"the name of {ELSEWHERE}"),
    ],
    ids=["IPv4", "IPv6", "IPv4 in IPv6", "asyncio", "a datagram", "a name", "an old look-up", "a reverse look-up"],
)
def test_what_is_off_loopback_is_refused_by_name(
    reach: Callable[[], object], named: str, request: pytest.FixtureRequest
) -> None:
    told = f"{request.node.nodeid} reached for {named}: a test stays on loopback"
    with pytest.raises(OffLoopback) as caught:
        reach()
    assert str(caught.value) == told
    assert offences() == [told]
    assert offences() == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "localhost"])
def test_loopback_is_open(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as server:
        try:
            server.bind((host, 0))
        except OSError:
            pytest.skip(f"this machine has no {host}")
        server.listen()
        with socket.create_connection((host, server.getsockname()[1]), 5):
            pass
    assert offences() == []


def test_sockets_without_a_network_and_questions_about_routes_are_open(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asks:
        try:
            asks.connect((ELSEWHERE, 1))
        except OffLoopback:
            raise
        except OSError:
            pass  # no route: the kernel's answer on a machine without a network
    assert socket.getaddrinfo(ELSEWHERE, 80), "an address in numbers is not looked up"
    assert offences() == []


SWALLOWED = f"""
import socket
try:
    socket.create_connection(({ELSEWHERE!r}, 443), 5)
except OSError:
    pass
"""


@pytest.mark.parametrize("environment", [None, {"PATH": "/usr/bin:/bin"}, {"PYTHONPATH": "/nowhere"}])
def test_a_process_that_a_test_starts_is_heard(
    environment: dict[str, str] | None, request: pytest.FixtureRequest
) -> None:
    subprocess.run([sys.executable, "-c", SWALLOWED], env=environment, check=True, timeout=60)
    assert offences() == [f"{request.node.nodeid} reached for {ELSEWHERE} port 443: a test stays on loopback"]


def test_what_fetches_for_the_tests_may_leave() -> None:
    with loopback.lifted():
        subprocess.run(
            [sys.executable, "-c", "import os; assert not os.environ.get('" + loopback.LOG + "')"], check=True
        )
        assert loopback.watched({"A": "b"}) == {"A": "b"}
    assert os.environ[loopback.LOG]


def test_a_test_that_leaves_fails_though_what_it_ran_swallowed_it(tmp_path: Path) -> None:
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path)
    lines = SWALLOWED.strip().replace("\n", "\n    ")
    (tmp_path / "test_it.py").write_text(f"def test_out():\n    {lines}\n\n\ndef test_in():\n    pass\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(SUPPORT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert f"test_it.py::test_out reached for {ELSEWHERE} port 443: a test stays on loopback" in done.stdout
    assert "2 passed, 1 error" in done.stdout
