"""17lands files: what is read of them, in what memory, and what is said of those that are broken."""

import csv
import gzip
import tracemalloc
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from made_drafts import header, lines, made_set, play_tables, write_drafts

from episodes.games.draft.drafts import Draft, DraftFile, read_drafts
from episodes.games.draft.prepared import place_of, prepare
from episodes.games.draft.rows import read_rows, whole
from episodes.games.draft.split import (
    HELD_OUT_CARDS,
    HELD_OUT_HOURS,
    is_top,
    is_unseen,
    order_of,
    side_of,
    without_unseen,
)
from models.errors import BadInput

HEAD = ["expansion", "event_type", "draft_id", "draft_time", "rank", "event_match_wins", "event_match_losses"]
CARDS = ["Ash, the Bold", "Bear", "Cinder", 'The "Drake"']


def row(place: tuple[str, int, int], pick: str, held: list[int], pool: list[int], **over: str) -> dict[str, str]:
    """One row of a small file of four cards: its draft, pack and pick number, and what it says; ``over`` replaces."""
    draft, pack, number = place
    found = dict.fromkeys(HEAD, "x") | {"draft_id": draft, "draft_time": "2026-01-01 10:00:00", "event_match_wins": "7"}
    found |= {"pack_number": str(pack), "pick_number": str(number), "pick": pick}
    found |= {f"pack_card_{card}": str(count) for card, count in zip(CARDS, held, strict=True)}
    found |= {f"pool_{card}": str(count) for card, count in zip(CARDS, pool, strict=True)}
    return found | {"user_n_games_bucket": "100", "user_game_win_rate_bucket": "0.62"} | over


def draft_rows(draft: str, **over: str) -> list[dict[str, str]]:
    """Two packs of three cards, a person alone at the table."""
    return [
        row((draft, 0, 0), "Ash, the Bold", [1, 2, 0, 0], [0, 0, 0, 0], **over),
        row((draft, 0, 1), "Bear", [0, 2, 0, 0], [1, 0, 0, 0], **over),
        row((draft, 0, 2), "Bear", [0, 1, 0, 0], [1, 1, 0, 0], **over),
        row((draft, 1, 0), 'The "Drake"', [0, 0, 2, 1], [1, 2, 0, 0], **over),
        row((draft, 1, 1), "Cinder", [0, 0, 2, 0], [1, 2, 0, 1], **over),
        row((draft, 1, 2), "Cinder", [0, 0, 1, 0], [1, 2, 1, 1], **over),
    ]


def written(path: Path, rows: list[dict[str, str]], columns: list[str] | None = None) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns or list(rows[0]), extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def drafts_of(path: Path) -> tuple[list[Draft], DraftFile]:
    found = read_drafts(path)
    return list(found.drafts), found


def refused(path: Path) -> str:
    with pytest.raises(BadInput) as error:
        drafts_of(path)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_draft_is_its_rows_in_order_with_packs_picks_and_pools(tmp_path: Path) -> None:
    (draft,), found = drafts_of(written(tmp_path / "small.csv", draft_rows("a")))
    assert found.cards == tuple(CARDS)
    assert (draft.id, draft.time, draft.games, draft.win_rate) == ("a", "2026-01-01 10:00:00", 100, 0.62)
    assert [pick.taken for pick in draft.picks][:4] == [("Ash, the Bold",), ("Bear",), ("Bear",), ('The "Drake"',)]
    assert draft.picks[0].pack == ("Ash, the Bold", "Bear", "Bear")
    assert draft.pools()[:3] == [(), ("Ash, the Bold",), ("Ash, the Bold", "Bear")]
    assert (found.census.rows, found.census.drafts, found.census.odd_pools) == (6, 1, 0)


def test_how_the_event_went_is_nowhere_in_a_draft(tmp_path: Path) -> None:
    won, _ = drafts_of(written(tmp_path / "won.csv", draft_rows("a", event_match_wins="7")))
    lost, _ = drafts_of(written(tmp_path / "lost.csv", draft_rows("a", event_match_wins="0")))
    assert won == lost


@pytest.mark.parametrize("odd", ["floats", "blanks", "quoted", "windows", "bom", "twice zipped", "shuffled rows",
                                 "columns in another order", "no pools", "no rank", "no last newline"])  # fmt: skip
def test_odd_files_mean_the_same(tmp_path: Path, odd: str) -> None:
    rows = draft_rows("a") + draft_rows("b")
    expected, _ = drafts_of(written(tmp_path / "plain.csv", rows))
    counts = [name for name in rows[0] if name.startswith(("pack_card_", "pool_"))]
    columns = list(rows[0])
    if odd == "floats":
        rows = [one | {name: f"{one[name]}.0" for name in counts} for one in rows]
    if odd == "blanks":
        rows = [one | {name: one[name] if one[name] != "0" else "" for name in counts} for one in rows]
    if odd == "shuffled rows":
        rows = [*rows[5::-1], *rows[6:]]
    if odd == "columns in another order":
        columns = [*columns[10:14], *columns[:10], *columns[14:]][::-1]
        columns = [name for name in columns if name not in counts] + [name for name in columns if name in counts][::-1]
        columns.insert(columns.index(counts[2]), columns.pop(0))
    if odd == "no pools":
        columns = [name for name in columns if not name.startswith("pool_")]
    if odd == "no rank":
        columns.remove("rank")
        expected = [replace(one, rank="") for one in expected]
    path = written(tmp_path / "odd.csv", rows, columns)
    data = path.read_bytes()
    if odd == "quoted":
        data = b"\n".join(b",".join(b'"%s"' % f for f in one) for one in _fields(data))
    if odd == "windows":
        data = data.replace(b"\n", b"\r\n")
    if odd == "bom":
        data = b"\xef\xbb\xbf" + data
    if odd == "no last newline":
        data = data.removesuffix(b"\n")
    if odd == "twice zipped":
        data = gzip.compress(data[:700]) + gzip.compress(data[700:]) + b"\0" * 8
    path.write_bytes(data)
    found, file = drafts_of(path)
    if odd == "columns in another order":
        assert set(file.cards) == set(CARDS)
        found, expected = [_sorted(draft) for draft in found], [_sorted(draft) for draft in expected]
    assert found == expected


def _fields(data: bytes) -> list[list[bytes]]:
    rows = csv.reader(data.decode().splitlines())
    return [[field.replace('"', '""').encode() for field in one] for one in rows]


def _sorted(draft: Draft) -> Draft:
    return replace(draft, picks=tuple(replace(pick, pack=tuple(sorted(pick.pack))) for pick in draft.picks))


def test_two_picks_a_pack(tmp_path: Path) -> None:
    rows = [
        row(("a", 0, 0), "Bear", [1, 2, 1, 0], [0, 0, 0, 0], pick_2="Bear"),
        row(("a", 0, 1), "Cinder", [1, 0, 1, 0], [0, 2, 0, 0], pick_2="Ash, the Bold"),
    ]
    (draft,), _ = drafts_of(written(tmp_path / "two.csv", rows))
    assert [pick.taken for pick in draft.picks] == [("Bear", "Bear"), ("Cinder", "Ash, the Bold")]
    rows[0]["pack_card_Bear"] = "1"
    found, file = drafts_of(written(tmp_path / "two.csv", rows))
    assert found == [] and sum(file.census.left_out.values()) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"pick": "Cinder"}, "a card was taken that is not in the pack"),
        ({"pick": "Nobody"}, "a card was taken that is not in the pack"),
        ({"pick": ""}, "a card was taken that is not in the pack"),
        ({"pick_number": "0"}, "rows are missing, or there twice"),
        ({"pick_number": "5"}, "rows are missing, or there twice"),
        ({"pack_number": "3"}, "rows are missing, or there twice"),
    ],
)
def test_drafts_that_contradict_themselves_are_left_out_and_counted(
    tmp_path: Path, change: dict[str, str], reason: str
) -> None:
    rows = draft_rows("a") + draft_rows("b") + draft_rows("c")
    rows[7] |= change
    found, file = drafts_of(written(tmp_path / "odd.csv", rows))
    assert [draft.id for draft in found] == ["a", "c"]
    assert file.census.left_out == Counter({reason: 1})


def test_an_unfinished_draft_is_left_out_and_odd_pools_are_told(tmp_path: Path) -> None:
    found, file = drafts_of(
        written(tmp_path / "cut.csv", [*draft_rows("a")[:-2], *draft_rows("b")[1:], *draft_rows("c")[:-1]])
    )
    assert [draft.id for draft in found] == ["c"]  # only its last card is missing, which was nobody's choice
    assert file.census.left_out == Counter({"rows are missing, or there twice": 2})
    rows = draft_rows("a")
    rows[3]["pool_Bear"] = "9"
    found, file = drafts_of(written(tmp_path / "pools.csv", rows))
    assert len(found) == 1 and file.census.odd_pools == 1
    assert found[0].pools()[3] == ("Ash, the Bold", "Bear", "Bear")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("pack_card_Cinder", "two", "row 4, column pack_card_Cinder: 'two' is no number of cards"),
        ("pool_Bear", "-1", "row 4, column pool_Bear: '-1' is no number of cards"),
        ("pool_Bear", "0.5", "row 4, column pool_Bear: '0.5' is no number of cards"),
        ("pick_number", "late", "row 4, column pick_number: 'late' is no whole number"),
        ("pack_number", "", "row 4, column pack_number: '' is no whole number"),
    ],
)
def test_a_wrong_number_is_named_with_its_row_and_column(tmp_path: Path, name: str, value: str, says: str) -> None:
    rows = draft_rows("a")
    rows[2][name] = value
    assert refused(written(tmp_path / "wrong.csv", rows)) == f"{tmp_path / 'wrong.csv'}, {says}"


@pytest.mark.parametrize("name", ["draft_id", "pick", "pack_number", "user_game_win_rate_bucket", "expansion"])
def test_a_missing_column_is_named(tmp_path: Path, name: str) -> None:
    rows = draft_rows("a")
    path = written(tmp_path / "missing.csv", rows, [column for column in rows[0] if column != name])
    assert refused(path).startswith(f"{path}, row 1: there is no column {name}")


def test_files_that_are_none_of_17lands_say_so(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    assert "there is no file" in refused(path)
    for data, says in (
        (b"", "row 1: there is no column expansion"),
        (b"a,b\n1,2\n", "row 1: there is no column expansion"),
        (b"\xff\xfe\0\n", "row 1: the header cannot be read"),
        (",".join([*HEAD, "pack_number", "pick_number", "pick"]).encode(), "no column user_n_games_bucket"),
    ):
        path.write_bytes(data)
        assert says in refused(path)
    rows = draft_rows("a")
    path = written(path, rows, [name for name in rows[0] if "card" not in name])
    assert "there are no columns pack_card_NAME" in refused(path)
    path.write_text(written(path, rows).read_text().replace("user_n_games_bucket", "rank", 1))
    assert "there are two columns 'rank'" in refused(path)


def test_a_file_that_is_cut_off_says_where(tmp_path: Path) -> None:
    plain = written(tmp_path / "plain.csv", draft_rows("a")).read_bytes()
    cut = tmp_path / "cut.csv"
    cut.write_bytes(plain[:-25])
    assert "row 7" in refused(cut) and "is the file cut off here?" in refused(cut)
    whole_file = gzip.compress(plain)
    cut.write_bytes(whole_file[:-12])
    assert "is cut off after row" in refused(cut) and "in the middle of its gzip data" in refused(cut)
    cut.write_bytes(whole_file[:60] + b"\xff\x00\xff" + whole_file[63:])
    assert "is damaged after row" in refused(cut)


def test_a_draft_that_comes_back_is_refused(tmp_path: Path) -> None:
    rows = draft_rows("a")[:3] + draft_rows("b") + draft_rows("a")[3:]
    assert "row 11: draft 'a' goes on here after other drafts; sort the file" in refused(
        written(tmp_path / "apart.csv", rows)
    )


def test_a_made_file_reads_as_the_csv_module_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "made.csv.gz"
    made = write_drafts(path, tables=12, cards=60)
    found, file = drafts_of(path)
    with gzip.open(path, "rt") as text:
        rows = list(csv.DictReader(text))
    assert file.census.rows == len(rows) == 12 * 2 * 3 * 14
    assert any("," in name for name in made.names)
    expected = iter(rows)
    for draft in found:
        for pick, pool in zip(draft.picks, draft.pools(), strict=True):
            one = next(expected)
            assert pick.taken == (one["pick"],)
            assert Counter(pick.pack) == _counted(one, "pack_card_")
            assert Counter(pool) == _counted(one, "pool_")
    assert next(expected, None) is None


def _counted(one: dict[str, str], prefix: str) -> Counter[str]:
    return Counter(
        {name.removeprefix(prefix): int(n) for name, n in one.items() if name.startswith(prefix) and n != "0"}
    )


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "made.csv.gz"
    peaks = []
    for tables in (60, 300):
        write_drafts(path, tables=tables, cards=100)
        tracemalloc.start()
        rows = sum(len(batch.fields) for batch in read_rows(path)[1])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert rows == tables * 2 * 3 * 14
    assert peaks[1] < 1.3 * peaks[0]


@pytest.mark.parametrize(
    ("field", "value"), [(b"3", 3), (b"", 0), (b" ", 0), (b"1.0", 1), (b"10", 10), (b"1e1", 10), (b"-1", None),
                         (b"0.5", None), (b"nan", None), (b"inf", None), (b"x", None)],
)  # fmt: skip
def test_whole_numbers(field: bytes, value: int | None) -> None:
    assert whole(field) == value


# The split.


def test_top_drafters_win_often_over_many_games() -> None:
    assert is_top(100, 0.60) and is_top(1000, 0.7)
    assert not is_top(50, 0.7) and not is_top(500, 0.58) and not is_top(None, 0.7) and not is_top(500, None)


def test_the_split_is_by_the_hour_and_never_changes(tmp_path: Path) -> None:
    path = tmp_path / "made.csv"
    write_drafts(path, tables=400, cards=40, people=2)
    found, _ = drafts_of(path)
    sides = Counter(side_of(draft) for draft in found)
    assert 0.5 < sides["held-out"] * HELD_OUT_HOURS / len(found) < 1.6
    by_hour: dict[str, set[str]] = {}
    for draft in found:
        by_hour.setdefault(draft.time[:13], set()).add(side_of(draft))
    assert len(by_hour) == 400 and all(len(side) == 1 for side in by_hour.values())
    # A change of these would move drafts and cards from one side to the other under people's trained students.
    hours = [replace(found[0], time=f"2026-01-01 {hour:02}:30:00") for hour in range(24)]
    assert [one.time[11:13] for one in hours if side_of(one) == "held-out"] == ["02", "05"]
    assert side_of(replace(hours[2], id="another", time="2026-01-01T02:59:59")) == "held-out"
    untimed = [replace(found[0], time="", id=f"draft {n}") for n in range(40)]
    assert [n for n, one in enumerate(untimed) if side_of(one) == "held-out"] == [3, 8, 22, 31, 35]
    assert order_of(replace(found[0], id="b")) == 2179616324242804298
    assert [n for n in range(60) if is_unseen(f"Card {n}")] == [24, 25, 29, 54, 55]


def test_training_never_sees_a_held_out_card(tmp_path: Path) -> None:
    path = tmp_path / "made.csv"
    made = write_drafts(path, tables=20, cards=200)
    unseen = {name for name in made.names if is_unseen(name)}
    assert 0.4 < len(unseen) * HELD_OUT_CARDS / 200 < 1.8
    found, _ = drafts_of(path)
    for draft in found:
        shown = without_unseen(draft)
        assert not unseen & {card for pick in shown.picks for card in (*pick.pack, *pick.taken)}
        kept = [pick for pick in draft.picks if not unseen & set(pick.taken)]
        assert [pick.taken for pick in shown.picks] == [pick.taken for pick in kept]


# The prepared file.


def test_a_file_is_read_once_and_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "made.csv.gz"
    write_drafts(path, tables=30, cards=60)
    seen: list[tuple[int, int]] = []
    first = prepare(path, lambda done, total: seen.append((done, total)))
    size = path.stat().st_size
    assert seen[-1] == (size, size)
    assert sum(first.facts.sides.values()) < first.facts.drafts == 60
    assert prepare(path, lambda done, total: pytest.fail("read again")).facts == first.facts
    place_of(path).write_bytes(b"no database at all")
    assert prepare(path).facts == first.facts
    write_drafts(path, tables=31, cards=60)
    assert prepare(path).facts.drafts == 62
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


def test_every_top_draft_can_be_looked_up_on_its_side(tmp_path: Path) -> None:
    path = tmp_path / "made.csv"
    write_drafts(path, tables=40, cards=60)
    prepared = prepare(path)
    found, _ = drafts_of(path)
    for side in ("train", "held-out"):
        own = sorted((one for one in found if is_top(one.games, one.win_rate) and side_of(one) == side), key=order_of)
        assert [prepared.draft(side, at) for at in range(prepared.facts.sides[side])] == own


def test_a_file_without_top_drafters_and_a_folder_that_is_not_ours(tmp_path: Path) -> None:
    path = written(tmp_path / "weak.csv", draft_rows("a", user_game_win_rate_bucket=""))
    with pytest.raises(BadInput, match="no whole draft of a top drafter"):
        prepare(path)
    assert list(tmp_path.iterdir()) == [path]
    place_of(path).mkdir()
    write_drafts(path, tables=2, cards=30, top=1.0)
    with pytest.raises(BadInput, match="is a folder"):
        prepare(path)
    assert sorted(tmp_path.iterdir()) == [path, place_of(path)]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "made.csv"
    write_drafts(path, tables=2, cards=30, top=1.0)
    with path.open("rb") as file, pytest.raises(BadInput, match="cannot be written"):
        prepare(Path(f"/proc/self/fd/{file.fileno()}"))  # a folder that not even root writes to


def test_generated_lines_are_what_they_claim() -> None:
    import numpy as np

    made = made_set(cards=40)
    played = play_tables(made, 1, pack=5, top=1.0, draw=np.random.default_rng(1))
    text = (
        header(made) + "\n" + b"".join(lines(made, played, first=0, draw=np.random.default_rng(2), people=8)).decode()
    )
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == 8 * 3 * 5
    assert all(int(one[f"pack_card_{one['pick']}"]) >= 1 for one in rows)
    assert {one["pool_" + one["pick"]] for one in rows if one["pack_number"] == one["pick_number"] == "0"} == {"0"}
