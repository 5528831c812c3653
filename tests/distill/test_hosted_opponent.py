"""Teacher games against a chat model behind a server: its moves arrive, and one ledger sees what it spends."""

import asyncio
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from distill_setup import open_player
from faulty_server import FaultyServer

from distill.teach import Lessons, TeachReport, teach
from episodes.games.duel import GAME
from episodes.player import Player
from episodes.players.model import ModelPlayer
from episodes.store.store import Store
from models.errors import BudgetExhausted
from models.ledger import Ledger
from models.prices import Price
from models.registry import ModelOptions, open_model

OPPONENT = "openai:sparring@test"
TOKENS_IN, TOKENS_OUT, MOVE = 10, 3, "jab"
"""What the server answers and counts, whatever it is asked."""
PRICE = Price(1.0, 4.0)
COST = PRICE.cost(TOKENS_IN, TOKENS_OUT)
LIMIT = 60 * COST
"""Enough for the worst case of every call at once, and too little for the games."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    with FaultyServer() as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "s.db") as opened:
        yield opened


def elsewhere(opened: Path, name: str) -> Player:
    """A player in a worker, which leaves a file in ``opened``."""
    assert not name.startswith("openai:"), "a worker has a ledger of its own"
    (opened / f"{name} {os.getpid()}").touch()
    return open_player(name)


def play(
    store: Store, server: FaultyServer, teacher: str, ledger: Ledger, *more: str, workers: int | None = None
) -> TeachReport:
    """A pair of games of ``teacher`` against the opponent and ``more``; every chat model spends from ``ledger``."""

    def here(name: str) -> Player:
        if not name.startswith("openai:"):
            return open_player(name)
        spec = name.partition("@")[0]
        options = ModelOptions(base_url=server.url, ledger=ledger, prices={spec: PRICE}, max_retries=0)
        return ModelPlayer(name, open_model(spec, options), "Answer with a move.", "{situation}", max_tokens=8)

    lessons = Lessons(GAME, teacher, (OPPONENT, *more), (1,), "hosted")
    return asyncio.run(teach(store, lessons, partial(elsewhere, store.path.parent), here=here, workers=workers))


def turns_of(store: Store, player: str) -> int:
    """How many turns of ``player`` are stored, each of which must be what the server said and billed."""
    turns = 0
    for record in map(store.episode, store.episode_ids()):
        for turn in record.turns:
            if record.seats[turn.seat].player == player:
                turns += 1
                assert (turn.move, turn.reply.strip(), turn.cost_usd) == (MOVE, MOVE, COST)
                assert (turn.tokens_in, turn.tokens_out) == (TOKENS_IN, TOKENS_OUT)
    return turns


@pytest.mark.parametrize("teacher", ["openai:strong@test", "search:4"])
def test_what_the_opponent_spends_is_on_the_one_ledger(store: Store, server: FaultyServer, teacher: str) -> None:
    """Where a chat model behind a server plays, be it only the opponent, games are played in this process unasked."""
    ledger = Ledger(limit_usd=1.0)
    report = play(store, server, teacher, ledger)
    assert (report.played, report.faults, len(store.episode_ids())) == (2, (), 2)
    calls = {name: turns_of(store, f"{name}@test") for name in ("openai:sparring", "openai:strong")}
    assert calls["openai:sparring"] > 10 and (calls["openai:strong"] > 10) == (teacher != "search:4")
    assert sum(calls.values()) == len(server.requests)
    for name, total in ledger.totals().items():
        assert (total.calls, total.tokens_in, total.tokens_out) == (
            calls[name],
            calls[name] * TOKENS_IN,
            calls[name] * TOKENS_OUT,
        )
        assert total.cost_usd == pytest.approx(calls[name] * COST)
    assert set(ledger.totals()) == {name for name, count in calls.items() if count}


@pytest.mark.parametrize("workers", [None, 1])
def test_only_games_of_a_served_model_keep_a_search_in_this_process(
    store: Store, server: FaultyServer, workers: int | None
) -> None:
    """All others are played by workers: a search that waits for its turn here holds up the model's answers."""
    ledger = Ledger(limit_usd=1.0)
    report = play(store, server, "search:4", ledger, "bot:random", workers=workers)
    assert (report.played, report.faults, len(report.episodes)) == (4, (), 4)
    assert ledger.totals()["openai:sparring"].calls == turns_of(store, OPPONENT) == len(server.requests) > 10
    opened = [file.name.split() for file in store.path.parent.glob("*:*")]
    assert {name for name, _ in opened} == {"search:4", "bot:random"}
    assert str(os.getpid()) not in {process for _, process in opened}


def test_a_limit_stops_the_lessons_and_a_higher_one_continues_them(store: Store, server: FaultyServer) -> None:
    ledger = Ledger(limit_usd=LIMIT)
    with pytest.raises(BudgetExhausted, match="raise budget"):
        play(store, server, "openai:strong@test", ledger)
    assert len(server.requests) > 4, "both games had begun"
    assert ledger.spent_usd <= LIMIT
    assert ledger.spent_usd >= len(server.requests) * COST - 1e-9
    kept = {one: store.episode(one) for one in store.episode_ids()}
    report = play(store, server, "openai:strong@test", Ledger(limit_usd=1.0, spent=ledger.totals()))
    assert (report.played, len(report.episodes)) == (2 - len(kept), 2)
    assert all(store.episode(one) == record for one, record in kept.items())
