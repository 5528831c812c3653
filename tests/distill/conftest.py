"""What the tests of students share: a tiny base model, teacher games, a dataset."""

import asyncio
from pathlib import Path

import pytest
from distill_setup import TEACHER, open_player

from distill.dataset import Dataset, build_dataset, save_dataset
from distill.rookie.train import new_model, write_model
from distill.teach import Lessons, TeachReport, teach
from episodes.games.duel import GAME
from episodes.store.store import Store


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model with the rookie's tokenizer and chat template."""
    folder = tmp_path_factory.mktemp("base") / "tiny"
    write_model(new_model(1), folder)
    return folder


@pytest.fixture(scope="session")
def taught(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, TeachReport]:
    """Sixteen games of a weak search against two bots, in a store."""
    store = Store.open(tmp_path_factory.mktemp("store") / "store.db")
    lessons = Lessons(GAME, TEACHER, ("bot:random", "bot:rushdown"), (1, 2, 3, 4), "tests")
    return store, asyncio.run(teach(store, lessons, open_player, workers=0))


@pytest.fixture(scope="session")
def dataset(taught: tuple[Store, TeachReport]) -> Dataset:
    store, report = taught
    found = build_dataset(store, GAME, report.episodes, report.teacher)
    save_dataset(store, found)
    return found
