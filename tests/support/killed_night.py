"""The program, which is killed with all its processes at an event of its own: STAGE has stored EPISODES episodes.

Called with STAGE, EPISODES and the words of a command, in a session of its own. With 0 episodes it dies once the stage
has begun. Nothing waits or polls, so it dies in that stage on every machine.
"""

import os
import signal
import sys

from cornerman.cli import main
from episodes.record import EpisodeRecord
from episodes.store.runs import Runs
from episodes.store.store import Store

begin_step, save = Runs.begin_step, Store.save


def die_in(stage: str, episodes: int) -> None:
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


if __name__ == "__main__":
    stage, episodes, *words = sys.argv[1:]
    sys.argv[1:] = words
    die_in(stage, int(episodes))
    main()
