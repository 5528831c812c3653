"""The program, killed again and again with all its processes, at events of its own, and then run to its end.

Called with STAGE:EPISODES,... and the words of a command. An execution dies when STAGE has stored EPISODES episodes;
with 0, once the stage has begun. Nothing waits or polls, so it dies in that stage on every machine. Executions are
forked from one process that has imported the libraries, so that each does not have to.
"""

import gc
import os
import signal
import sys

import torch  # noqa: F401
import transformers.models.auto.auto_factory  # noqa: F401

import cornerman.night.run  # noqa: F401
from cornerman.cli import main
from episodes.record import EpisodeRecord
from episodes.store.runs import Runs
from episodes.store.store import Store


def die_in(stage: str, episodes: int) -> None:
    """Let this process and all of its group be killed in ``stage``."""
    begin_step, save = Runs.begin_step, Store.save
    left = [episodes]
    begun: list[str] = []

    def die_at_the_last() -> None:
        if begun and left[0] == 0:
            os.killpg(0, signal.SIGKILL)

    def begun_step(self: Runs, run_id: str, key: str, input_hash: str) -> None:
        begin_step(self, run_id, key, input_hash)
        if key == stage:
            begun.append(key)
        die_at_the_last()

    def saved(self: Store, record: EpisodeRecord) -> None:
        save(self, record)
        if begun:
            left[0] -= 1
        die_at_the_last()

    Runs.begin_step = begun_step  # type: ignore[method-assign]
    Store.save = saved  # type: ignore[method-assign]


def killed_in(stage: str, episodes: int) -> None:
    """Run the command in a fork that dies in ``stage``; ends this process where it does not."""
    child = os.fork()
    if child == 0:
        os.setsid()
        die_in(stage, episodes)
        main()
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
        sys.exit(f"it did not die in {stage} after {episodes} episodes")


if __name__ == "__main__":
    gc.freeze()  # or looking for garbage would copy all of it into every execution
    kills, *words = sys.argv[1:]
    sys.argv[1:] = words
    for kill in kills.split(","):
        stage, _, episodes = kill.partition(":")
        killed_in(stage, int(episodes))
    main()
