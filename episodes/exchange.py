"""Episodes as plain files: JSON Lines and Parquet, out of a store and into one without loss.

One line or row is one whole episode with its texts. A file is written beside its place and moved there when it is
whole; a file is imported in one transaction, so that one bad line leaves the store as it was.
Knows nothing about prompts, comparisons and students: those are not exchanged.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from episodes.record import EpisodeRecord
from episodes.store.checks import check
from episodes.store.older import brought_up
from episodes.store.store import Store
from models.errors import BadInput
from models.files import whole_file

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FORMAT: Final = "cornerman-episode-3"
OLDER: Final = "cornerman-episode-2"
"""Read as well: its turns have no ``values``, ``listed`` and ``thought``."""
ROW_GROUP = 256
"""Episodes that Parquet compresses together; also what is held in memory at once."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a JSON Lines file."""

    format: Literal["cornerman-episode-2", "cornerman-episode-3"]
    episode: EpisodeRecord


@dataclass(frozen=True, slots=True)
class Imported:
    """Episodes in a file, and how many of them were new to the store."""

    episodes: int
    new: int


def export_episodes(
    store: Store,
    path: Path,
    episode_ids: Iterable[str] | None = None,
    *,
    on_progress: Callable[[int], None] = lambda done: None,
) -> int:
    """Write stored episodes, all unless ids are given, to ``path`` (``.jsonl`` or ``.parquet``); return how many."""
    write = _write_jsonl if _kind(path) == ".jsonl" else _write_parquet
    done = 0

    def records() -> Iterator[EpisodeRecord]:
        nonlocal done
        for episode_id in store.episode_ids() if episode_ids is None else episode_ids:
            yield store.episode(episode_id)
            done += 1
            on_progress(done)

    with whole_file(path) as part:
        write(records(), part)
    return done


def import_episodes(store: Store, path: Path, *, on_progress: Callable[[int], None] = lambda done: None) -> Imported:
    """Bring the episodes of a file into ``store``, all or none; those that are there stay as they are.

    Raises ``BadInput`` with the line or row for anything that is no episode, and changes nothing.
    """
    place, records = ("line", _read_jsonl(path)) if _kind(path) == ".jsonl" else ("row", _read_parquet(path))
    count = new = 0
    with store.transaction():
        for number, record in records:
            known = store.scores(record.id) is not None
            try:
                check(record)
            except (BadInput, ValueError) as error:
                raise BadInput(f"{path}, {place} {number}: {error}; nothing was imported") from None
            try:
                store.save(record)
            except OverflowError:
                raise BadInput(f"{path}, {place} {number}: a number is out of range; nothing was imported") from None
            count, new = count + 1, new + (not known)
            on_progress(count)
    return Imported(count, new)


def _kind(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in (".jsonl", ".parquet"):
        raise BadInput(f"{path}: episodes are exchanged as .jsonl or .parquet; end the name with one of them")
    return suffix


# JSON Lines.


@cache
def _lines() -> "TypeAdapter[Line]":
    from pydantic import TypeAdapter

    return TypeAdapter(Line)


def _write_jsonl(records: Iterable[EpisodeRecord], path: Path) -> None:
    with path.open("wb") as file:
        for record in records:
            file.write(_lines().dump_json(Line(FORMAT, record)) + b"\n")


def _read_jsonl(path: Path) -> Iterator[tuple[int, EpisodeRecord]]:
    if not path.is_file():
        raise BadInput(f"there is no file {path}")
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, _parse(line, f"{path}, line {number}")


def _parse(line: bytes | str, place: str) -> EpisodeRecord:
    """One line, with every value of its declared type; raises ``BadInput`` that says where it is not."""
    from pydantic import ValidationError

    try:
        read = _lines().validate_json(line, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise BadInput(
            f"{place}: {where + ': ' if where else ''}{first['msg']}; nothing was imported (is this a file of "
            "`cornerman episodes export`?)"
        ) from None
    return brought_up(read.episode) if read.format == OLDER else read.episode


# Parquet: the same fields as nested columns.


@cache
def _schema(file_format: str = FORMAT) -> Any:
    import pyarrow as pa

    text, whole, real = pa.string(), pa.int64(), pa.float64()
    seat = {"seat": whole, "player": text, "model": text, "prompt_id": text, "score": real, "result": real}
    turn = {
        "n": whole,
        "seat": whole,
        "tick": whole,
        "lands": whole,
        "order": whole,
        "observation": text,
        "situation": pa.map_(text, text),
        "legal_moves": pa.list_(text),
        "messages": pa.list_(pa.struct({"role": text, "content": text})),
        "reply": text,
        "reply_class": text,
        "move": text,
        "latency_ms": real,
        "tokens_in": whole,
        "tokens_out": whole,
        "cost_usd": real,
        "reward": real,
        "fingerprint": text,
        "ended_ms": real,
        "split": pa.struct({"first": text, "rest": text, "lands": whole, "order": whole}),
    }
    if file_format == FORMAT:
        seat["identity"] = text
        turn |= {"values": pa.map_(text, real), "listed": pa.bool_(), "thought": text}
    fault = {"where": text, "kind": text, "message": text, "traceback": text, "seat": whole, "player": text}
    fault |= {"turn": whole, "tick": whole, "times": whole}
    given = {"seat": whole, "decision": whole, "move": text, "fate": text, "tick": whole}
    columns = {
        "format": text,
        "id": text,
        "game": text,
        "seed": whole,
        "clock": text,
        "purpose": text,
        "pair_id": text,
        "night_id": text,
        "started": text,
        "seconds": real,
        "ticks": whole,
        "ended_by": text,
        "final_fingerprint": text,
        "seats": pa.list_(pa.struct(seat)),
        "turns": pa.list_(pa.struct(turn)),
        "inputs": pa.list_(pa.struct(given)),
    }
    if file_format == FORMAT:
        columns["faults"] = pa.list_(pa.struct(fault))
    return pa.schema(columns)


def _write_parquet(records: Iterable[EpisodeRecord], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetWriter(path, _schema(), compression="zstd") as writer:
        rest = iter(records)
        while group := [_row(record) for record in islice(rest, ROW_GROUP)]:
            writer.write_table(pa.Table.from_pylist(group, _schema()))


def _row(record: EpisodeRecord) -> dict[str, Any]:
    row: dict[str, Any] = _lines().dump_python(Line(FORMAT, record), mode="json")["episode"]
    for turn in row["turns"]:
        turn["situation"] = list(turn["situation"].items())
        turn["values"] = list(turn["values"].items())
    return {"format": FORMAT, **row}


def _read_parquet(path: Path) -> Iterator[tuple[int, EpisodeRecord]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise BadInput(f"there is no file {path}")
    try:
        with pq.ParquetFile(path) as file:
            if not any(file.schema_arrow.equals(_schema(known)) for known in (FORMAT, OLDER)):
                raise BadInput(f"{path} holds no episodes of this version: export them again with `episodes export`")
            number = 0
            for batch in file.iter_batches(batch_size=ROW_GROUP):
                for row in batch.to_pylist(maps_as_pydicts="strict"):
                    number += 1
                    line = {"format": row.pop("format"), "episode": row}
                    yield number, _parse(json.dumps(line), f"{path}, row {number}")
    except (pa.ArrowInvalid, OSError, KeyError) as error:
        raise BadInput(f"{path} is no Parquet file, or a damaged one: {str(error).splitlines()[0]}") from None
