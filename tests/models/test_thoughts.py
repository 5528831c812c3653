"""Thoughts are no part of what a model says: finished or not, whole or streamed, on every kind of service."""

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from fake_chat import FakeChat
from hypothesis import given
from hypothesis import strategies as st

from episodes.clock import Clock
from episodes.games import load_game
from episodes.play import Match, play_episode
from episodes.player import ReplyClass
from episodes.players.bots import load_bot
from episodes.players.model import ModelPlayer
from models.chat import ChatRequest, Completion, Message, Usage
from models.registry import open_model
from models.thoughts import ThoughtsApart, apart

SAID = st.text(st.characters(exclude_characters="<>", exclude_categories=["Cs", "Z", "C"]), min_size=1)


@pytest.mark.parametrize(
    ("text", "said", "thought"),
    [
        ("jab", "jab", ""),
        (" jab\n", " jab\n", ""),
        ("<think>guard?</think>\n\njab", "jab", "guard?"),
        ("<THINKING>guard?</THINKING>jab", "jab", "guard?"),
        ("<think>one</think>jab<think>two</think>", "jab", "one\ntwo"),
        ("<think></think>jab", "jab", ""),
        ("<think>So a better idea would be", "", "So a better idea would be"),
        ("jab <reasoning>or not", "jab", "or not"),
        ("The template opened it. guard?</think>jab", "jab", "The template opened it. guard?"),
        ("a < b, think> twice", "a < b, think> twice", ""),
        ("<think>a</think>b</think>c", "c", "a\nb"),
        ("<think>a<think>b</think>c", "c", "a<think>b"),
        ("<think>" * 200_000, "", ("<think>" * 199_999)),
        ("</think>" * 200_000 + "jab", "jab", ""),
    ],
)
def test_what_is_said_and_what_is_thought(text: str, said: str, thought: str) -> None:
    assert apart(text) == (said, thought)


@given(SAID, SAID, st.sampled_from(["think", "Thinking", "thought", "reasoning"]))
def test_nothing_of_a_thought_is_said(said: str, thought: str, tag: str) -> None:
    whole = f"<{tag}>{thought}</{tag}>{said}"
    assert apart(whole) == (said, thought)
    assert apart(said) == (said, "")
    for cut in range(len(f"<{tag}>"), len(whole) + 1):
        shown = apart(whole[:cut])[0]
        assert said.startswith(shown)


class Thinker(FakeChat):
    """Thinks a move and says others, in pieces and then whole."""

    streams = True
    text = "<think>heavy; heavy</think>jab; guard"

    async def answer(self, request: ChatRequest) -> Completion:
        for end in range(1, len(self.text) + 1):
            if request.on_text is not None:
                request.on_text(self.text[:end])
        if request.on_text is not None:
            await asyncio.sleep(0.04)
        return Completion(self.text, Usage(1, 2), 0.04, thought="apart already")


def test_a_model_that_thinks_aloud_is_read_without_it() -> None:
    found = asyncio.run(ThoughtsApart(Thinker()).complete(ChatRequest((Message("user", "?"),))))
    assert (found.text, found.thought) == ("jab; guard", "apart already\nheavy; heavy")


def test_no_move_is_taken_from_a_thought_while_it_is_written() -> None:
    player = ModelPlayer("m", ThoughtsApart(Thinker()), "Fight.", "{text}", constrained=False)
    match = Match(load_game("duel"), (player, load_bot("random")), 1, Clock.parse("measured"))
    turns = [turn for turn in asyncio.run(play_episode(match)).turns if turn.seat == 0]
    assert {turn.move.partition(";")[0] for turn in turns if turn.move} == {"jab"}
    assert any(turn.split is not None and turn.split.first == "jab" for turn in turns)
    assert {turn.thought for turn in turns} == {"apart already\nheavy; heavy"}


class _Server(ThreadingHTTPServer):
    """Answers every request of OpenAI's protocol with ``message``, cut at its length."""

    daemon_threads = True

    def __init__(self, message: dict[str, object]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.message = message


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        choice = {"index": 0, "message": {"role": "assistant", **self.server.message}, "finish_reason": "length"}
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        made = {"id": "c", "created": 0, "model": "m", "object": "chat.completion", "choices": [choice], "usage": usage}
        body = json.dumps(made).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.mark.parametrize(
    "message",
    [
        {"content": "<think>They may expect paper. So a better idea would be rock"},
        {"content": None, "reasoning_content": "rock, as they"},
        {"content": "", "reasoning": "rock, as they"},
    ],
)
def test_a_move_in_a_thought_that_was_cut_is_none(message: dict[str, object]) -> None:
    with _Server(message) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        model = open_model(f"vllm:http://127.0.0.1:{server.server_address[1]}#m")
        player = ModelPlayer("m", model, "Play.", "{text}", constrained=False)
        match = Match(load_game("openspiel:roshambo"), (player, load_bot("random")), 1, Clock.parse("paused"))
        first = asyncio.run(play_episode(match)).turns[0]
        server.shutdown()
    assert (first.move, first.reply, first.reply_class) == (None, "", ReplyClass.TRUNCATED)
    assert "rock" in first.thought
