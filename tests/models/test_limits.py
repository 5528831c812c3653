"""Limits a minute: no minute sees more, nobody waits longer than needed, one account is one limit."""

import asyncio
import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.chat import ChatRequest, Message
from models.errors import RateLimited, Refused
from models.limits import Bucket, Limited, RateLimit
from models.patience import time_limit
from models.registry import ModelOptions, open_model
from models.retry import provider_fault
from models.scripted import ScriptedModel
from models.traffic import Traffic

MESSAGES = (Message("user", "x" * 336),)  # 400 bytes with what templates add: 104 tokens, as they are estimated


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


@given(st.integers(1, 600), st.lists(st.floats(0, 5), min_size=1, max_size=200))
def test_no_minute_sees_more_requests_than_the_limit(limit: int, gaps: Sequence[float]) -> None:
    bucket, now, made = Bucket(limit, 0.0), 0.0, []
    for gap in gaps:
        now += gap
        made.append(now + bucket.take(1.0, now))
    assert made == sorted(made)
    for start in made:
        assert sum(start <= at < start + 60 - 1e-6 for at in made) <= max(limit, 1)


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(1, 100)), min_size=1, max_size=200))
def test_no_minute_sees_more_tokens_than_the_limit(calls: Sequence[tuple[float, float]]) -> None:
    bucket, now, made = Bucket(1000.0, 0.0), 0.0, []
    for gap, tokens in calls:
        now += gap
        made.append((now + bucket.take(tokens, now), tokens))
    for start, _ in made:
        assert sum(tokens for at, tokens in made if start <= at < start + 60 - 1e-6) <= 1000 + 1e-6


def test_nobody_waits_without_need() -> None:
    bucket = Bucket(600, 0.0)
    assert [bucket.take(1, 0.0) for _ in range(60)] == [0.0] * 60, "a tenth of a minute's worth at once"
    assert bucket.take(1, 0.0) == pytest.approx(1 / 9)
    assert bucket.take(1, 60.0) == 0.0
    many = Bucket(600, 0.0)
    waits = [many.take(1, 0.0) for _ in range(600)]
    assert waits[-1] == pytest.approx(60), "a whole minute's worth takes that minute and no more"


def test_a_call_larger_than_the_bucket_is_let_through_and_paid_off() -> None:
    bucket = Bucket(1000, 0.0)
    assert bucket.take(500, 0.0) == 0.0
    assert bucket.take(100, 0.0) == pytest.approx(500 / 15)
    bucket.give_back(500, 0.0)
    assert bucket.take(50, 10.0) == pytest.approx(0.0)


def test_tokens_are_estimated_and_then_counted() -> None:
    clock = Clock()
    limit = RateLimit(tokens_per_minute=6000, clock=clock)
    model = Limited(ScriptedModel(lambda messages, choices: "guard"), limit, sleep=clock.sleep)

    async def main() -> None:
        for _ in range(20):
            await model.complete(ChatRequest(MESSAGES, max_tokens=396))

    asyncio.run(main())
    # Each sets 500 aside of the 600 that the bucket holds, and gives back all but the two words that it used.
    assert clock.now == 0.0
    limit.take(600)
    asyncio.run(main())
    assert clock.now == pytest.approx((500 + 40) / 90 + 19 * 2 / 90), "what was used, and no more, has to flow in again"


def test_one_that_goes_away_gives_its_turn_back_and_is_not_to_blame() -> None:
    limit = RateLimit(requests_per_minute=60)
    for _ in range(6):
        limit.take(0)
    model = Limited(ScriptedModel(["a"]), limit)

    async def main() -> BaseException:
        try:
            async with asyncio.timeout(0.02):
                await model.complete(ChatRequest(MESSAGES))
        except TimeoutError as late:
            return late
        raise AssertionError("it did not wait")

    fault = provider_fault(asyncio.run(main()))
    assert isinstance(fault, RateLimited)
    assert "declared limits" in str(fault)
    assert limit.take(0) < 1.2, "its turn is another's"


def test_a_time_limit_stands_still_while_a_call_waits_its_turn() -> None:
    limit = RateLimit(requests_per_minute=60)
    for _ in range(6):
        limit.take(0)
    limit.give_back(0.8, 0)
    model = Limited(ScriptedModel(["a"]), limit)

    async def main() -> str:
        async with time_limit(0.1):
            return (await model.complete(ChatRequest(MESSAGES))).text

    assert asyncio.run(main()) == "a"


def test_a_time_limit_goes_on_afterwards() -> None:
    from models.patience import unhurried

    async def main() -> None:
        async with time_limit(0.05):
            await unhurried(asyncio.sleep(0.1))
            await asyncio.sleep(1)

    with pytest.raises(TimeoutError):
        asyncio.run(main())

    async def nested() -> str:
        async with time_limit(5):
            task = asyncio.create_task(unhurried(asyncio.sleep(0.05, "late")))
        return await task  # the limit is over, and the task is not

    assert asyncio.run(nested()) == "late"


def test_a_fault_takes_its_turn_all_the_same() -> None:
    clock = Clock()
    limit = RateLimit(requests_per_minute=1, clock=clock)

    def blocked(messages: Sequence[Message], choices: Sequence[str] | None) -> str:
        raise Refused("no")

    async def main() -> None:
        for _ in range(3):
            with pytest.raises(Refused):
                await Limited(ScriptedModel(blocked), limit, sleep=clock.sleep).complete(ChatRequest(MESSAGES))

    asyncio.run(main())
    assert clock.now == pytest.approx(120)


def test_models_of_one_account_share_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    traffic = Traffic()
    account = traffic.rate_limit("https://api.openai.com/v1", "k")
    assert traffic.rate_limit("https://api.openai.com/v1", "k") is account
    assert traffic.rate_limit("https://api.openai.com/v1", "another") is not account
    assert traffic.window("a") is traffic.window("a") is not traffic.window("b")
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    open_model("openai:gpt-5-nano", ModelOptions(requests_per_minute=60, traffic=traffic))
    open_model("openai:gpt-6-luna", ModelOptions(requests_per_minute=600, traffic=traffic))
    assert [account.take(1) for _ in range(6)] == [0.0] * 6
    assert account.take(1) == pytest.approx(60 / 55, rel=0.05), "the stricter one holds for both"
    assert "k" not in f"{vars(traffic)}".replace("k=", "").split("'"), "a key is not kept"


def test_threads_share_a_limit() -> None:
    clock = Clock()
    limit = RateLimit(requests_per_minute=600, clock=clock)
    waits: list[float] = []

    def work() -> None:
        waits.extend([limit.take(0) for _ in range(100)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waits)[60:] == pytest.approx([(n + 1) / 9 for n in range(340)])


def test_without_limits_nothing_waits() -> None:
    limit = RateLimit()
    assert {limit.take(10**9) for _ in range(1000)} == {0.0}
