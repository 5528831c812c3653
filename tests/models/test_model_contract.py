"""The contract test passes every kind of model that runs here, wrapped or not, and catches whoever breaks a rule."""

import asyncio
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_chat import FakeChat
from faulty_server import FaultyServer
from opened_models import KEY, KINDS, opened
from pretended_vllm import model_folder, pretended

from cornerman.scale.lease import Leased, Purse
from episodes.store.store import Store
from models import sizes
from models.chat import ChatModel, ChatRequest, Completion, Usage, given_whole
from models.concurrency import Throttled, Window
from models.contract import Claims, check_model
from models.endpoint import Endpoint
from models.errors import Unavailable
from models.hints import Hinting
from models.hub import ROOKIE
from models.ledger import Ledger, Metered
from models.limits import Limited, RateLimit
from models.local import LocalModel
from models.manual import ManualModel
from models.notes import Notes
from models.prices import FREE
from models.registry import ModelOptions, open_model
from models.remembered import Remembered
from models.replicas import Replicas
from models.responses import LEAST_TOKENS
from models.retry import Retrying
from models.scripted import ScriptedModel
from models.thoughts import ThoughtsApart
from models.vllm_batch import VLLMBatchModel
from models.wrapping import Lent
from reflect.recorded import Recorded

PROGRAM = ("models", "prompts", "episodes", "reflect", "optimize", "distill", "cornerman")
CHOICES = ("jab", "throw", "guard")
HELD = ("vllm", "ollama", "llamacpp")
QUOTED = 'secret "in quotes"'
HERE = Claims(CHOICES, repeats=True)


def problems(model: ChatModel, claims: Claims | None = None) -> list[str]:
    return asyncio.run(check_model(model, claims))


@pytest.mark.parametrize("kind", [*KINDS, "litellm:openai", "litellm:anthropic"])
@pytest.mark.parametrize("model", ["ok", "thinks", "refusal", "long"])
def test_every_service_keeps_the_contract(kind: str, model: str, server: FaultyServer) -> None:
    choices = CHOICES if kind in HELD and model != "refusal" else ()
    claims = Claims(choices, least_tokens=LEAST_TOKENS if kind == "responses" else 0, secrets=(KEY,))
    if kind.startswith("litellm:"):
        asked = open_model(f"{kind}/{model}", ModelOptions(max_retries=0, timeout_s=10, base_url=server.url))
    else:
        asked = opened(kind, model, server)
    assert problems(asked, claims) == []


@pytest.mark.parametrize("spec", ["rookie", f"local:{ROOKIE}"])
def test_models_in_this_process_keep_the_contract(spec: str) -> None:
    assert problems(open_model(spec), HERE) == []


def test_a_model_in_bfloat16_keeps_it_too(tmp_path: Path) -> None:
    """As one on a GPU it computes in its own precision; what is drawn may differ, and its endpoint says so."""
    folder = tmp_path / "model"
    shutil.copytree(ROOKIE, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"dtype": "bfloat16"}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sizes, "SMALL", 0)
        patch.setattr(sizes, "LARGE", 0)
        model = LocalModel(folder, name="local:coarse")
    assert model.endpoint.precision == "bfloat16"
    assert problems(model, HERE) == []


def test_models_without_weights_keep_the_contract(tmp_path: Path) -> None:
    script = tmp_path / "s.jsonl"
    script.write_text('{"match": ".", "reply": "throw him, he is far away and slow"}\n')
    assert problems(open_model(f"scripted:{script}"), Claims(repeats=True)) == []

    def answered(line: str) -> None:
        Path(line.rpartition(" to ")[2]).write_text("jab")

    assert problems(ManualModel(tmp_path / "letters", poll_s=0.001, notify=answered), HERE) == []


def test_batches_keep_the_contract(tmp_path: Path) -> None:
    batch = VLLMBatchModel(model_folder(tmp_path), name="vllm-batch:m", root=pretended(tmp_path), most=8)
    assert batch.endpoint.kind == "vllm-batch"
    assert problems(batch) == []


def wrappers(store: Store) -> dict[str, Callable[[ChatModel], ChatModel]]:
    return {
        "lent": Lent,
        "thoughts": ThoughtsApart,
        "hinting": lambda model: Hinting(model, Notes(), model.name),
        "retrying": Retrying,
        "metered": lambda model: Metered(model, Ledger(1.0, 10**6), FREE),
        "limited": lambda model: Limited(model, RateLimit(10**6, 10**9)),
        "throttled": lambda model: Throttled(model, Window()),
        "replicas": lambda model: Replicas([model, model], model.name),
        "remembered": Remembered,
        "leased": lambda model: Leased(model, Purse(limited_usd=False, limited_tokens=False)),
        "recorded": lambda model: Recorded(model, store, "duel", None),
    }


WRAPPERS = (
    "lent",
    "thoughts",
    "hinting",
    "retrying",
    "metered",
    "limited",
    "throttled",
    "replicas",
    "remembered",
    "leased",
    "recorded",
)


def test_every_wrapper_of_the_program_is_among_them(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    files = (file for folder in PROGRAM for file in (root / folder).rglob("*.py"))
    written = {
        name for file in files for name in re.findall(r"^class (\w+)\(Wrapper\)", file.read_text(), re.MULTILINE)
    }
    with Store.open(tmp_path / "s.db") as store:
        tested = {type(wrap(Wrong())).__name__ for wrap in wrappers(store).values()}
    assert tested == written - {"_Replica"} | {"Replicas"}


@pytest.mark.parametrize("name", WRAPPERS)
def test_every_wrapper_keeps_the_contract(name: str, server: FaultyServer, tmp_path: Path) -> None:
    with Store.open(tmp_path / "s.db") as store:
        wrap = wrappers(store)[name]
        assert set(wrappers(store)) == set(WRAPPERS)
        streaming, whole = opened("vllm", "ok", server), ScriptedModel({".": "jab"}, name="s")
        for model, claims in ((streaming, Claims(CHOICES, secrets=(KEY,))), (whole, Claims(CHOICES, repeats=True))):
            wrapped = wrap(model)
            assert (wrapped.name, wrapped.endpoint, wrapped.streams) == (model.name, model.endpoint, model.streams)
            assert problems(wrapped, claims) == []


@pytest.mark.parametrize("name", WRAPPERS)
def test_every_wrapper_passes_the_request_on_untouched(name: str, tmp_path: Path) -> None:
    inside = Wrong()
    request = ChatRequest((), CHOICES, 7, 0.5, 3, on_text=lambda text: None)
    with Store.open(tmp_path / "s.db") as store:
        asyncio.run(wrappers(store)[name](inside).complete(request))
    (passed,) = inside.requests
    assert passed == request
    assert passed.on_text is request.on_text
    assert passed is request or name == "remembered", "whose seed is one of few"


class Wrong(FakeChat):
    """Keeps the contract but for what ``ways`` say."""

    def __init__(self, **ways: Any) -> None:
        super().__init__()
        self.ways = ways
        self.name = ways.get("name", "wrong")
        self.endpoint = ways.get("endpoint", Endpoint("fake"))
        self.streams = ways.get("streams", False)
        self.holds = ways.get("holds", "nothing")
        self.closed = 0

    async def answer(self, request: ChatRequest) -> Completion:
        found = Completion("jab", Usage(10, 1), 0.1)
        found = replace(found, **self.ways.get("completion", {}))
        if self.ways.get("counts"):
            found = replace(found, text=f"{len(self.requests)}")
        for text in self.ways.get("shown", ()):
            assert request.on_text is None or request.on_text(text) is None
        if "fault" in self.ways:
            raise self.ways["fault"]
        return found if "shown" in self.ways else given_whole(request, found)

    async def close(self) -> None:
        self.closed += 1
        assert self.closed == 1 or not self.ways.get("fragile"), "closed already"


def test_the_one_that_is_broken_below_keeps_it() -> None:
    assert problems(Wrong(), HERE) == []
    assert problems(Wrong(streams=True, shown=("j", "ja", "jab")), HERE) == []


def test_choices_are_no_surprise_to_a_model_that_is_not_held_to_them() -> None:
    """A game offers its moves as choices to every model."""

    class Surprised(Wrong):
        async def answer(self, request: ChatRequest) -> Completion:
            if request.choices is not None:
                raise NotImplementedError("choices")
            return await super().answer(request)

    (problem,) = problems(Surprised())
    assert problem.endswith("the model raised NotImplementedError: choices")


@pytest.mark.parametrize(
    ("ways", "says"),
    [
        ({"name": ""}, "name is ''"),
        ({"name": "a\nb"}, "one line of printable text"),
        ({"name": f"m {KEY}"}, "a secret is seen"),
        ({"endpoint": Endpoint("fake", extra=KEY)}, "a secret is seen"),
        ({"name": QUOTED}, "a secret is seen"),
        ({"endpoint": None}, "give an Endpoint with a kind"),
        ({"endpoint": Endpoint("")}, "give an Endpoint with a kind"),
        ({"streams": None}, "streams is None"),
        ({"completion": {"text": None}}, "text is None"),
        ({"completion": {"thought": None}}, "thought is None"),
        ({"completion": {"usage": Usage(-1, 1)}}, "usage is"),
        ({"completion": {"usage": Usage(1, 0.5)}}, "whole numbers"),  # type: ignore[arg-type]
        ({"completion": {"usage": Usage(1, 60)}}, "60 tokens came where max_tokens allows 4"),
        ({"completion": {"latency": -1.0}}, "latency is -1.0"),
        ({"completion": {"cost": float("nan")}}, "cost is nan"),
        ({"completion": {"finish_reason": "done"}}, "finish_reason is 'done'"),
        ({"completion": {"text": "heavy"}}, "'heavy' is none of ('jab', 'throw', 'guard')"),
        ({"completion": {"text": "jab; heavy"}, "holds": "grammar"}, "'jab; heavy' is none of (?:jab|guard)"),
        ({"shown": ()}, "give it all in the end"),
        ({"shown": ("j", "ja")}, "give it all in the end"),
        ({"shown": ("j", "jab")}, "got 2 texts of a model that does not stream"),
        ({"streams": True, "shown": ("x", "jab")}, "each text must go on"),
        ({"streams": True, "shown": ("jab", "jab")}, "each text must go on"),
        ({"counts": True}, "draw every random number from the request's seed"),
        ({"fault": Unavailable("down")}, "while checking that a plain request is answered"),
        ({"fault": ValueError("no")}, "the model raised ValueError: no"),
        ({"fragile": True}, "while checking that closing it twice is harmless"),
    ],
)
def test_every_rule_is_checked(ways: dict[str, Any], says: str) -> None:
    found = problems(Wrong(**ways), replace(HERE, secrets=(KEY, QUOTED)))
    assert any(says in problem for problem in found), found
    assert len(found) == len(set(found))
    assert not any("\n" in problem for problem in found)
