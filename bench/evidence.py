"""Seconds to gather the evidence of 100,000 stored turns, against reading the very same rows with raw ``sqlite3``.

    python bench/evidence.py [--turns 100000]

Prints the seconds of reading and of tabulating, and their ratio to the raw read.
"""

import argparse
import json
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from episodes.games.duel import GAME
from episodes.player import ReplyClass
from episodes.record import EpisodeRecord, SeatRecord, TurnRecord
from episodes.store.store import Store
from reflect.evidence import load_turns, tabulate

TURNS = 60
"""Turns of a game, half of them the player's."""


def episode(draw: Random, number: int) -> EpisodeRecord:
    """One game with random situations, moves and rewards."""
    turns = tuple(
        TurnRecord(
            n=n,
            seat=n % 2,
            tick=n * 30,
            lands=n * 30,
            order=n,
            observation="",
            situation={name: draw.choice(values) for name, values in GAME.features.items()},
            legal_moves=GAME.moves,
            messages=(),
            reply="",
            reply_class=ReplyClass.MOVE,
            move=draw.choice(GAME.moves),
            latency_ms=1.0,
            tokens_in=0,
            tokens_out=0,
            cost_usd=0.0,
            reward=draw.uniform(-1, 1),
            fingerprint="",
        )
        for n in range(TURNS)
    )
    won = float(draw.randrange(2))
    return EpisodeRecord(
        id=f"{number:020x}",
        game=GAME.name,
        seed=number,
        clock="paused",
        purpose="play",
        pair_id=None,
        night_id=None,
        started="2026-01-01T00:00:00",
        seconds=1.0,
        ticks=1800,
        ended_by="result",
        final_fingerprint="",
        seats=(
            SeatRecord(0, "player", "model", None, won, 2 * won - 1),
            SeatRecord(1, "other", "bot", None, 1 - won, 1 - 2 * won),
        ),
        turns=turns,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--turns", type=int, default=100_000, help="stored turns of the player")
    count = parser.parse_args().turns
    draw = Random(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        with Store.open(path) as store:
            for number in range(-(-count // (TURNS // 2))):
                store.save(episode(draw, number))
        with Store.open(path, write=False) as store:
            started = time.perf_counter()
            turns = load_turns(store, GAME, player="player")
            loaded = time.perf_counter()
            cells = tabulate(turns)
            done = time.perf_counter()
        raw = sqlite3.connect(path)
        raw_started = time.perf_counter()
        rows = raw.execute("select episode_id, n, situation, move, reward from turns where seat = 0").fetchall()
        raw_seconds = time.perf_counter() - raw_started
        raw.close()
    seconds = done - started
    result = {
        "turns": len(turns),
        "cells": len(cells),
        "read_seconds": round(loaded - started, 3),
        "table_seconds": round(done - loaded, 3),
        "seconds": round(seconds, 3),
        "raw_rows": len(rows),
        "raw_seconds": round(raw_seconds, 3),
        "ratio": round(seconds / raw_seconds, 2),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
