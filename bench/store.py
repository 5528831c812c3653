"""Episodes a second into the store, against raw ``sqlite3`` writing the very same rows.

    python bench/store.py [--episodes 2000]

The raw loop has its rows made beforehand and knows which texts are new; the store makes rows from records, finds each
text's id, and checks every seat's totals before it commits. Both: one transaction an episode, WAL, synchronous NORMAL.
"""

import argparse
import sqlite3
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from episodes.games.duel import GAME
from episodes.player import ReplyClass
from episodes.record import EpisodeRecord, SeatRecord, TurnRecord
from episodes.store import rows, schema
from episodes.store.store import Store, text_id
from models.chat import Message

TURNS = 60


def episode(draw: Random, number: int) -> EpisodeRecord:
    """Sixty turns of text as in duel: the system prompt repeats, observations hardly ever do."""
    system = Message("system", GAME.rules)
    turns = []
    for n in range(TURNS):
        seen = (
            f"Tick {n * 31}, you have {draw.randrange(200)} health, the opponent {draw.randrange(200)}. " + "Far. " * 40
        )
        turns.append(
            TurnRecord(
                n=n,
                seat=n % 2,
                tick=n * 31,
                lands=n * 31 + 6,
                order=n,
                observation=seen,
                situation={name: draw.choice(values) for name, values in GAME.features.items()},
                legal_moves=GAME.moves,
                messages=(system, Message("user", seen)),
                reply="fireball",
                reply_class=ReplyClass.MOVE,
                move="fireball",
                latency_ms=draw.random() * 100,
                tokens_in=400,
                tokens_out=4,
                cost_usd=0.0001,
                reward=draw.uniform(-1, 1),
                fingerprint=f"{draw.getrandbits(96):024x}",
            )
        )
    seats = tuple(SeatRecord(seat, f"m{seat}@base", f"m{seat}", "p", float(seat), 2.0 * seat - 1) for seat in (0, 1))
    return EpisodeRecord(
        id=f"{draw.getrandbits(80):020x}",
        game="duel",
        seed=number,
        clock="paused",
        purpose="play",
        pair_id=f"{number // 2:016x}",
        night_id=None,
        started=f"2026-01-01T00:00:{number:09d}",
        seconds=0.1,
        ticks=TURNS * 31,
        ended_by="result",
        final_fingerprint=f"{draw.getrandbits(96):024x}",
        seats=seats,
        turns=tuple(turns),
    )


def through_store(records: list[EpisodeRecord], path: Path) -> float:
    """Episodes a second."""
    with Store.open(path) as store:
        began = time.perf_counter()
        for record in records:
            store.save(record)
        return len(records) / (time.perf_counter() - began)


Rows = tuple[rows.Row, list[rows.Row], list[rows.Row], list[tuple[str, str]]]


def raw_rows(records: list[EpisodeRecord]) -> list[Rows]:
    """For each episode its rows, and the texts that no episode before it had."""
    known: set[str] = set()
    found = []
    for record in records:
        texts: dict[str, str] = {}

        def put(text: str, texts: dict[str, str] = texts) -> str:
            texts[text_id(text)] = text
            return text_id(text)

        turns = [rows.turn_row(record.id, turn, put) for turn in record.turns]
        seats = [rows.seat_row(record, seat, put) for seat in record.seats]
        new = [(key, text) for key, text in texts.items() if key not in known]
        known.update(texts)
        found.append((rows.episode_row(record), seats, turns, new))
    return found


def through_sqlite(made: list[Rows], path: Path) -> float:
    """Episodes a second."""
    connection = sqlite3.connect(path, isolation_level=None)
    schema.tune(connection)
    schema.migrate(connection)
    began = time.perf_counter()
    for row, seats, turns, texts in made:
        connection.execute("begin immediate")
        connection.execute(rows.INSERT_EPISODE, row)
        connection.executemany(rows.INSERT_SEAT, seats)
        connection.executemany("insert into texts values (?, ?)", texts)
        connection.executemany(rows.INSERT_TURN, turns)
        connection.execute("commit")
    rate = len(made) / (time.perf_counter() - began)
    connection.close()
    return rate


def main() -> None:
    parser = argparse.ArgumentParser(description="Store writes against raw sqlite3.")
    parser.add_argument("--episodes", type=int, default=2000)
    draw = Random(1)
    records = [episode(draw, number) for number in range(parser.parse_args().episodes)]
    made = raw_rows(records)
    ours, bare = 0.0, 0.0
    for turn in range(3):  # the best of three each, taken in turn, so that a busy moment does not decide
        with tempfile.TemporaryDirectory() as folder:
            ours = max(ours, through_store([replace(one) for one in records], Path(folder) / f"store{turn}.db"))
            bare = max(bare, through_sqlite(made, Path(folder) / f"raw{turn}.db"))
    print(f"store {ours:.0f} episodes/s, raw sqlite3 {bare:.0f} episodes/s, ratio {ours / bare:.2f}")


if __name__ == "__main__":
    main()
