from collections.abc import Iterator
from pathlib import Path

import pytest
from weak_games import BASE, play

from episodes.games.duel import GAME
from episodes.store.store import Store
from prompts.library import PromptLibrary
from prompts.prompt import Prompt


@pytest.fixture(scope="session")
def base() -> Prompt:
    return BASE


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, list[str]]]:
    """A store with 48 games of the weak player against three house bots."""
    path: Path = tmp_path_factory.mktemp("played") / "c.db"
    with Store.open(path) as store:
        PromptLibrary(store).save(BASE, GAME)
        yield store, play(store, 8)
