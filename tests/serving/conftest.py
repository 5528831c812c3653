"""What the tests of serving share: a student that was really taught, and one vLLM server for all that they ask."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import environments
import pytest

from distill.dataset import build_dataset, save_dataset
from distill.export import export
from distill.rookie.__main__ import FOLDER
from distill.serving.server import VLLMServer
from distill.student import Student, make_student
from distill.teach import Lessons, teach
from distill.train import Method
from episodes.games.duel import GAME
from episodes.players.bots import load_bot
from episodes.store.store import Store

CONTEXT = 32768
"""Tokens of one conversation: far more than the rookie ever learned to read, for what is to come out as noise."""


@pytest.fixture(scope="session")
def vllm() -> Path:
    """The folder that has ``.venv-vllm``, which is built if it is missing."""
    return environments.ready("vllm").parents[2]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Student]:
    """The rookie after one pass over eight games of the whiff-punisher."""
    folder = tmp_path_factory.mktemp("served")
    store = Store.open(folder / "store.db")
    lessons = Lessons(GAME, "bot:punisher", ("bot:random", "bot:turtle"), (1, 2))
    report = asyncio.run(teach(store, lessons, lambda name: load_bot(name.removeprefix("bot:")), workers=0))
    dataset = build_dataset(store, GAME, report.episodes, report.teacher)
    save_dataset(store, dataset)
    return store, make_student(store, dataset, GAME, method=Method(epochs=1), root=folder / "students")


@pytest.fixture(scope="session")
def server(made: tuple[Store, Student], vllm: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VLLMServer]:
    """The rookie, by that name, and the student as an adapter of it, as ``taught``."""
    store, student = made
    folder = tmp_path_factory.mktemp("server")
    export(store, student, GAME, folder / "adapter", "adapter")
    context = ("--max-model-len", str(CONTEXT), "--max-num-batched-tokens", str(CONTEXT))
    longer = ("--hf-overrides", f'{{"max_position_embeddings": {CONTEXT}}}')
    lora = ("--enable-lora", "--max-lora-rank", str(student.method.rank))
    modules = ("--lora-modules", f"taught={folder / 'adapter'}")
    served = VLLMServer(
        FOLDER,
        served_name="rookie",
        root=vllm,
        log=folder / "vllm.log",
        start_s=600,
        extra_args=(*context, *longer, *lora, *modules),
    )
    with asyncio.Runner() as runner:
        runner.run(served.__aenter__())
        try:
            yield served
        finally:
            runner.run(served.stop())
