import asyncio
import threading

import pytest
from fake_chat import FakeChat
from hypothesis import example, given
from hypothesis import strategies as st

from models.chat import ChatRequest, Completion, Message, Usage
from models.counting import most_tokens
from models.errors import (
    BadInput,
    BudgetExhausted,
    CornermanError,
    Malformed,
    ModelError,
    RateLimited,
    Refused,
    TimedOut,
    Unavailable,
)
from models.ledger import NANO, Allowance, Ledger, Metered, Total
from models.prices import FREE, PRICES, Price, find_price

PRICE = Price(1.0, 10.0)
MESSAGES = (Message("user", "far"),)


class Work(FakeChat):
    """A model that uses ``usage`` after ``steps`` turns of the event loop, or fails."""

    name = "openai:test"

    def __init__(self, usage: Usage, fault: BaseException | None = None, steps: int = 0) -> None:
        super().__init__()
        self.usage, self.fault, self.steps = usage, fault, steps

    async def answer(self, request: ChatRequest) -> Completion:
        for _ in range(self.steps):
            await asyncio.sleep(0)
        if self.fault:
            raise self.fault
        return Completion("jab", self.usage, 0.0)


def spent(ledger: Ledger) -> tuple[int, float]:
    return ledger.spent_tokens, ledger.spent_usd


def test_a_call_is_booked_at_its_price() -> None:
    ledger = Ledger()
    completion = asyncio.run(Metered(Work(Usage(1000, 50)), ledger, PRICE).complete(ChatRequest(MESSAGES)))
    assert completion.cost == pytest.approx(0.0015)
    assert ledger.totals() == {"openai:test": Total(1, 1000, 50, 0.0015)}
    assert spent(ledger) == (1050, 0.0015)


def test_what_does_not_fit_is_not_called() -> None:
    ledger = Ledger(limit_usd=0.001)
    work = Work(Usage(1, 1), fault=AssertionError("the model was called"))
    with pytest.raises(BudgetExhausted, match=r"raise budget\.usd"):
        asyncio.run(Metered(work, ledger, PRICE).complete(ChatRequest(MESSAGES, max_tokens=100)))
    tokens = Ledger(limit_tokens=100)
    with pytest.raises(BudgetExhausted, match=r"raise budget\.tokens"):
        asyncio.run(Metered(work, tokens, FREE).complete(ChatRequest(MESSAGES, max_tokens=100)))
    assert spent(ledger) == spent(tokens) == (0, 0)


def test_a_limit_of_nothing_lets_free_models_work() -> None:
    ledger = Ledger(limit_usd=0.0)
    asyncio.run(Metered(Work(Usage(10, 1)), ledger, FREE).complete(ChatRequest(MESSAGES)))
    with pytest.raises(BudgetExhausted):
        asyncio.run(Metered(Work(Usage(10, 1)), ledger, PRICE).complete(ChatRequest(MESSAGES)))


@pytest.mark.parametrize("fault", [RateLimited("a"), Unavailable("b"), Refused("c"), BadInput("never sent")])
def test_a_call_that_did_no_work_is_released(fault: CornermanError) -> None:
    ledger = Ledger(limit_tokens=500)
    for _ in range(3):
        with pytest.raises(type(fault)):
            asyncio.run(Metered(Work(Usage(), fault), ledger, PRICE).complete(ChatRequest(MESSAGES)))
    assert spent(ledger) == (0, 0)
    assert ledger.totals() == {}


@pytest.mark.parametrize(
    "fault",
    [
        TimedOut("a"),
        Malformed("b"),
        Unavailable("lost", may_be_billed=True),
        asyncio.CancelledError(),
        RuntimeError("c"),
    ],
)
def test_a_call_that_may_be_billed_stays_booked(fault: BaseException) -> None:
    ledger = Ledger()
    with pytest.raises(type(fault)):
        asyncio.run(Metered(Work(Usage(), fault), ledger, PRICE).complete(ChatRequest(MESSAGES, max_tokens=100)))
    total = ledger.totals()["openai:test"]
    assert total.cost_usd == total.assumed_usd == pytest.approx(PRICE.cost(most_tokens(MESSAGES), 100))


def test_an_unknown_price_is_said_to_be_unknown() -> None:
    ledger = Ledger()
    completion = asyncio.run(Metered(Work(Usage(10, 1)), ledger, None).complete(ChatRequest(MESSAGES)))
    assert completion.cost == 0
    assert ledger.totals()["openai:test"] == Total(1, 10, 1, priced=False)


def test_a_ledger_goes_on_where_it_was() -> None:
    first = Ledger()
    asyncio.run(Metered(Work(Usage(123_457, 7)), first, PRICE).complete(ChatRequest(MESSAGES)))
    with pytest.raises(TimedOut):
        asyncio.run(Metered(Work(Usage(), TimedOut("x")), first, PRICE).complete(ChatRequest(MESSAGES, max_tokens=3)))
    again = Ledger(limit_usd=first.spent_usd, limit_tokens=first.spent_tokens + 100, spent=first.totals())
    assert again.totals() == first.totals()
    with pytest.raises(BudgetExhausted, match=r"\$0\.0000 of"):
        asyncio.run(Metered(Work(Usage()), again, PRICE).complete(ChatRequest(MESSAGES, max_tokens=1)))
    with pytest.raises(BudgetExhausted, match="100 of"):
        asyncio.run(Metered(Work(Usage()), again, FREE).complete(ChatRequest(MESSAGES, max_tokens=100)))


def test_of_a_limit_that_was_lowered_below_what_is_spent_nothing_is_left() -> None:
    ledger, tokens = Ledger(limit_usd=1.0), Ledger(limit_tokens=100)
    for one in (ledger, tokens):
        one.carry({"m": Total(9, 100, 100, 2.0)})
        with pytest.raises(BudgetExhausted, match=r"\$0\.0000 and|and 0 tokens"):
            one.lend(Allowance(1, 1), Allowance(2, 2))
    with pytest.raises(BudgetExhausted, match=r"\$0\.0000 of \$1 is left"):
        ledger.reserve("m", 1, 1, PRICE)
    with pytest.raises(BudgetExhausted, match="and 0 of 100 are left"):
        tokens.reserve("m", 1, 1, PRICE)


@given(st.integers(0, 10**14))
@example(34_323_237_044)
def test_sums_are_exact_however_large(nano: int) -> None:
    """A loan that is used up to its last billionth of a dollar costs just that, and so does a total of before."""
    used = {"m": Total(1, 0, 0, nano / NANO)}
    ledger = Ledger(limit_usd=10**6)
    ledger.repay(ledger.lend(Allowance(nano), Allowance(nano)), used)
    for one in (ledger, Ledger(limit_usd=10**6, spent=used)):
        left = one.lend(Allowance(), Allowance(10**18))
        assert left.nano == 10**6 * NANO - nano


CALLS = st.lists(
    st.tuples(
        st.integers(0, 83),  # tokens in: MESSAGES is at most 83 tokens
        st.integers(0, 40),  # tokens out, at most max_tokens
        st.sampled_from([None, RateLimited, Refused, TimedOut, Malformed]),
        st.integers(0, 5),
    ),
    max_size=30,
)


@given(CALLS, st.integers(0, 4000), st.integers(0, 3000))
def test_no_interleaving_passes_a_limit_and_totals_are_the_sum(
    calls: list[tuple[int, int, type[ModelError] | None, int]], limit_millionths: int, limit_tokens: int
) -> None:
    assert most_tokens(MESSAGES) == 83
    ledger = Ledger(limit_millionths / 1e6, limit_tokens)

    async def one(tokens_in: int, tokens_out: int, fault: type[ModelError] | None, steps: int) -> Completion | None:
        work = Work(Usage(tokens_in, tokens_out), fault("x") if fault else None, steps)
        try:
            return await Metered(work, ledger, PRICE).complete(ChatRequest(MESSAGES, max_tokens=40))
        except ModelError:
            return None
        finally:
            assert ledger.spent_usd <= limit_millionths / 1e6 + 1e-12
            assert ledger.spent_tokens <= limit_tokens

    async def all_at_once() -> list[Completion | None]:
        return await asyncio.gather(*(one(*call) for call in calls))

    done = [completion for completion in asyncio.run(all_at_once()) if completion]
    total = ledger.totals().get("openai:test", Total())
    settled = sum(completion.cost for completion in done)
    assert total.cost_usd - total.assumed_usd == pytest.approx(settled, abs=1e-9)
    assert ledger.spent_usd == pytest.approx(sum(entry.cost_usd for entry in ledger.totals().values()))


def test_threads_share_a_ledger() -> None:
    ledger = Ledger(limit_tokens=123 * 40)
    refused = []

    def work() -> None:
        for _ in range(20):
            try:
                asyncio.run(Metered(Work(Usage(83, 40)), ledger, PRICE).complete(ChatRequest(MESSAGES, max_tokens=40)))
            except BudgetExhausted:
                refused.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.spent_tokens == 123 * 40
    assert len(refused) == 40


def test_ending_a_call_twice_is_a_mistake() -> None:
    ledger = Ledger()
    reservation = ledger.reserve("m", 1, 1, PRICE)
    ledger.release(reservation)
    with pytest.raises(KeyError):
        ledger.settle(reservation, Usage(1, 1), 0.0)


@given(st.lists(st.text(max_size=200), max_size=5))
def test_the_estimate_covers_one_token_a_byte(texts: list[str]) -> None:
    assert most_tokens([Message("user", text) for text in texts]) >= sum(len(text.encode()) for text in texts)


def test_prices() -> None:
    assert find_price("openai:gpt-5-nano", {}) == Price(0.05, 0.40, usd_cached=0.1 * 0.05)
    assert find_price("openai:gpt-5-mini-2025-08-07", {}) == PRICES["openai:gpt-5-mini"]
    assert find_price("anthropic:claude-haiku-4-5-20251001", {}) == PRICES["anthropic:claude-haiku-4-5"]
    assert find_price("openai:gpt-5-nano", {"openai:gpt-5-nano": PRICE}) == PRICE
    assert find_price("openai:never-heard-of", {}) is None
    haiku = PRICES["anthropic:claude-haiku-5-5"]
    assert haiku.cost(100_000, 0) == pytest.approx(0.01)
    assert haiku.cost(100_001, 1_000_000) == pytest.approx(0.0500005 + 2.5)
    assert Price(2.0, 8.0).cost(1_000_000, 500_000) == 6.0
    for name, price in PRICES.items():
        assert 0 < price.usd_in < price.usd_out, name


def test_prices_of_the_same_model_elsewhere() -> None:
    haiku = PRICES["anthropic:claude-haiku-4-5"]
    for name in ("bedrock:us.anthropic.claude-haiku-4-5-20251001-v1:0", "vertex:claude-haiku-4-5@20251001"):
        price = find_price(name, {})
        assert price is not None
        assert (price.usd_in, price.usd_out) == pytest.approx((1.1 * haiku.usd_in, 1.1 * haiku.usd_out))
    long = find_price("bedrock:anthropic.claude-haiku-5-5-v1:0", {})
    assert long is not None
    assert long.cost(100_001, 0) == pytest.approx(0.0500005 * 1.1)
    assert find_price("openai:gpt-5-nano+high", {}) == PRICES["openai:gpt-5-nano"]
    assert find_price("openai:gpt-5-nano-2025-08-07+low", {}) == PRICES["openai:gpt-5-nano"]
    assert find_price("openai:gpt-5-nano+high", {"openai:gpt-5-nano": PRICE}) == PRICE
    assert find_price("litellm:openai/gpt-5-nano", {}) == PRICES["openai:gpt-5-nano"]


def test_litellm_knows_more_prices() -> None:
    """From the file that comes with the package, without importing it."""
    import subprocess
    import sys

    gemini = find_price("litellm:gemini/gemini-2.5-pro", {})
    assert gemini == Price(1.25, 10.0, long_from=200_000, long_in=2.5, long_out=15.0, usd_cached=0.125)
    assert find_price("openai:o1-pro", {}) == Price(150.0, 600.0)
    assert find_price("vertex:claude-3-5-haiku", {}) is not None
    assert find_price("openrouter:openai/gpt-4o", {}) is None
    code = "import sys; from models.prices import find_price; print(find_price('openai:o1', {})); "
    code += "print('litellm' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == [repr(find_price("openai:o1", {})), "False"]


def test_the_shipped_table_is_no_dearer_or_cheaper_than_litellms() -> None:
    """Two tables, compiled apart from each other: where both have a model they must agree on its plain rates."""
    from models.prices import _of_litellm

    compared = 0
    for name, price in PRICES.items():
        other = _of_litellm(name.partition(":")[2])
        if other is not None and name.startswith("anthropic:"):
            assert (price.usd_out, price.long_from is None) == pytest.approx((other.usd_out, other.long_from is None))
            compared += 1
        elif other is not None:
            assert (price.usd_in, price.usd_out) == pytest.approx((other.usd_in, other.usd_out)), name
            compared += 1
    assert compared > 30


def test_the_smallest_answer_that_a_provider_takes_is_set_aside() -> None:
    ledger = Ledger(limit_tokens=83 + 10)
    with pytest.raises(BudgetExhausted):
        asyncio.run(
            Metered(Work(Usage(1, 1)), ledger, PRICE, least_out=16).complete(ChatRequest(MESSAGES, max_tokens=4))
        )
    roomy = Ledger(limit_tokens=83 + 16)
    asyncio.run(Metered(Work(Usage(83, 16)), roomy, PRICE, least_out=16).complete(ChatRequest(MESSAGES, max_tokens=4)))
    assert roomy.spent_tokens == 99
