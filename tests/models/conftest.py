"""A server of every protocol, on loopback, for the tests of models."""

from collections.abc import Iterator

import pytest
from faulty_server import FaultyServer
from opened_models import KEY, set_keys


@pytest.fixture(scope="module")
def running() -> Iterator[FaultyServer]:
    with FaultyServer(echo=KEY) as faulty:
        yield faulty


@pytest.fixture
def server(running: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> FaultyServer:
    """It has seen no requests, and every service's key is the planted one."""
    set_keys(monkeypatch)
    running.requests.clear()
    running.paths.clear()
    running.objects = lambda request, path: None
    running.changes = lambda answer, request: answer
    return running
