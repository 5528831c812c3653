"""Reading a 17lands draft file: rows a second and peak memory, against polars (streaming) and duckdb.

    python bench/drafts.py [--megabytes 100] [--cards 350] [--gzip]

All do the same: of every card how often it was offered, how often it was taken and at which pick on average, and the
number of drafts; each in a process of its own, and what they find is compared. A fourth line is for whole drafts as
records, which only we make. Prints one line each, with the ratios of this very run to polars.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

Found = dict[str, Any]
"""``drafts``, and by card ``[offered, taken, sum of the pick numbers at which it was taken]``."""


def ours(path: Path) -> Found:
    import numpy as np

    from episodes.games.draft.columns import FIELDS
    from episodes.games.draft.rows import read_rows

    columns, batches = read_rows(path)
    places = [FIELDS.index(name) for name in ("draft_id", "pick_number", "pick")]
    index = {card.encode(): place for place, card in enumerate(columns.cards)}
    offered, taken, numbers = (np.zeros(len(index), dtype=np.int64) for _ in range(3))
    drafts: set[bytes] = set()
    for rows in batches:
        ids, at, names = ([fields[place] for fields in rows.fields] for place in places)
        cards = np.array([index[name] for name in names])
        drafts.update(ids)
        offered += rows.pack.sum(axis=0, dtype=np.int64)
        taken += np.bincount(cards, minlength=len(index))
        numbers += np.bincount(cards, weights=np.array(at, dtype=np.int64), minlength=len(index)).astype(np.int64)
    table = zip(columns.cards, offered.tolist(), taken.tolist(), numbers.tolist(), strict=True)
    return {"drafts": len(drafts), "cards": {card: row for card, *row in table}}


def records(path: Path) -> Found:
    """Whole drafts as records, of everybody."""
    from episodes.games.draft.drafts import read_drafts

    found = read_drafts(path)
    picks = sum(len(draft.picks) for draft in found.drafts)
    assert picks == found.census.rows
    return {"drafts": found.census.drafts}


def polars(path: Path) -> Found:
    import polars as pl

    scan = pl.scan_csv(path)
    packs = [name for name in scan.collect_schema().names() if name.startswith("pack_card_")]
    asked = [
        pl.len(),
        pl.col("pick_number").sum(),
        pl.col("draft_id").unique(),
        *(pl.col(name).sum() for name in packs),
    ]
    rows = scan.group_by("pick").agg(asked).collect(engine="streaming")
    drafts = rows["draft_id"].explode().n_unique()
    sums = rows.select(packs).sum().row(0)
    cards = {name.removeprefix("pack_card_"): [total, 0, 0] for name, total in zip(packs, sums, strict=True)}
    for card, taken, numbers in rows.select("pick", "len", "pick_number").iter_rows():
        cards[card][1:] = [taken, numbers]
    return {"drafts": drafts, "cards": cards}


def duckdb(path: Path) -> Found:
    import duckdb as db

    connection = db.connect()
    source = f"read_csv('{path}', header = true)"
    names = [row[0] for row in connection.execute(f"describe select * from {source}").fetchall()]
    packs = [name for name in names if name.startswith("pack_card_")]
    quoted = [f'sum("{name}")' for name in packs]
    asked = ", ".join(["pick", "list(distinct draft_id)", "count(*)", "sum(pick_number)", *quoted])
    rows = connection.execute(f"select {asked} from {source} group by pick").fetchall()
    cards = {name.removeprefix("pack_card_"): [0, 0, 0] for name in packs}
    drafts: set[str] = set()
    for pick, ids, taken, numbers, *sums in rows:
        cards[pick][1:] = [taken, int(numbers)]
        drafts.update(ids)
        for name, total in zip(packs, sums, strict=True):
            cards[name.removeprefix("pack_card_")][0] += int(total)
    return {"drafts": len(drafts), "cards": cards}


READERS: dict[str, Callable[[Path], Found]] = {"ours": ours, "records": records, "polars": polars, "duckdb": duckdb}


def measure(reader: str, path: Path) -> dict[str, Any]:
    """Seconds, CPU seconds and peak memory of one reader in a process of its own, imports and all."""
    started = time.perf_counter()
    done = subprocess.run([sys.executable, __file__, "--reader", reader, str(path)], capture_output=True, check=True)
    return {"seconds": time.perf_counter() - started, **json.loads(done.stdout)}


def read(reader: str, path: Path) -> None:
    found = READERS[reader](path)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"found": found, "peak_mib": used.ru_maxrss / 1024, "cpu": used.ru_utime + used.ru_stime}))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--megabytes", type=float, default=100, help="size of the file before it is zipped")
    parser.add_argument("--cards", type=int, default=350, help="cards of the set; each has two columns")
    parser.add_argument("--gzip", action="store_true", help="read the file zipped")
    parser.add_argument("--reader", choices=READERS, help=argparse.SUPPRESS)
    parser.add_argument("path", nargs="?", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.reader:
        read(given.reader, given.path)
        return
    from made_drafts import write_drafts

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"draft_data_public.MADE.PremierDraft.csv{'.gz' if given.gzip else ''}"
        write_drafts(path, tables=1 << 30, cards=given.cards, people=8, top=0.2, megabytes=given.megabytes)
        found = {reader: measure(reader, path) for reader in READERS}
    results = {reader: one.pop("found") for reader, one in found.items()}
    assert results["ours"] == results["polars"] == results["duckdb"], "the readers do not agree"
    assert results["records"]["drafts"] == results["ours"]["drafts"]
    rows = sum(taken for _, taken, _ in results["ours"]["cards"].values())
    print(f"drafts: {rows} rows of {2 * given.cards} counts, {given.megabytes:.0f} MB{' zipped' if given.gzip else ''}")
    peer = found["polars"]
    for reader, one in found.items():
        print(
            f"  {reader:8}{rows / one['seconds']:8.0f} rows/s, {rows / one['cpu']:8.0f} a CPU second, "
            f"peak {one['peak_mib']:5.0f} MiB; against polars {peer['seconds'] / one['seconds']:.2f} of the speed, "
            f"{peer['cpu'] / one['cpu']:.2f} of it a CPU second, {one['peak_mib'] / peer['peak_mib']:.2f} of the memory"
        )


if __name__ == "__main__":
    main()
