"""Several servers behind one name: the least busy is asked, a dead one is left out and found again."""

import asyncio
from collections.abc import Sequence

import pytest
from fake_chat import FakeChat
from faulty_server import FaultyServer

from models.chat import ChatModel, ChatRequest, Completion, Message, Usage
from models.errors import BadInput, ModelError, RateLimited, TimedOut, Unavailable
from models.ledger import Ledger
from models.registry import ModelOptions, open_model
from models.replicas import Replicas

MESSAGES = (Message("user", "far"),)


class Server(FakeChat):
    """A model that answers with its name when it is let, or raises ``fault`` at once."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.fault: ModelError | None = None
        self.let = asyncio.Event()

    async def answer(self, request: ChatRequest) -> Completion:
        if self.fault:
            raise self.fault
        await self.let.wait()
        return Completion(self.name, Usage(1, 1), 0.0)

    async def close(self) -> None:
        self.let.set()


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def made(count: int = 3) -> tuple[list[Server], Replicas, Clock]:
    servers, clock = [Server(f"s{number}") for number in range(count)], Clock()
    return servers, Replicas(servers, "vllm:s", clock=clock), clock


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_the_least_busy_is_asked() -> None:
    async def main() -> None:
        servers, replicas, _ = made()
        calls = [asyncio.create_task(replicas.complete(ChatRequest(MESSAGES))) for _ in range(6)]
        await settle()
        assert replicas.busy == [2, 2, 2]
        servers[1].let.set()
        await settle()
        assert replicas.busy == [2, 0, 2]
        for _ in range(2):
            assert (await replicas.complete(ChatRequest(MESSAGES))).text == "s1", "the idle one"
        await replicas.close()
        assert sorted(call.text for call in await asyncio.gather(*calls)) == ["s0", "s0", "s1", "s1", "s2", "s2"]
        assert [(await replicas.complete(ChatRequest(MESSAGES))).text for _ in range(6)] == ["s0", "s2", "s1"] * 2, (
            "in turn"
        )

    asyncio.run(main())


def test_one_that_is_down_is_left_out_and_tried_again() -> None:
    async def main() -> None:
        servers, replicas, clock = made(2)
        for server in servers:
            server.let.set()
        servers[0].fault = Unavailable("down")
        assert [(await replicas.complete(ChatRequest(MESSAGES))).text for _ in range(5)] == ["s1"] * 5
        assert len(servers[0].requests) == 1
        clock.now += 5
        assert (await replicas.complete(ChatRequest(MESSAGES))).text == "s1"
        assert len(servers[0].requests) == 2, "after 5 s it is tried again, and the call goes on to the other"
        clock.now += 9
        await replicas.complete(ChatRequest(MESSAGES))
        assert len(servers[0].requests) == 2, "the second time it is left out for 10 s"
        servers[0].fault = None
        clock.now += 1
        assert {(await replicas.complete(ChatRequest(MESSAGES))).text for _ in range(2)} == {"s0", "s1"}
        servers[0].fault = Unavailable("down")
        clock.now += 5
        for _ in range(3):
            await replicas.complete(ChatRequest(MESSAGES))
        assert len(servers[0].requests) == 4, "what went well is forgotten wrong"

    asyncio.run(main())


def test_all_down_is_unavailable_and_a_server_that_comes_back_is_found() -> None:
    async def main() -> None:
        servers, replicas, _ = made(2)
        for server in servers:
            server.let.set()
            server.fault = Unavailable("down", may_be_billed=server is servers[0])
        for _ in range(2):
            with pytest.raises(Unavailable, match=r"vllm:s: none of 2 replicas answers; .*down") as caught:
                await replicas.complete(ChatRequest(MESSAGES))
            assert (caught.value.retryable, caught.value.may_be_billed) == (True, True)
        assert [len(server.requests) for server in servers] == [2, 2]
        servers[1].fault = None
        assert (await replicas.complete(ChatRequest(MESSAGES))).text == "s1", "though it should still rest"

    asyncio.run(main())


@pytest.mark.parametrize("fault", [TimedOut("slow"), RateLimited("busy"), Unavailable("too long", retryable=False)])
def test_other_faults_are_for_the_caller(fault: ModelError) -> None:
    async def main() -> None:
        servers, replicas, _ = made(2)
        servers[1].let.set()
        servers[0].fault = fault
        with pytest.raises(type(fault)):
            await replicas.complete(ChatRequest(MESSAGES))
        assert len(servers[1].requests) == 0
        servers[0].fault = None
        servers[0].let.set()
        found = [(await replicas.complete(ChatRequest(MESSAGES))).text for _ in range(2)]
        assert found == (["s1", "s1"] if isinstance(fault, TimedOut) else ["s1", "s0"]), "only a slow one is left out"
        assert replicas.busy == [0, 0]

    asyncio.run(main())


def replica_model(urls: Sequence[str], name: str, options: ModelOptions | None = None) -> ChatModel:
    return open_model(f"vllm:{','.join(urls)}#{name}", options or ModelOptions(max_retries=0))


def test_real_servers_share_the_calls_and_one_may_die() -> None:
    """Two servers over HTTP; one goes away for good, and nobody notices but the ledger, which sees no cost of it."""
    ledger = Ledger()

    async def main() -> None:
        with FaultyServer() as stays:
            with FaultyServer() as goes:
                model = replica_model((stays.url, goes.url), "ok", ModelOptions(max_retries=0, ledger=ledger))
                await asyncio.gather(*(model.complete(ChatRequest(MESSAGES)) for _ in range(8)))
                assert [len(server.requests) for server in (stays, goes)] == [4, 4]
            done = await asyncio.gather(*(model.complete(ChatRequest(MESSAGES)) for _ in range(8)))
            assert [one.text.strip() for one in done] == ["jab"] * 8
            assert len(stays.requests) == 12
            await model.close()
        (total,) = ledger.totals().values()
        assert (total.calls, total.tokens_out) == (16, 48)

    asyncio.run(main())


def test_a_name_that_stays() -> None:
    a, b, c = (f"http://127.0.0.1:{port}" for port in (1001, 1002, 1003))
    assert replica_model((a,), "m").name == f"vllm:{a}#m"
    names = {replica_model(urls, "m").name for urls in ((a, b), (b, a), (a, b, c), (c, f"{a}/", b))}
    assert names == {f"vllm:{a},...#m"}
    assert open_model(f"vllm:{a},{a}#m").name == f"vllm:{a}#m", "one server, named twice"
    with pytest.raises(BadInput, match="not a URL"):
        replica_model((a, "host:8000"), "m")


def test_without_a_name_whoever_answers_says_what_is_served() -> None:
    with FaultyServer(listed=("qwen",)) as server:
        assert open_model(f"vllm:{server.url},http://127.0.0.1:1").name.endswith("#qwen")
    with pytest.raises(BadInput, match="does not list its models"):
        open_model("vllm:http://127.0.0.1:1,http://127.0.0.1:2")
