import os
import sys
from collections.abc import Iterator
from pathlib import Path

import forked
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """``cornerman``, which is this very code, as a file."""
    with forked.program(tmp_path_factory.mktemp("bin"), _environment()) as program:
        yield program


@pytest.fixture
def shell(program: Path) -> dict[str, str]:
    """An environment in which ``cornerman`` can be called, and in which there are no keys."""
    return _environment() | {"PATH": f"{program.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"}


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    return kept | {"PYTHONPATH": str(ROOT), "COLUMNS": "200", "HF_HUB_OFFLINE": "1"}
