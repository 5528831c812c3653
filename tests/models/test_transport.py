"""Connections of their own: used again, given back after every end, none more than there were calls at once."""

import asyncio
import time

import httpx
import pytest
from faulty_server import FaultyServer

from models.chat import ChatRequest, Message
from models.registry import ModelOptions, open_model
from models.transport import Lanes, lanes


async def post(client: httpx.AsyncClient, url: str, model: str = "ok") -> int:
    answer = await client.post(f"{url}/v1/chat/completions", json={"model": model, "messages": []})
    return answer.status_code


def test_connections_are_as_many_as_requests_at_once_and_used_again() -> None:
    async def session() -> list[int]:
        pool = Lanes()
        async with httpx.AsyncClient(transport=pool) as client:
            found = []
            for at_once in (1, 4, 4, 2):
                assert await asyncio.gather(*(post(client, server.url) for _ in range(at_once))) == [200] * at_once
                found.append(pool.connections)
            return [*found, pool.connections]

    with FaultyServer() as server:
        assert asyncio.run(session()) == [1, 4, 4, 4, 4]


def test_a_connection_comes_back_after_every_end() -> None:
    async def session() -> int:
        pool = Lanes()
        async with httpx.AsyncClient(transport=pool) as client:
            for model in ("broken", "hangup", "truncated", "ok"):
                try:
                    await post(client, server.url, model)
                except httpx.TransportError:
                    assert model in ("hangup", "truncated")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await post(client, server.url, "slow")
            async with client.stream("POST", server.url, json={"model": "ok", "messages": []}) as answer:
                assert answer.status_code == 200  # and nothing of it is read
            assert await post(client, server.url) == 200
            return pool.connections

    with FaultyServer() as server:
        assert asyncio.run(session()) == 1


def test_a_request_among_many_costs_little_more_than_one_alone() -> None:
    """httpx's own pool takes four times as long at 64 at once as it does at 4."""

    async def cost(client: httpx.AsyncClient, at_once: int, requests: int = 256) -> float:
        left = requests

        async def work() -> None:
            nonlocal left
            while left > 0:
                left -= 1
                await client.get("http://here/")

        began = time.thread_time()
        await asyncio.gather(*(work() for _ in range(at_once)))
        return (time.thread_time() - began) / requests

    class Instant(httpx.AsyncHTTPTransport):
        """No network: what is measured is the choosing of a connection."""

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await asyncio.sleep(0.005)
            return httpx.Response(200, stream=httpx.ByteStream(b"{}"))

    async def both() -> tuple[float, float]:
        pool = Lanes()
        pool._lane = Instant  # type: ignore[method-assign]
        async with httpx.AsyncClient(transport=pool) as client:
            await cost(client, 64)
            return min([await cost(client, 4) for _ in range(3)]), min([await cost(client, 64) for _ in range(3)])

    few, many = asyncio.run(both())
    assert many < 2 * few


def test_models_use_it_but_behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    assert isinstance(lanes(), Lanes)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    assert lanes() is None


def test_a_model_closes_its_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Lanes] = []

    def counted() -> Lanes:
        made.append(Lanes())
        return made[-1]

    monkeypatch.setattr("models.transport.lanes", counted)

    async def session() -> tuple[int, int]:
        model = open_model("openai:ok", ModelOptions(base_url=f"{server.url}/v1"))
        await asyncio.gather(*(model.complete(ChatRequest((Message("user", "x"),))) for _ in range(3)))
        used = made[0].connections
        await model.close()
        return used, made[0].connections

    with FaultyServer() as server:
        assert asyncio.run(session()) == (3, 0)
