"""What holds for every test: libraries compute as they do under the program (``cornerman.cli.main``), and nothing that
a test runs opens a connection off loopback. Around them: their order, and what is fetched meanwhile."""

import gc
import os
import signal
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import environments
import loopback
import pytest
from hypothesis import HealthCheck, settings
from schedule import FETCHED, group_of, place_of

if TYPE_CHECKING:
    from models.local import LocalModel

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if "PYTEST_XDIST_WORKER" in os.environ:  # the processors are shared out already
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell that starts tests in the background lets them ignore Ctrl-C, and so would all that they start and send it to.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

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


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The folder of a real language model."""
    return environments.ready("smollm2")


@pytest.fixture(scope="session")
def smollm2_model(smollm2: Path) -> "LocalModel":
    """It, loaded: once for all tests of a process."""
    from models.local import LocalModel

    return LocalModel(smollm2, name="smollm2")


@pytest.fixture(autouse=True)
def stays_on_loopback(guard: None) -> Iterator[None]:
    """A test fails with what it reached for, even if what it ran swallowed the failure."""
    yield
    if found := loopback.offences():
        pytest.fail("\n".join(found), pytrace=False)


def pytest_sessionstart() -> None:
    """What is collected stays: looking through it again and again for garbage takes a quarter of the collection."""
    gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: place_of(item.nodeid))


def pytest_collection_finish(session: pytest.Session) -> None:
    gc.freeze()
    gc.enable()
    gc.set_threshold(50_000)  # as the program does
    if "PYTEST_XDIST_WORKER" not in os.environ:
        fetch(item.nodeid for item in session.items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: object, ids: list[str]) -> None:
    fetch(ids)


def fetch(tests: Iterable[str]) -> None:
    """Begin to fetch what some of ``tests`` will need, while others run."""
    for name in sorted({name for group in set(map(group_of, tests)) for name in FETCHED.get(group, ())}):
        environments.begin(name)


def pytest_unconfigure() -> None:
    environments.give_up()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Groups of tests to processes, in the order of collection."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    config.option.loadscopereorder = False
    return Groups(config, log)


@pytest.fixture
def waiting_takes_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The waits before another attempt are as ever, and shorter: half a minute a test goes into them otherwise."""
    from models import retry

    real = retry.Retrying.__init__

    def hasty(self: Any, *arguments: Any, **options: Any) -> None:
        real(self, *arguments, **options | {"base_s": 0.01})

    monkeypatch.setattr(retry.Retrying, "__init__", hasty)
