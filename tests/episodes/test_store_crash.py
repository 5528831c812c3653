"""A writer is killed in the middle of its writes: the store opens, and every episode in it is whole."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from made_records import record

from episodes.store.store import Store

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
sys.path[:0] = sys.argv[2:]
from made_records import record
from episodes.store.store import Store
with Store.open(sys.argv[1]) as store:
    first = len(store.episode_ids())
    print("open", flush=True)
    store.db.conn.set_trace_callback(lambda statement: print("statement", flush=True))
    for n in range(first, 10**6):
        store.save(record(f"e{n}"))
        print(n, flush=True)
"""


def test_killed_ten_times(tmp_path: Path) -> None:
    path, draw, finished = tmp_path / "s.db", random.Random(4), 0
    for _ in range(10):
        command: list[str | Path] = [sys.executable, "-c", WRITER, path, ROOT, ROOT / "tests" / "support"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "open\n"
            # A statement begins: it dies within this one, or soon after.
            told = [child.stdout.readline() for _ in range(draw.randrange(600))]
            os.kill(child.pid, signal.SIGKILL)
            told += child.stdout.read().splitlines(keepends=True)
            saved = [int(line) for line in told if line.endswith("\n") and line != "statement\n"]
            finished = saved[-1] + 1 if saved else finished
        with Store.open(path) as store:
            there = set(store.episode_ids())
            assert there >= {f"e{n}" for n in range(finished)}, "a finished episode was lost"
            assert len(there) <= finished + 1
            for episode_id in there:
                assert store.episode(episode_id) == record(episode_id)
                assert store.wrong_totals(episode_id) == []
            assert store.db.execute("pragma integrity_check").fetchone() == ("ok",)
            finished = len(there)
