"""A real model that is asked to reflect and cannot: the rookie, a hundred times as far as it learned to read.

What it says there is noise, and must be refused as such.
"""

import asyncio
from pathlib import Path

import pytest
from weak_games import BASE, play

from distill.serving.server import VLLMServer
from episodes.games.duel import GAME
from episodes.store.store import Store
from models.registry import open_model
from prompts.library import PromptLibrary
from reflect.model import Reading, Reflection, Task, reflect

pytestmark = pytest.mark.slow


def test_noise_from_a_real_server_is_refused(server: VLLMServer, tmp_path: Path) -> None:
    reading = Reading(games=1, window=3000, tokens=3000, cells=5)

    async def reflected(store: Store, games: list[str]) -> Reflection:
        chat = open_model(server.spec)
        try:
            task = Task(GAME, "weak@base", BASE, games, [], count=2, seed=1, max_tokens=60, reading=reading)
            return await reflect(store, chat, task)
        finally:
            await chat.close()

    with Store.open(tmp_path / "played.db") as store:
        PromptLibrary(store).save(BASE, GAME)
        found = asyncio.run(reflected(store, play(store, 2)))
    assert found.proposals == ()
    assert found.windows > 0
    assert {one.reason for one in found.refused} == {"malformed answer"}
    assert len(found.refused) == 2 * (found.windows + 1)  # each asked twice
