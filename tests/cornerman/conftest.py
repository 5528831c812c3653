import os
from collections.abc import Iterator

import pytest
from small_night import night_store

__all__ = ["night_store"]


@pytest.fixture(autouse=True)
def no_debug() -> Iterator[None]:
    """A command that was run with --debug leaves that to the commands that it starts; here to nobody."""
    yield
    os.environ.pop("CORNERMAN_DEBUG", None)
