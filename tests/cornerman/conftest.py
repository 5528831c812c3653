import os
from collections.abc import Iterator
from functools import cache

import pytest
import typer.testing
from small_night import night_store

__all__ = ["night_store"]


@pytest.fixture(scope="session", autouse=True)
def built_once() -> Iterator[None]:
    """The commands are put together once for all tests and not for each call, which takes a tenth of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.testing, "_get_command", cache(typer.main.get_command))
        yield


@pytest.fixture(autouse=True)
def no_debug() -> Iterator[None]:
    """A command that was run with --debug leaves that to the commands that it starts; here to nobody."""
    yield
    os.environ.pop("CORNERMAN_DEBUG", None)
