"""A teacher that is killed after its first game. Called with a folder, where workers leave files of their numbers."""

import asyncio
import os
import signal
import sys
from functools import partial
from pathlib import Path

from distill_setup import open_player

from distill.teach import Lessons, teach
from episodes.games.duel import GAME
from episodes.player import Player
from episodes.store.store import Store

LESSONS = Lessons(GAME, "search:40", ("bot:random",), tuple(range(20)), "killed")


def opened(folder: Path, name: str) -> Player:
    (folder / f"{os.getpid()}.worker").touch()
    return open_player(name)


def die_after_one(done: int, games: int) -> None:
    if done:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    with Store.open(folder / "s.db") as store:
        work = teach(store, LESSONS, partial(opened, folder), here=open_player, workers=2, on_episode=die_after_one)
        asyncio.run(work)
