"""Export and import: nothing is lost, nothing is half-written, and a bad line is named."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_records import record, records

from episodes.exchange import Imported, export_episodes, import_episodes
from episodes.record import EpisodeRecord
from episodes.store.store import Store
from models.errors import BadInput

BOTH = pytest.mark.parametrize("kind", ["jsonl", "parquet"])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "from.db") as opened:
        yield opened


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "to.db") as opened:
        yield opened


@BOTH
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=st.lists(records(), max_size=3, unique_by=lambda one: one.id))
def test_nothing_is_lost(tmp_path_factory: pytest.TempPathFactory, kind: str, found: list[EpisodeRecord]) -> None:
    folder = tmp_path_factory.mktemp("exchange")
    with Store.open(folder / "from.db") as store, Store.open(folder / "to.db") as other:
        for one in found:
            store.save(one)
        path = folder / f"e.{kind}"
        assert export_episodes(store, path) == len(found)
        assert import_episodes(other, path) == Imported(len(found), len(found))
        for one in found:
            assert other.episode(one.id) == one
            for mine, theirs in zip(one.turns, other.episode(one.id).turns, strict=True):
                assert list(mine.situation) == list(theirs.situation)
                assert list(mine.values) == list(theirs.values)


@BOTH
def test_import_is_idempotent(tmp_path: Path, store: Store, other: Store, kind: str) -> None:
    store.save(record("e1"))
    store.save(record("e2"))
    other.save(record("e2", seed=99))
    path = tmp_path / f"e.{kind}"
    export_episodes(store, path)
    assert import_episodes(other, path) == Imported(2, 1)
    assert import_episodes(other, path) == Imported(2, 0)
    assert other.episode("e2").seed == 99  # what is there stays as it was


@BOTH
def test_only_those_asked_for(tmp_path: Path, store: Store, other: Store, kind: str) -> None:
    for name in ("e1", "e2", "e3"):
        store.save(record(name))
    told: list[int] = []
    assert export_episodes(store, tmp_path / f"e.{kind}", ["e3", "e1"], on_progress=told.append) == 2
    assert told == [1, 2]
    import_episodes(other, tmp_path / f"e.{kind}")
    assert sorted(other.episode_ids()) == ["e1", "e3"]


def test_a_line_is_an_object_that_anybody_can_read(tmp_path: Path, store: Store) -> None:
    store.save(record())
    export_episodes(store, tmp_path / "e.jsonl")
    line = json.loads((tmp_path / "e.jsonl").read_text())
    assert line["format"] == "cornerman-episode-3"
    assert line["episode"]["turns"][0]["messages"][0] == {"role": "system", "content": "the rules"}


def line(change: Callable[[dict[str, Any]], object]) -> str:
    """A good line after ``change``."""
    from episodes.exchange import FORMAT, Line, _lines

    loaded = json.loads(_lines().dump_json(Line(FORMAT, record("bad"))))
    change(loaded)
    return json.dumps(loaded)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("this is no JSON", "Invalid JSON"),
        ("[]", "an object"),
        (line(lambda one: one.update(format="other-2")), "format"),
        (line(lambda one: one["episode"].pop("seed")), "episode.seed"),
        (line(lambda one: one["episode"].update(seed="7")), "episode.seed"),
        (line(lambda one: one["episode"].update(seed=2**64)), "64 bits"),
        (line(lambda one: one["episode"].update(purpose="fun")), "episode.purpose"),
        (line(lambda one: one["episode"]["turns"][2].update(reply_class="maybe")), "episode.turns.2.reply_class"),
        (line(lambda one: one["episode"]["turns"][2].update(n=7)), "numbered from 0"),
        (line(lambda one: one["episode"]["turns"][2].update(tick=2**64)), "out of range"),
        (line(lambda one: one["episode"]["seats"][0].update(score=0.9)), "score"),
        (line(lambda one: one["episode"]["turns"][1]["situation"].update(distance=3)), "situation"),
        (line(lambda one: one["episode"]["turns"][1]["values"].update(jab="much")), "episode.turns.1.values.jab"),
        (line(lambda one: one["episode"]["turns"][1]["values"].update(jab=float("nan"))), "finite numbers"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_imported(tmp_path: Path, store: Store, bad: str, said: str) -> None:
    good = line(lambda one: one["episode"].update(id="good"))
    (tmp_path / "e.jsonl").write_text(f"{good}\n\n{bad}\n")
    with pytest.raises(BadInput, match=said) as error:
        import_episodes(store, tmp_path / "e.jsonl")
    assert "e.jsonl, line 3" in str(error.value)
    assert "\n" not in str(error.value)
    assert store.episode_ids() == []
    assert store.db["texts"].count == 0


def test_a_bad_row_of_parquet_is_named(tmp_path: Path, store: Store, other: Store) -> None:
    import pyarrow.parquet as pq

    store.save(record("e1"))
    store.save(record("e2"))
    export_episodes(store, tmp_path / "e.parquet")
    table = pq.read_table(tmp_path / "e.parquet")
    place = table.schema.get_field_index("ended_by")
    pq.write_table(
        table.set_column(place, table.schema.field(place), [["result", "boredom"]]), tmp_path / "bad.parquet"
    )
    with pytest.raises(BadInput, match=r"bad.parquet, row 2: episode.ended_by"):
        import_episodes(other, tmp_path / "bad.parquet")
    assert other.episode_ids() == []
    pq.write_table(table.drop_columns(["seed"]), tmp_path / "less.parquet")
    with pytest.raises(BadInput, match="no episodes of this version"):
        import_episodes(other, tmp_path / "less.parquet")


@BOTH
def test_files_that_are_none(tmp_path: Path, store: Store, kind: str) -> None:
    with pytest.raises(BadInput, match="there is no file"):
        import_episodes(store, tmp_path / f"none.{kind}")
    (tmp_path / f"noise.{kind}").write_bytes(b"\x00\xff\xfe" * 1000)
    with pytest.raises(BadInput, match="noise"):
        import_episodes(store, tmp_path / f"noise.{kind}")
    with pytest.raises(BadInput, match="no folder"):
        export_episodes(store, tmp_path / "nowhere" / f"e.{kind}")


def test_other_endings(tmp_path: Path, store: Store) -> None:
    for call in (export_episodes, import_episodes):
        with pytest.raises(BadInput, match="end the name"):
            call(store, tmp_path / "e.pickle")


@BOTH
def test_an_export_that_fails_leaves_the_old_file(tmp_path: Path, store: Store, kind: str) -> None:
    store.save(record())
    path = tmp_path / f"e.{kind}"
    export_episodes(store, path)
    before = path.read_bytes()
    with pytest.raises(BadInput, match="no episode"):
        export_episodes(store, path, ["e1", "nowhere"])
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir() if "part" in found.name] == []


def test_many_groups(tmp_path: Path, store: Store, other: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("episodes.exchange.ROW_GROUP", 3)
    for n in range(8):
        store.save(replace(record(f"e{n}"), turns=record().turns[: n % 4]))
    export_episodes(store, tmp_path / "e.parquet")
    assert import_episodes(other, tmp_path / "e.parquet") == Imported(8, 8)
    assert all(other.episode(f"e{n}") == store.episode(f"e{n}") for n in range(8))
