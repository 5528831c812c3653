"""What the tests of serving share: a student that was really taught, and one vLLM server for all that they ask."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import environments
import pytest

from distill.dataset import build_dataset, save_dataset
from distill.export import export
from distill.method import Method
from distill.serving.server import VLLMServer, group_alive
from distill.student import Student, make_student
from distill.teach import Lessons, teach
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
    return store, make_student(store, dataset, GAME, method=Method(epochs=1), least=0.0, root=folder / "students")


@pytest.fixture(scope="session")
def exported(made: tuple[Store, Student], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The student's merged model."""
    store, student = made
    folder = tmp_path_factory.mktemp("exported") / "student"
    export(store, student, GAME, folder)
    return folder


@pytest.fixture(scope="session")
def without(made: tuple[Store, Student], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The student's adapter with its sign turned: on the merged model it leaves the rookie."""
    store, student = made
    folder = tmp_path_factory.mktemp("without") / "adapter"
    export(store, student, GAME, folder, "adapter")
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "lora_alpha": -config["lora_alpha"]}))
    return folder


@pytest.fixture(scope="session")
def server(
    made: tuple[Store, Student], exported: Path, without: Path, vllm: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[VLLMServer]:
    """The merged student under its own name and, as an adapter of it, ``rookie``; nothing is left of it afterwards."""
    _, student = made
    context = ("--max-model-len", str(CONTEXT), "--max-num-batched-tokens", str(CONTEXT))
    longer = ("--hf-overrides", f'{{"max_position_embeddings": {CONTEXT}}}')
    lora = ("--enable-lora", "--max-lora-rank", str(student.method.rank), "--lora-modules", f"rookie={without}")
    served = VLLMServer(
        exported,
        served_name=student.name,
        root=vllm,
        log=tmp_path_factory.mktemp("server") / "vllm.log",
        start_s=600,
        extra_args=(*context, *longer, *lora),
    )
    with asyncio.Runner() as runner:
        runner.run(served.__aenter__())
        assert served._process is not None
        group = served._process.pid
        try:
            yield served
        finally:
            runner.run(served.stop())
        assert not group_alive(group)
