"""What holds for every test: libraries compute as they do under the program (``cornerman.cli.main``), and nothing that
a test runs opens a connection off loopback."""

import os
import subprocess
from collections.abc import Iterator
from typing import Any

import loopback
import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# A busy machine is no fault of the code: examples may take their time.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(scope="session", autouse=True)
def guard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Processes inherit the guard by their environment, also those that a test gives an environment of its own."""
    start = subprocess.Popen.__init__

    def guarded(process: Any, *arguments: Any, **named: Any) -> None:
        if named.get("env") is not None:
            named["env"] = loopback.watched(named["env"])
        start(process, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(loopback.LOG, str(tmp_path_factory.mktemp("loopback") / "offences.txt"))
        patch.setenv("PYTHONPATH", loopback.watched(os.environ)["PYTHONPATH"])
        patch.setattr(subprocess.Popen, "__init__", guarded)
        loopback.watch()
        yield
        assert loopback.offences() == []


@pytest.fixture(autouse=True)
def stays_on_loopback(guard: None) -> Iterator[None]:
    """A test fails with what it reached for, even if what it ran swallowed the failure."""
    yield
    if found := loopback.offences():
        pytest.fail("\n".join(found), pytrace=False)
