"""Engines by address, and who has one: ``DIAMBRA_ENVS`` names them as DIAMBRA's own tools do.

One engine plays one fight at a time. The client process of an engine is kept from fight to fight, because an engine
takes longer to start a game than to reset it. Knows nothing about fights.
"""

import atexit
import contextlib
import os
import re
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from episodes.games.channel import Channel
from episodes.games.diambra.install import interpreter
from models.errors import BadInput, Unavailable

CLIENT = Path(__file__).with_name("client.py")
VARIABLE = "DIAMBRA_ENVS"
WAIT_S = 600.0
"""How long a fight waits for an engine."""
END_S = 10.0
"""How long a client may take to leave its engine in order."""
_SECRET = ("_API_KEY", "_TOKEN", "_SECRET")


class Client:
    """The client process of one engine."""

    def __init__(self, address: str) -> None:
        near, far = socket.socketpair()
        mine = {name: value for name, value in os.environ.items() if name != VARIABLE and not name.endswith(_SECRET)}
        with far:
            self._process = subprocess.Popen(
                [str(interpreter()), "-I", str(CLIENT), str(far.fileno())],
                pass_fds=[far.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=mine,
            )
        self.channel = Channel(near, f"DIAMBRA's client of the engine at {address}")
        self.pid = self._process.pid

    @property
    def alive(self) -> bool:
        return not self.channel.closed and self._process.poll() is None

    def close(self) -> None:
        """Hang up, give the process a moment to leave the engine in order, and end it."""
        self.channel.close()
        try:
            self._process.wait(timeout=END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@dataclass(slots=True)
class Engine:
    """``setting`` is the game that it has started, so that another fight of it need only reset."""

    address: str
    client: Client | None = None
    setting: tuple[object, ...] = ()
    busy: bool = False
    fights: int = 0


_free = threading.Condition()
_engines: dict[str, Engine] = {}
_owner = 0


def addresses() -> list[str]:
    """The engines that ``DIAMBRA_ENVS`` names, as host:port separated by blanks or commas; raises ``BadInput``."""
    named = re.split(r"[\s,]+", os.environ.get(VARIABLE, "").strip())
    wrong = [address for address in named if address and not re.fullmatch(r"(\[[\da-f:]+\]|[\w.\-]+):\d{1,5}", address)]
    if wrong:
        raise BadInput(f"{VARIABLE} names {wrong[0]!r}, which is no host:port")
    return list(dict.fromkeys(address for address in named if address))


def take(setting: tuple[object, ...]) -> Engine:
    """A free engine with a client, the one that has ``setting`` already or else the one with the fewest fights.

    Waits for one if all are in use. Raises ``BadInput`` if there is none, ``Unavailable`` if it does not answer.
    """
    global _owner  # noqa: PLW0603  # a forked process has engines of its own
    named = addresses()
    if not named:
        raise BadInput(f"{VARIABLE} names no engine: start one and set it to host:port (see docs/diambra.md)")
    interpreter()
    with _free:
        if _owner != os.getpid():
            _engines.clear()
            _owner = os.getpid()
            atexit.register(close_engines)
        engine = _wait_for_one(named, setting)
        engine.busy, engine.setting = True, setting
        engine.fights += 1
    try:
        if engine.client is None or not engine.client.alive:
            _check(engine.address)
            if engine.client is not None:
                engine.client.close()
            engine.client = Client(engine.address)
    except BaseException:
        give_back(engine)
        raise
    return engine


def give_back(engine: Engine) -> None:
    """Let another fight have it."""
    with _free:
        engine.busy = False
        _free.notify()


def close_engines() -> None:
    """End every client; the engines themselves go on."""
    with _free:
        for engine in _engines.values():
            if engine.client is not None and _owner == os.getpid():
                engine.client.close()
        _engines.clear()


def _wait_for_one(named: list[str], setting: tuple[object, ...]) -> Engine:
    until = time.monotonic() + WAIT_S
    while True:
        engines = [_engines.setdefault(address, Engine(address)) for address in named]
        idle = [engine for engine in engines if not engine.busy]
        if idle:
            return min(idle, key=lambda engine: (engine.setting != setting, engine.fights))
        if not _free.wait(max(until - time.monotonic(), 0.0)):
            raise Unavailable(f"all engines of {VARIABLE} were in use for {WAIT_S:g} s", retryable=False)


def _check(address: str) -> None:
    """Whether anything listens there; DIAMBRA's client would wait much longer for it."""
    host, _, port = address.rpartition(":")
    try:
        with contextlib.closing(socket.create_connection((host.strip("[]"), int(port)), timeout=5)):
            return
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise Unavailable(f"no DIAMBRA engine answers at {address} ({why}); see {VARIABLE}", retryable=False) from None
