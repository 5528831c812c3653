"""What travels to workers and back, and the budget that is lent to them, without Ray."""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_chat import FakeChat
from ray_games import KEY, MODEL, Fighter, configuration

from cornerman.options import with_ray_address
from cornerman.scale.cluster import Cluster, checked_address
from cornerman.scale.lease import Leased, Purse
from cornerman.scale.tickets import Fault, Grant, Reply, Setup, Ticket, decode, encode, player_card, ticket
from cornerman.scale.worker import Worker
from cornerman.workplace import Workplace, joined, workplace
from episodes.clock import Clock
from episodes.play import Match, play_episode
from episodes.record import EpisodeRecord
from models.chat import ChatRequest, Completion, Message, Usage
from models.errors import BadInput, BudgetExhausted
from models.ledger import Allowance, Ledger, Metered
from models.prices import Price

SECRET = "sk-very-secret"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workplace]:
    monkeypatch.setenv(KEY, SECRET)
    with Fighter() as server, workplace(tmp_path / "a.db", configuration(tmp_path, server.url)) as made:
        yield made


def sent(place: Workplace, match: Match) -> bytes:
    cards = tuple(player_card(player, place.players, place.store) for player in match.players)
    return encode(ticket(match, place.config.game, cards))


def worker(place: Workplace, **limits: bool) -> Worker:
    limited = {"limited_usd": False, "limited_tokens": False} | limits
    return Worker(encode(Setup(place.config.model_dump_json(), place.config.game, str(Path.cwd()), 1, **limited)))


def plain(record: EpisodeRecord) -> EpisodeRecord:
    turns = tuple(replace(turn, latency_ms=0.0, ended_ms=None) for turn in record.turns)
    return replace(record, started="", seconds=0.0, turns=turns)


@pytest.mark.parametrize(
    "specs", [(f"{MODEL}@base", "bot:zoner"), ("search:20", "follower@base"), ("bot:random", "bot:random")]
)
def test_a_worker_plays_the_match_that_was_meant(place: Workplace, specs: tuple[str, str]) -> None:
    sides = tuple(place.players.open(spec, place.game) for spec in specs)
    match = Match(place.game, sides, 7, Clock.parse("simulated:200,50"), "league", "s", "pair", True)

    async def both() -> tuple[EpisodeRecord, Reply]:
        here, hired = await play_episode(match), worker(place)
        found = decode(Reply, await hired.play(sent(place, match)))
        await hired.finish()
        return here, found

    here, found = place.run(both)
    assert found.fault is None and found.record is not None
    assert (found.record.id, found.record.pair_id, found.record.purpose) == (match.id, "pair", "league")
    assert plain(found.record) == plain(here)
    assert bool(found.used) == specs[0].startswith("openai:")


def test_keys_do_not_travel(place: Workplace) -> None:
    sides = place.players.open(f"{MODEL}@base", place.game), place.players.open("bot:turtle", place.game)
    travels = sent(place, Match(place.game, sides, 1, Clock("paused"))) + place.config.model_dump_json().encode()
    assert SECRET.encode() not in travels
    assert KEY.encode() in travels


def test_a_worker_without_the_key_says_what_is_missing(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    sides = place.players.open(f"{MODEL}@base", place.game), place.players.open("bot:turtle", place.game)
    asked = sent(place, Match(place.game, sides, 1, Clock("paused")))
    monkeypatch.delenv(KEY)
    found = decode(Reply, asyncio.run(worker(place).play(asked)))
    assert found.fault is not None and found.fault.kind == "BadInput" and KEY in found.fault.message


def test_a_student_travels_as_its_folder(place: Workplace, tmp_path: Path) -> None:
    card = {"spec": "student:x", "folder": str(tmp_path / "gone"), "adapter": None}
    player = {"spec": "student:x", "model": card, "prompted": {"name": "student:x", "system": "", "turn": "{text}"}}
    asked = encode(Ticket(place.config.game, (), "paused", {"seed": 1}))
    asked = asked.replace(b'"players":[]', b'"players":' + _json([player, player]))
    found = decode(Reply, asyncio.run(worker(place).play(asked)))
    assert found.fault is not None
    assert "does not see" in found.fault.message and "every node shares" in found.fault.message


def _json(value: Any) -> bytes:
    import json

    return json.dumps(value).encode()


def test_what_plays_here_only_is_refused(place: Workplace) -> None:
    with pytest.raises(BadInput, match="human plays in this process only"):
        player_card(place.players.open("human", place.game), place.players, place.store)


def test_a_reply_that_is_no_reply_is_refused() -> None:
    with pytest.raises(ValueError, match="record"):
        decode(Reply, b'{"fault": null, "used": {}}')
    assert decode(Reply, encode(Reply(None, Fault("Unavailable", "down"), {}))).fault == Fault("Unavailable", "down")
    told = (("vllm:m", "context", "the server cut the prompt"),)
    assert decode(Reply, encode(Reply(None, None, {}, told))).told == told


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("bot:turtle", "not an address"),
        ("ray://head:10001", "must run on a node"),
        ("127.0.0.1:1", "nothing answers"),
    ],
)
def test_an_address_that_is_none_is_one_line(address: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        Cluster(address).connect()


def test_a_server_that_is_not_ray_is_told_at_once() -> None:
    with Fighter() as server, pytest.raises(BadInput, match="is not Ray"):
        Cluster(server.url.removeprefix("http://")).connect()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("play a b --ray", "play a b --ray=local"),
        ("play --ray bot:turtle rookie@base", "play --ray=local bot:turtle rookie@base"),
        ("play a b --ray --json", "play a b --ray=local --json"),
        ("play a b --ray auto --seed 2", "play a b --ray auto --seed 2"),
        ("play --ray head:6379 a b", "play --ray head:6379 a b"),
        ("play --ray=auto a b", "play --ray=auto a b"),
    ],
)
def test_the_address_may_be_left_out(typed: str, meant: str) -> None:
    assert with_ray_address(typed.split()) == meant.split()


def test_addresses_and_options() -> None:
    assert [checked_address(one) for one in ("local", "auto", "head:6379", "[::1]:6379")]
    with pytest.raises(BadInput, match="together with --ray"), joined(None, 8):
        pass


class Costly(FakeChat):
    """A model whose calls take the worst case or less, as its seed says."""

    name = "costly"

    def __init__(self) -> None:
        super().__init__()
        self.tokens = 0

    async def answer(self, request: ChatRequest) -> Completion:
        await asyncio.sleep(0)
        used = Usage(50, random.Random(request.seed).randint(1, request.max_tokens))
        self.tokens += used.tokens
        return Completion("jab", used, 0.0)


@pytest.mark.parametrize("seed", range(5))
def test_no_limit_is_passed_whatever_becomes_of_the_workers(seed: int) -> None:
    """Three workers spend from one ledger; one is lost in the middle, with what it was lent."""
    price, draw = Price(1000.0, 1000.0), random.Random(seed)
    limit_tokens = draw.randint(2_000, 40_000)
    ledger, costly = Ledger(limit_usd=25.0, limit_tokens=limit_tokens), Costly()
    lost_after = draw.randint(1, 40)

    async def spend(purse: Purse) -> None:
        model = Leased(Metered(costly, purse.ledger, price), purse)
        calls = (
            model.complete(ChatRequest((Message("user", "x" * 100),), max_tokens=64, seed=draw.randrange(99)))
            for _ in range(9)
        )
        with pytest.raises(BudgetExhausted):
            while True:
                await asyncio.gather(*calls)
                calls = (
                    model.complete(ChatRequest((Message("user", "x" * 100),), max_tokens=64, seed=draw.randrange(99)))
                    for _ in range(draw.randint(1, 9))
                )

    async def lender(purse: Purse) -> Allowance:
        """Lends for ever; returns what is lent and not accounted for when it is stopped."""
        lent = Allowance()
        try:
            while True:
                ask = await purse.wants()
                try:
                    more = ledger.lend(ask.least, ask.most)
                except BudgetExhausted as refusal:
                    purse.granted(Grant(Allowance(), str(refusal)))
                    continue
                lent += more
                purse.granted(Grant(more))
        except asyncio.CancelledError:
            return lent

    async def one(number: int) -> None:
        purse = Purse(limited_usd=True, limited_tokens=True)
        lending = asyncio.create_task(lender(purse))
        spending = asyncio.create_task(spend(purse))
        if number == 0:
            for _ in range(lost_after):
                await asyncio.sleep(0)
            spending.cancel()
            await asyncio.wait([spending])
            lending.cancel()
            await lending  # what it was lent is never given back
            return
        await spending
        lending.cancel()
        ledger.repay(await lending, purse.ledger.totals())

    async def all_three() -> None:
        await asyncio.gather(*(one(number) for number in range(3)))

    asyncio.run(all_three())
    assert 0 < costly.tokens <= limit_tokens
    assert costly.tokens / 1000 <= 25.0
    with pytest.raises(BudgetExhausted, match=r"raise budget\.usd or budget\.tokens"):
        ledger.lend(Allowance(10**12, 10**6), Allowance(10**12, 10**6))


def test_waiting_for_the_budget_costs_no_thinking_time() -> None:
    """A player whose time limit ends while its call waits for a loan has not been slow."""
    from models.patience import time_limit

    purse = Purse(limited_usd=False, limited_tokens=True)
    model = Leased(Metered(Costly(), purse.ledger, None), purse)

    async def late() -> Completion:
        async def lend() -> None:
            ask = await purse.wants()
            await asyncio.sleep(0.3)
            purse.granted(Grant(ask.most))

        lending = asyncio.create_task(lend())
        async with time_limit(0.1):
            found = await model.complete(ChatRequest((Message("user", "x"),), max_tokens=8, seed=1))
        await lending
        return found

    assert asyncio.run(late()).text == "jab"
