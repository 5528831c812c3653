"""A student that was really taught, trained and exported, on a real vLLM server on the CPU, asked through both SDKs."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from distill.judged import student_base
from distill.serving.server import VLLMServer
from distill.student import Student, open_student, student_player
from episodes.clock import Clock
from episodes.games.duel import GAME
from episodes.games.duel.words import FEATURES, MOVES
from episodes.play import Match, play_episode
from episodes.player import ReplyClass
from episodes.record import EpisodeRecord
from episodes.store.store import Store
from models.chat import ChatModel, ChatRequest, Completion, Message
from models.errors import BadInput, Unavailable
from models.registry import ModelOptions, open_model

BASE = student_base(GAME)
LINES = [" ".join(Random(seed).choice(values) for values in FEATURES.values()) for seed in range(24)]
"""What a student is asked: one value of each feature."""

pytestmark = pytest.mark.slow


async def ask(
    model: ChatModel, line: str, choices: tuple[str, ...] | None = MOVES, temperature: float = 0.0
) -> Completion:
    messages = (Message("system", BASE.text), Message("user", BASE.turn.format(situation=line, text="", legal="")))
    return await model.complete(ChatRequest(messages, choices=choices, max_tokens=4, temperature=temperature, seed=3))


async def answers(model: ChatModel) -> list[str]:
    """The move of each line, all asked at once."""
    found = [completion.text for completion in await asyncio.gather(*(ask(model, line) for line in LINES))]
    await model.close()
    return found


def test_the_exported_student_plays_through_both_sdks(
    made: tuple[Store, Student], exported: Path, server: VLLMServer
) -> None:
    _, student = made

    async def episode(*models: ChatModel) -> EpisodeRecord:
        """One game of duel between the two protocols, their real latencies charged."""
        players = tuple(student_player(student, GAME, model) for model in models)
        return await play_episode(Match(GAME, players, seed=5, clock=Clock.parse("measured")))

    async def session() -> None:
        openai = open_model(server.spec)
        assert openai.name == server.spec
        with pytest.raises(BadInput, match=rf"2 models \({student.name}, rookie\)"):
            open_model(f"vllm:{server.url}")
        anthropic = open_model(f"anthropic:{student.name}", ModelOptions(base_url=server.url))
        drawn = await asyncio.gather(*(ask(openai, LINES[0], temperature=1.0) for _ in range(8)))
        assert len({one.text for one in drawn}) == 1, "the same seed gave different answers"
        free = [await ask(model, LINES[1], None) for model in (openai, anthropic)]
        assert free[0].text.strip() == free[1].text.strip() in MOVES, "not even its free answer is a move"
        assert free[0].usage.tokens_in == free[1].usage.tokens_in > 10
        played = await episode(openai, anthropic)
        assert played.ended_by == "result"
        assert [seat.model for seat in played.seats] == [server.spec, f"anthropic:{student.name}"]
        assert all(turn.latency_ms > 0 and turn.tokens_in > 10 for turn in played.turns)
        assert {turn.reply_class for turn in played.turns if turn.seat == 0} == {ReplyClass.MOVE}
        with pytest.raises(Unavailable, match="no such model"):
            await ask(open_model(f"vllm:{server.url}#other"), LINES[0])
        with pytest.raises(BadInput, match=f"port {server.port}"):
            await VLLMServer(exported, served_name="x", port=server.port).__aenter__()
        await anthropic.close()
        assert await answers(openai) == await answers(open_student(student)), "served, it plays other moves"

    asyncio.run(session())


def test_an_adapter_is_served_beside_its_base(server: VLLMServer) -> None:
    """Without what it was taught the student is the rookie: it follows the rules of its prompt, and nothing else."""

    async def session() -> None:
        rookie = open_model(f"vllm:{server.url}#rookie")
        rule = Message("system", f"{BASE.text}\n- When the opponent is far, use fireball.")
        for line in LINES:
            found = await rookie.complete(
                ChatRequest((rule, Message("user", line)), choices=MOVES, max_tokens=4, temperature=0.0, seed=1)
            )
            assert found.text == "fireball" or not line.startswith("far")
        untaught = await answers(rookie)
        assert untaught == await answers(open_model("rookie"))
        assert untaught != await answers(open_model(server.spec)), "the adapter changed nothing"

    asyncio.run(session())
