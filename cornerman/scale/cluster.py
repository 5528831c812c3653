"""Ray itself: started here, or joined where it runs already. Imported only when it is asked for.

Knows nothing about episodes.
"""

import logging
import os
import re
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any

from cornerman.terminal import note
from models.errors import BadInput

LOCAL, JOIN = "local", "auto"
ADDRESS = re.compile(r"(?P<host>[^\s/:]+|\[[0-9a-fA-F:]+\]):(?P<port>\d{1,5})")
EPISODES_A_WORKER = 64
"""Episodes at once on one worker, where nobody says how many: as many as without Ray."""
OBJECT_STORE = 256 << 20
"""Bytes of shared memory of a cluster that is started here: records only pass through it."""
ANSWERS_S = 5.0
HTTP_2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""How a client opens HTTP/2, on which gRPC runs (RFC 9113, section 3.4)."""
SETTINGS_FRAME = 4
NO_SETTINGS = bytes([0, 0, 0, SETTINGS_FRAME, 0, 0, 0, 0, 0])
"""The frame that either side sends first: length, type, flags, stream."""


def is_address(word: str) -> bool:
    """Whether ``word`` is written as an address of Ray is."""
    return word in (LOCAL, JOIN) or word.startswith("ray://") or ADDRESS.fullmatch(word) is not None


def checked_address(address: str) -> str:
    """``address`` if it is one; raises ``BadInput``."""
    if address.startswith("ray://"):
        raise BadInput(
            f"--ray {address}: the program must run on a node of the cluster; run `ray start --address=HOST:6379` "
            "here, then use --ray auto"
        )
    if not is_address(address):
        raise BadInput(
            f"--ray {address}: not an address; use {LOCAL} (this machine), {JOIN} (the cluster that this machine is "
            "a node of) or HOST:PORT of a cluster's head"
        )
    return address


class Cluster:
    """A connection to Ray, made when it is first needed.

    ``at_once`` is how many episodes are played at once, over all workers; 0 leaves it to the number of workers, one a
    processor of the cluster. Ray trusts whoever reaches its ports, so those of a local cluster are on the loopback.
    """

    def __init__(self, address: str, at_once: int = 0) -> None:
        self.address = checked_address(address)
        self._at_once = at_once
        self._folder: Path | None = None
        self.workers = 0

    @property
    def width(self) -> int:
        """Episodes at once, over all workers."""
        return self._at_once or self.workers * EPISODES_A_WORKER

    def connect(self) -> None:
        """Start or join; raises ``BadInput`` where that cannot be. Calling it twice is harmless."""
        if self.workers:
            return
        # Read when Ray is imported: it sends statistics of its use home unless told not to, and warns of GPUs.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        try:
            import ray
        except ImportError:
            raise BadInput("Ray is not installed: pip install 'cornerman[scale]'") from None
        note("Ray is starting" if self.address == LOCAL else f"joining Ray at {self.address}")
        self._init(ray)
        _quieten()
        library: Any = ray
        self.workers = int(library.cluster_resources().get("CPU", 0))
        if not self.workers:
            self.shutdown()
            raise BadInput(f"the Ray cluster at {self.address} has no processors: add a node with `ray start`")
        nodes = sum(node["Alive"] for node in library.nodes())
        note(f"Ray: {self.workers} workers on {nodes} node{'s' * (nodes != 1)}, {self.width} episodes at once")

    def _init(self, ray: Any) -> None:
        options: dict[str, Any] = {"address": self.address}
        if self.address == LOCAL:
            # Ray's sockets lie in it, and their paths may have a hundred characters.
            self._folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp" if Path("/tmp").is_dir() else None))
            options |= {
                "include_dashboard": False,
                "object_store_memory": OBJECT_STORE,
                "_node_ip_address": "127.0.0.1",
                "_temp_dir": str(self._folder),
            }
        elif found := ADDRESS.fullmatch(self.address):
            _check_reachable(found["host"].strip("[]"), int(found["port"]), self.address)
        try:
            ray.init(**options, logging_level=logging.ERROR, log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            self.shutdown()
            said = " ".join(str(error).split())[:200]
            raise BadInput(
                f"no Ray cluster to join at {self.address} ({said}): start one with `ray start --head`, or use --ray "
                f"{LOCAL}"
            ) from None

    def shutdown(self) -> None:
        """Leave the cluster; one that was started here ends. Calling it twice is harmless."""
        if self.workers or self._folder:
            import ray

            ray.shutdown()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self.workers, self._folder = 0, None


def _check_reachable(host: str, port: int, address: str) -> None:
    """Raise ``BadInput`` unless a server there speaks gRPC, as Ray's head does: Ray itself would wait for minutes."""
    try:
        with socket.create_connection((host, port), timeout=ANSWERS_S) as probe:
            probe.settimeout(ANSWERS_S)
            probe.sendall(HTTP_2 + NO_SETTINGS)
            answer = probe.recv(len(NO_SETTINGS))
    except (OSError, OverflowError) as error:
        raise BadInput(f"nothing answers at {address} ({error}): is it HOST:PORT of `ray start --head`?") from None
    if len(answer) < 4 or answer[3] != SETTINGS_FRAME:
        raise BadInput(f"what answers at {address} is not Ray: give HOST:PORT of `ray start --head`")


def _quieten() -> None:
    """Ray prints what its nodes say of themselves on standard output, where our JSON goes; it has no setting for it."""
    import ray._private.worker as internals

    internals.print_to_stdstream = lambda *data, **options: None
