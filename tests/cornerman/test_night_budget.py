"""A night of a paid model that stops at its budget: what it spent and kept, and that a raised limit continues it.

The model is served on loopback, and the server counts what it answered: the ledger is held against that.
"""

import json
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ray_games import COST, KEY, MODEL, Fighter, configuration
from typer.testing import CliRunner
from waiting import rows_of

from cornerman.cli import app
from episodes.store.store import Store

LIMIT = 0.085
"""US dollars: enough for the games of the first stage, and not for a night."""

AT_ONCE = 4


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(KEY, "sk-secret")
    monkeypatch.delenv("CORNERMAN_CONFIG", raising=False)
    return tmp_path


def night() -> dict[str, Any]:
    done = CliRunner().invoke(app, ["night", "--size", "smoke", "--json"])
    assert done.exit_code in (0, 1), done.output
    return dict(json.loads(done.stdout))


def spending(db: Path) -> tuple[int, float]:
    """Calls and US dollars that the store says were spent on the paid model, whatever the night."""
    ((calls, usd),) = rows_of(db, f"select sum(calls), sum(cost_usd) from spending where model = '{MODEL}'")
    return calls, usd


def whole_games(db: Path) -> dict[str, tuple[str, int, str]]:
    """Each stored episode with its pair, its seed and who sat where; every one verified to be whole."""
    with closing(Store.open(db, write=False)) as store:
        ids = store.episode_ids()
        assert all(store.wrong_totals(one) == [] for one in ids)
    query = (
        "select e.id, e.pair_id, e.seed, group_concat(s.player) from episodes e "
        "join (select * from seats order by seat) s on s.episode_id = e.id group by e.id"
    )
    found = {row[0]: tuple(row[1:]) for row in rows_of(db, query)}
    assert found.keys() == set(ids)
    return found


def test_a_night_stops_at_its_budget_and_its_money_stays_spent(folder: Path) -> None:
    db = folder / "cornerman.db"
    with Fighter() as server:
        path = configuration(folder, server.url, usd=LIMIT)
        path.write_text(path.read_text().replace("[player]\n", f"[player]\nconcurrency = {AT_ONCE}\n"))
        result = night()
        answered, (calls, usd), games = server.answered, spending(db), whole_games(db)

        assert result["status"] == "stopped"
        ((status, error),) = rows_of(db, "select status, error from nights")
        assert status == "stopped"
        wanted, left, limit = map(float, re.findall(r"\$([\d.]+)", error))
        assert left <= wanted and limit == LIMIT
        # Every answer was paid for, a call that was given up when the money was out at its worst case; never beyond.
        assert 0 <= calls - answered <= AT_ONCE
        assert answered * COST <= usd + 1e-9
        assert usd <= LIMIT + 1e-9
        assert usd > LIMIT - AT_ONCE * wanted, "there was money left"
        assert len(games) > 1
        assert len(set(games.values())) == len(games), "a game was played twice"
        turns = rows_of(db, f"select sum(turns), sum(cost_usd) from seats where model = '{MODEL}'")
        assert 0 < turns[0][0] <= answered
        assert turns[0][1] == pytest.approx(turns[0][0] * COST)

        again = night()
        assert again["status"] == "stopped"
        assert again["night"] == result["night"]
        assert rows_of(db, "select count(*) from nights") == [(1,)]
        later_calls, later_usd = spending(db)
        later = whole_games(db)

        # As its message says: the limit is raised, and the same night goes on, with its seeds and its plan.
        ((shaping, plan),) = rows_of(db, "select shaping, plan from runs")
        path.write_text(path.read_text().replace(f"usd = {LIMIT}", f"usd = {4 * LIMIT}"))
        raised = night()
        assert raised["night"] == result["night"]
        assert rows_of(db, "select shaping, plan from runs") == [(shaping, plan)]
        most_calls, most_usd = spending(db)
        assert server.answered <= most_calls, "a call was not booked"
        assert later_usd < most_usd <= 4 * LIMIT + 1e-9
        assert server.answered * COST <= most_usd + 1e-9
        most = whole_games(db)
        assert later.items() < most.items(), "nothing more was played"
        assert len(set(most.values())) == len(most)
    assert calls <= later_calls and usd <= later_usd <= LIMIT + 1e-9
    assert games.items() <= later.items(), "a finished game was lost"
    assert len(set(later.values())) == len(later)
