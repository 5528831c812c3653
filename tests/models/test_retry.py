import asyncio
import sys
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from episodes.games.duel import GAME
from episodes.player import Context, Decision, ReplyClass
from episodes.players.model import ModelPlayer
from models.boundary import retry_after
from models.chat import ChatRequest, Message
from models.errors import BudgetExhausted, Learnt, Malformed, ModelError, RateLimited, Refused, TimedOut, Unavailable
from models.retry import MOST_LESSONS, Retrying, Sleep
from models.scripted import ScriptedModel


def failing(faults: Sequence[ModelError]) -> ScriptedModel:
    """A model that raises each fault in turn and then answers."""
    left = list(faults)

    def answer(messages: Sequence[Message], choices: Sequence[str] | None) -> str:
        if left:
            raise left.pop(0)
        return "guard"

    return ScriptedModel(answer)


def run(faults: Sequence[ModelError], **options: float) -> tuple[str | ModelError, list[float]]:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    model = Retrying(failing(faults), sleep=sleep, **options)  # type: ignore[arg-type]
    try:
        return asyncio.run(model.complete(ChatRequest((Message("user", "x"),)))).text, waits
    except ModelError as fault:
        return fault, waits


def test_passing_faults_are_waited_out() -> None:
    answer, waits = run([TimedOut("a"), Unavailable("b"), RateLimited("c")], base_s=1.0)
    assert answer == "guard"
    assert [0.5 * 2**k <= wait <= 2**k for k, wait in enumerate(waits)] == [True] * 3


@pytest.mark.parametrize("fault", [Refused("a"), BudgetExhausted("c"), Unavailable("d", retryable=False)])
def test_lasting_faults_are_not_retried(fault: ModelError) -> None:
    assert run([fault]) == (fault, [])


def test_what_could_not_be_read_is_asked_for_once_more() -> None:
    faults: list[ModelError] = [Malformed("a"), Unavailable("b"), Malformed("c")]
    answer, waits = run(faults)
    assert answer is faults[2]
    assert len(waits) == 2
    assert run(faults[:2])[0] == "guard"
    assert run(faults[:1], max_retries=0) == (faults[0], [])


def test_what_was_learnt_is_no_retry_and_has_an_end() -> None:
    lessons: list[ModelError] = [Learnt(str(k)) for k in range(MOST_LESSONS + 1)]
    assert run(lessons[:5], max_retries=0) == ("guard", [])
    assert run(lessons)[0] is lessons[-1]


def test_it_gives_up() -> None:
    faults = [Unavailable(str(k)) for k in range(9)]
    outcome, waits = run(faults, max_retries=3)
    assert outcome is faults[3]
    assert len(waits) == 3
    assert run(faults[:1], max_retries=0) == (faults[0], [])


def test_the_provider_is_waited_for_as_long_as_it_asks_within_reason() -> None:
    for fault in (RateLimited("a", 20.0), Unavailable("b", retry_after=20.0)):
        (wait,) = run([fault])[1]
        assert 20.0 < wait <= 20.5, "at least as long, and not all clients at the same moment"
    impatient = RateLimited("a", 3600.0)
    assert run([impatient]) == (impatient, [])


@given(st.integers(0, 12), st.integers())
def test_waits_are_bounded_and_seeded(count: int, seed: int) -> None:
    faults = [TimedOut("x") for _ in range(count)]
    _, waits = run(faults, max_retries=12, seed=seed, longest_s=8.0)
    assert len(waits) == count
    assert all(0.25 <= wait <= 8.0 for wait in waits)
    assert run(faults, max_retries=12, seed=seed, longest_s=8.0)[1] == waits


def test_seeds_differ() -> None:
    faults = [TimedOut("x")] * 4
    assert run(faults, seed=1)[1] != run(faults, seed=2)[1]


@pytest.mark.parametrize("fault", [RateLimited("busy", 50.0), Unavailable("down"), Malformed("a page")])
def test_a_player_does_not_lose_for_its_providers_fault(fault: ModelError) -> None:
    """Time that passes while a fault is waited out is the provider's: the pair is void, not lost."""
    model = Retrying(failing([TimedOut("slow"), fault]), base_s=0.001, longest_s=60.0, sleep=wait_only_for(fault))
    with pytest.raises(type(fault)):
        asyncio.run(decide(model))


def test_a_player_that_is_too_slow_does() -> None:
    model = Retrying(failing([TimedOut("slow")]), base_s=60.0)
    assert asyncio.run(decide(model)).reply_class is ReplyClass.TIMEOUT
    served = Retrying(failing([RateLimited("busy")]), base_s=0.001)
    assert asyncio.run(decide(served)).raw == "guard"


def wait_only_for(fault: ModelError) -> Sleep:
    async def sleep(seconds: float) -> None:
        waited_for = sys.exception()
        await asyncio.sleep(60 if waited_for is fault else 0)

    return sleep


async def decide(model: Retrying) -> Decision:
    state = GAME.initial_state(1)
    player = ModelPlayer("p", model, "system", "{situation}", time_limit=0.2)
    return await player.act(state.observe(0), Context(GAME, 0, seed=1, turn=0, state=state))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 90.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after-ms": "soon", "retry-after": "9"}, None),
        ({"retry-after-ms": "-5"}, 0.0),
        ({}, None),
    ],
)
def test_retry_after_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, now=10.0) == seconds
