"""Lost decisions: counted by class and by side, told with the way out, and what each player is held to."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cornerman.cli import app
from cornerman.losing import HINTS, HOLD, KINDS, Answers, lines, lost_words
from cornerman.report.view import Cost
from cornerman.report.words import losses
from episodes.player import ReplyClass
from episodes.store.lost import FIELDS, Lost, lost_by_player, lost_in
from episodes.store.store import Store

SAYS = {
    "guard.jsonl": ["guard"],
    "lost.jsonl": ["I shall win", "", "super", "I cannot help with that.", "guard"],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Scripts that answer in turn: one always well, one hardly ever."""
    monkeypatch.chdir(tmp_path)
    for name, said in SAYS.items():
        (tmp_path / name).write_text("".join(json.dumps({"reply": text}) + "\n" for text in said * 400))
    return tmp_path


def run(*words: str) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code in (0, 1), result.output
    return result.stdout


def test_play_counts_every_class_by_side_and_says_what_mends_it(folder: Path) -> None:
    words = ("play", "scripted:lost.jsonl@base", "scripted:guard.jsonl@base", "--episodes", "2", "--db", "s.db")
    found = json.loads(run(*words, "--json"))
    lost, well = found["answers"]["a"]["lost"], found["answers"]["b"]["lost"]
    for kind in ("unparsable", "empty", "illegal", "refused"):
        assert lost[kind] > 0, kind
        assert well[kind] == 0
    assert found["unreadable"] == lost["unparsable"] + lost["empty"] + lost["truncated"]
    assert found["illegal"] == lost["illegal"]
    assert found["turns"] == lost["turns"] + well["turns"]
    assert (found["answers"]["a"]["held"], found["answers"]["a"]["hint"] in HINTS.values()) == ("free", True)
    shown = run(*words)
    assert "asked: scripted:lost.jsonl@base free text, scripted:guard.jsonl@base free text" in shown
    assert f"{lost['illegal']} illegal and {lost['unparsable']} unreadable and {lost['empty']} empty" in shown
    assert f"decisions: {found['answers']['a']['hint']}" in shown
    with Store.open(folder / "s.db", write=False) as store:
        by_seat, by_player = lost_in(store, found["ids"]), lost_by_player(store, found["ids"])
        assert sum(by_seat.values(), Lost()) == sum(by_player.values(), Lost())
        assert {player: found.all > 0 for (player, *_), found in by_player.items()} == {
            "scripted:lost.jsonl@base": True,
            "scripted:guard.jsonl@base": False,
        }
        turns = [turn for one in found["ids"] for turn in store.episode(one).turns]
        for kind, name in FIELDS.items():
            counted = sum(turn.reply_class == kind for turn in turns)
            assert counted == sum(getattr(one, name) for one in by_seat.values())


def test_compare_latency_and_the_colosseum_do_so_too(folder: Path) -> None:
    pair = ("scripted:lost.jsonl@base", "scripted:guard.jsonl@base")
    compared = json.loads(run("compare", *pair, "--max-pairs", "1", "--confirm-pairs", "0", "--json"))
    assert compared["answers"]["a"]["lost"]["empty"] > 0 == compared["answers"]["b"]["lost"]["empty"]
    slow = ("--clock", "simulated:50", "--factors", "0", "--pairs", "1")
    assert " decisions: " in run("latency", *pair, *slow)
    (folder / "players.toml").write_text("".join(f'[[players]]\nplayer = "{one}"\n' for one in pair))
    held = json.loads(run("colosseum", "players.toml", "--pairs", "1", "--json"))
    assert held["answers"][pair[0]]["lost"]["empty"] > 0 == held["answers"][pair[1]]["lost"]["empty"]
    rows = {row["player"]: row for row in held["players"]}
    assert rows[pair[0]]["empty"] > 0
    shares = [sum(row[kind] for kind in ("unparsable", "empty", "truncated")) for row in rows.values()]
    assert shares == pytest.approx([row["unreadable"] for row in rows.values()])
    assert "empty" in run("colosseum", "players.toml", "--pairs", "1")


def test_every_class_has_its_field_its_word_and_its_way_out() -> None:
    assert set(FIELDS) == set(ReplyClass) - {ReplyClass.MOVE}
    assert set(FIELDS.values()) == set(KINDS) == set(HINTS) == set(Lost.__slots__) - {"turns"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_hint_fits_what_is_lost_most(kind: str) -> None:
    few, many = Lost(turns=100, **{kind: 10}), Lost(turns=100, **{kind: 11})
    assert Answers("free", few).hint == ""
    assert Answers("free", many).hint == HINTS[kind]
    held = Answers("free", many, can="plans").hint
    assert held == (HOLD if kind in ("illegal", "unparsable") else HINTS[kind])
    assert Answers("plans", many, can="plans").hint == HINTS[kind]


def test_what_is_said_of_players() -> None:
    assert lost_words(Lost(9)) == "none"
    found = [("A", Answers("plans", Lost(10, truncated=2))), ("B", Answers(None, Lost(10)))]
    assert list(lines(found)) == [
        "asked: A held to plans",
        "lost decisions: A 2 truncated, B none",
        f"A lost 2 of 10 decisions: {HINTS['truncated']}",
    ]


def test_free_is_asked_on_the_command_line_or_in_the_file(folder: Path) -> None:
    words = ("play", "rookie@base", "bot:turtle", "--episodes", "1", "--json")
    held = json.loads(run(*words))
    free = json.loads(run(*words, "--free"))
    assert (held["answers"]["a"]["held"], free["answers"]["a"]["held"]) == ("moves", "free")
    assert not set(held["ids"]) & set(free["ids"]), "another match"
    (folder / "cornerman.toml").write_text("[player]\nfree = true\n")
    again = json.loads(run(*words))
    assert (again["answers"]["a"]["held"], again["ids"]) == ("free", free["ids"])
    assert again["answers"]["b"]["held"] is None, "a bot is no model"


def test_a_report_says_who_lost_much_and_the_way_out() -> None:
    lost = {"m@base": Lost(10, truncated=2), "n@base": Lost(10)}
    rows = [Cost(name, 1, one.turns, 0, 0, 0.0, None, one) for name, one in lost.items()]
    assert losses(rows) == (f"m@base lost 2 of 10 decisions (2 truncated): {HINTS['truncated']}.",)
