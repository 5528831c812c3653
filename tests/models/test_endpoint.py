"""What identifies a model: everything that shapes its answers, and nothing else."""

import asyncio
import json
import os
import shutil
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from faulty_server import FaultyServer
from hypothesis import given
from hypothesis import strategies as st
from opened_models import KEY, KINDS, opened, set_keys

from models.chat import ChatModel, ChatRequest, Message
from models.endpoint import MERGED, SET_ELSEWHERE, Endpoint, address_of, canonical_extra
from models.errors import BadInput
from models.hub import ROOKIE
from models.ledger import Ledger
from models.local import LocalModel, found_device
from models.notes import Notes
from models.prices import Price
from models.registry import ModelOptions, open_model
from models.remembered import Remembered
from models.weights import file_digest, folder_digest
from models.wrapping import Lent

MESSAGES = (Message("system", "You fight."), Message("user", "far"))
ROOKIES_WEIGHTS = folder_digest(ROOKIE)


def sent(model: ChatModel, server: FaultyServer, **more: Any) -> dict[str, Any]:
    async def once() -> None:
        await model.complete(ChatRequest(MESSAGES, **more))
        await model.close()

    asyncio.run(once())
    return server.requests[-1]


def test_an_id_is_of_what_is_known() -> None:
    """Pinned: matches of stores are told apart by it. A field that is empty leaves it as it is."""
    known = Endpoint("openai", "gpt-6-luna", "https://api.openai.com/v1", "responses", "low")
    assert known.facts() == {
        "kind": "openai",
        "name": "gpt-6-luna",
        "address": "https://api.openai.com/v1",
        "api": "responses",
        "effort": "low",
    }
    assert list(known.facts()) == [field.name for field in fields(Endpoint)][:5]
    assert known.id == "016926918efbb1b04814"
    assert Endpoint("manual").id == "630290a88c6172e29150"


TEXTS = st.text(max_size=3)


@given(*[st.builds(Endpoint, *[TEXTS] * 4, st.none(), *[TEXTS] * 4) for _ in range(2)])
def test_only_equal_endpoints_share_an_id(one: Endpoint, other: Endpoint) -> None:
    assert (one.id == other.id) is (one == other)
    assert len(one.id) == 20


def test_every_field_counts() -> None:
    plain = Endpoint("openai", "x")
    values: list[dict[str, Any]] = [{field.name: "low"} for field in fields(Endpoint)]
    changed = [replace(plain, **value) for value in values]
    assert len({one.id for one in [plain, *changed]}) == len(fields(Endpoint)) + 1


@pytest.mark.parametrize(
    ("urls", "address"),
    [
        (["https://Gpu1:443/v1/"], "https://gpu1/v1"),
        (["http://b:8000/V1", "http://a:80/"], "http://a,http://b:8000/V1"),
        (["http://user:secret@h/v1?key=secret#x", "http://h/v1"], "http://h/v1"),
        (["http://h:443"], "http://h:443"),
        (["http://[::1]:80/v1"], "http://[::1]/v1"),
        ([], ""),
    ],
)
def test_an_address_has_one_spelling_and_no_secrets(urls: list[str], address: str) -> None:
    assert address_of(urls) == address


@pytest.mark.parametrize("kind", KINDS)
def test_every_service_is_known_by_what_it_is(kind: str, server: FaultyServer) -> None:
    found = opened(kind, "ok", server).endpoint
    at = f"{server.url}/v1" if kind == "vllm" else server.url
    expected = Endpoint("openai" if kind == "responses" else kind, "ok", at)
    apis = {"openai": "chat", "responses": "responses"}
    assert found == replace(expected, api=apis.get(kind, ""))
    options = ModelOptions(
        timeout_s=7.0,
        max_retries=9,
        requests_per_minute=5,
        tokens_per_minute=5,
        concurrency=5,
        price=Price(1, 2),
        prices={f"{kind}:ok": Price(1, 2)},
        ledger=Ledger(limit_usd=3.0),
    )
    assert opened(kind, "ok", server, options).endpoint == found, "nothing of this shapes an answer"
    assert opened(kind, "other", server).endpoint != found
    extra = opened(kind, "ok", server, ModelOptions(extra={"top_p": 0.5})).endpoint
    assert extra == replace(found, extra='{"top_p":0.5}')
    assert KEY not in f"{found} {found.facts()}"


def test_an_effort_and_an_api_are_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    set_keys(monkeypatch)
    plain = open_model("openai:gpt-6-luna").endpoint
    assert plain == Endpoint("openai", "gpt-6-luna", "https://api.openai.com/v1", "responses")
    assert open_model("openai:gpt-6-luna+high").endpoint == replace(plain, effort="high")
    assert open_model("openai:gpt-6-luna", ModelOptions(effort="high")).endpoint == replace(plain, effort="high")
    assert open_model("openai:gpt-6-luna", ModelOptions(api="chat")).endpoint == replace(plain, api="chat")


@pytest.mark.parametrize(
    ("spec", "region", "address"),
    [
        ("bedrock:m", "eu-west-1", "https://bedrock-runtime.eu-west-1.amazonaws.com"),
        ("vertex:m", "europe-west1", "https://europe-west1-aiplatform.googleapis.com/v1"),
        ("vertex:m", "eu", "https://aiplatform.eu.rep.googleapis.com/v1"),
        ("vertex:m", "global", "https://aiplatform.googleapis.com/v1"),
    ],
)
def test_a_cloud_has_the_address_that_its_sdk_asks(
    spec: str, region: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_keys(monkeypatch)
    monkeypatch.setenv("AWS_REGION", region)
    monkeypatch.setenv("CLOUD_ML_REGION", region)
    model = open_model(spec, ModelOptions(api_key_env="VERTEX_API_KEY"))
    assert model.endpoint.address == address


@pytest.mark.parametrize("url", ["http://[::1", "https://user:secret@host/v1", "host"])
def test_a_clouds_address_in_the_environment_is_a_url_and_nothing_more(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_keys(monkeypatch)
    monkeypatch.setenv("CLOUD_ML_REGION", "eu")
    monkeypatch.setenv("ANTHROPIC_VERTEX_BASE_URL", url)
    with pytest.raises(BadInput, match="URL") as told:
        open_model("vertex:m", ModelOptions(api_key_env="VERTEX_API_KEY"))
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("region", ["europe-west1", "us", "eu", "global"])
def test_vertex_is_where_the_sdk_has_it(region: str) -> None:
    from anthropic import AnthropicVertex

    from models.clouds import _vertex_url

    sdks = AnthropicVertex(region=region, project_id="p", access_token="t", open_telemetry=False)
    assert str(sdks.base_url).rstrip("/") == _vertex_url(region)


def test_replicas_are_one_endpoint_in_any_order() -> None:
    model = open_model("vllm:http://b:1,http://a:2/v1/#m")
    assert model.endpoint == Endpoint("vllm", "m", "http://a:2/v1,http://b:1/v1")
    assert open_model("vllm:http://a:2,http://b:1/v1,http://b:1#m").endpoint == model.endpoint
    assert Remembered(Lent(model)).endpoint == model.endpoint


def test_a_folder_is_known_by_its_weights_and_not_by_its_place(tmp_path: Path) -> None:
    rookie = open_model("rookie").endpoint
    assert rookie == Endpoint("rookie", device="cpu", precision="float64", weights=ROOKIES_WEIGHTS)
    copy = tmp_path / "copy"
    shutil.copytree(ROOKIE, copy)
    local = open_model(f"local:{copy}").endpoint
    assert local == replace(rookie, kind="local")
    template = copy / "chat_template.jinja"
    template.write_text(template.read_text() + "\n")
    changed = LocalModel(copy, name="x").endpoint
    assert changed.weights != local.weights
    assert replace(changed, weights="") == replace(local, weights="")


def test_the_word_list_of_a_tokenizer_counts_where_there_is_no_other(tmp_path: Path) -> None:
    """Digests of bases, by which stores name students, have no word lists; what a model answers depends on them."""
    folder = tmp_path / "model"
    shutil.copytree(ROOKIE, folder)
    tokenizer, config = folder / "tokenizer.json", folder / "tokenizer_config.json"
    vocabulary = json.loads(tokenizer.read_text())["model"]["vocab"]
    config.write_text(json.dumps(json.loads(config.read_text()) | {"tokenizer_class": "BertTokenizer"}))
    words = folder / "vocab.txt"
    words.write_text("\n".join(sorted(vocabulary, key=vocabulary.get)))
    with_both = LocalModel(folder, name="x").endpoint
    assert with_both.weights == folder_digest(folder)
    tokenizer.unlink()
    of_words = LocalModel(folder, name="x").endpoint
    assert of_words.weights == f"{folder_digest(folder)}+{file_digest(words)}"
    base = folder_digest(folder)
    words.write_text("\n".join(sorted(vocabulary)))
    assert LocalModel(folder, name="x").endpoint.weights != of_words.weights
    assert folder_digest(folder) == base


def test_a_script_is_known_by_what_is_in_its_file(tmp_path: Path) -> None:
    one, other = tmp_path / "one.jsonl", tmp_path / "other.jsonl"
    for path in (one, other):
        path.write_text('{"reply": "jab"}\n')
    first = open_model(f"scripted:{one}").endpoint
    assert first == open_model(f"scripted:{other}").endpoint == Endpoint("scripted", weights=file_digest(one))
    other.write_text('{"reply": "guard"}\n')
    assert open_model(f"scripted:{other}").endpoint != first
    assert open_model(f"manual:{tmp_path}").endpoint == Endpoint("manual")


def test_a_digest_is_computed_anew_only_where_a_file_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pinned: students name their bases by it. Read once a process, whatever the files' size."""
    for name, content in (("config.json", "{}"), ("model.safetensors", "weights"), ("notes.txt", "of no account")):
        (tmp_path / name).write_text(content)
    assert folder_digest(tmp_path) == "963cfc586de200d51e5e"
    (tmp_path / "notes.txt").write_text("something else")
    read: list[Path] = []
    real = Path.open

    def watched(self: Path, *how: Any, **more: Any) -> Any:
        read.append(self)
        return real(self, *how, **more)

    monkeypatch.setattr(Path, "open", watched)
    assert folder_digest(tmp_path) == "963cfc586de200d51e5e"
    assert read == []
    changed = tmp_path / "model.safetensors"
    changed.write_bytes(b"Weights")
    os.utime(changed, ns=(1, 1))
    assert folder_digest(tmp_path) != "963cfc586de200d51e5e"
    assert read[-2:] == [tmp_path / "config.json", changed]


@pytest.mark.parametrize(
    ("extra", "says"),
    [({name: 1}, f"extra must not set '{name}'") for name in SET_ELSEWHERE if "." not in name]
    + [
        ({"reasoning": {"effort": "low"}}, "extra must not set 'reasoning.effort': set effort"),
        ({"thinking": {"budget_tokens": 9}}, "set effort"),
        ({"reasoning": "much"}, "extra.reasoning must be a table"),
        ({"top_p": float("nan")}, "finite numbers"),
        ({"a": {"b": [Path()]}}, "sent as JSON"),
        ({"user": ["sk-abcdefghij"]}, "looks like a key"),
    ],
)
def test_extra_fields_that_cannot_be(extra: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput) as caught:
        canonical_extra(extra, "openai:x")
    assert says in str(caught.value)
    assert str(caught.value).startswith("openai:x: ")
    assert "\n" not in str(caught.value)
    assert "abcdefghij" not in str(caught.value)


THINKERS = {"bedrock": "claude-opus-4-7", "vertex": "claude-haiku-4-5"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_that_is_ours_is_known_as_ours(kind: str, server: FaultyServer) -> None:
    """Else an extra field of that name would replace what the program asks for."""
    options = ModelOptions(max_retries=0, effort="low")
    for more in ({}, {"on_text": lambda text: None}, {"choices": ("jab", "throw")}):
        request = sent(opened(kind, THINKERS.get(kind, "ok"), server, options), server, max_tokens=2000, seed=1, **more)
        said = {name for name in request if name not in MERGED}
        said |= {f"{name}.{inner}" for name in MERGED & request.keys() for inner in request[name]}
        assert said - {"anthropic_version"} <= SET_ELSEWHERE.keys(), "the version is the clouds' SDKs'"


def test_equal_extra_fields_are_one_text() -> None:
    one = canonical_extra({"b": {"y": 1, "x": "é"}, "a": [1.5, None, True]}, "x")
    assert one == canonical_extra({"a": [1.5, None, True], "b": {"x": "é", "y": 1}}, "x")
    assert one == '{"a":[1.5,null,true],"b":{"x":"é","y":1}}'
    assert canonical_extra({}, "x") == ""
    assert canonical_extra({"hf_overrides": {"key_of_something": 1}}, "x"), "names of fields are no keys"


@pytest.mark.parametrize("kind", KINDS)
def test_extra_fields_reach_the_server(kind: str, server: FaultyServer) -> None:
    extra = {"top_k": 4, "nested": {"list": [1, "two"]}}
    model = opened(kind, "ok", server, ModelOptions(max_retries=0, extra=extra))
    for more in ({}, {"on_text": lambda text: None}, {"choices": ("jab", "throw")}):
        request = sent(model, server, **more)
        assert {name: request[name] for name in extra} == extra
        assert request["model"] == "ok"
        assert ("structured_outputs" in request) is (kind == "vllm" and "choices" in more)


def test_extra_fields_pass_through_litellm(server: FaultyServer) -> None:
    options = ModelOptions(base_url=server.url, extra={"top_k": 4})
    model = open_model("litellm:openai/ok", options)
    assert model.endpoint == Endpoint("litellm", "openai/ok", server.url, extra='{"top_k":4}')
    with pytest.raises(BadInput, match="name the model as anthropic:ok"):
        open_model("litellm:anthropic/ok", options)
    for more in ({}, {"on_text": lambda text: None}):
        assert sent(model, server, **more)["top_k"] == 4


@pytest.mark.parametrize(
    ("model", "variable"),
    [
        ("azure/gpt", "AZURE_API_BASE"),
        ("openai/ok", "OPENAI_BASE_URL"),
        ("openai/ok", "OPENAI_API_BASE"),
        ("ollama_chat/ok", "OLLAMA_API_BASE"),
        ("gemini/ok", "GEMINI_API_BASE"),
    ],
)
def test_an_address_in_the_environment_is_part_of_it(
    model: str, variable: str, server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """litellm reads it where no base_url is set: a deployment's name says nothing without it."""
    plain = open_model(f"litellm:{model}").endpoint
    monkeypatch.setenv(variable, f"http://user:secret@127.0.0.1:{server.server_address[1]}/")
    assert open_model(f"litellm:{model}").endpoint == replace(plain, address=server.url)
    named = open_model(f"litellm:{model}", ModelOptions(base_url="http://h:1")).endpoint
    assert named == replace(plain, address="http://h:1")
    if model == "openai/ok":
        monkeypatch.setenv(variable, server.url)
        sent(open_model(f"litellm:{model}"), server)
        assert server.paths[-1] == "/chat/completions", "and it is asked there"


def test_what_is_ours_of_a_table_stays_ours(server: FaultyServer) -> None:
    summarised = ModelOptions(extra={"reasoning": {"summary": "auto"}}, effort="low", max_retries=0)
    assert sent(opened("openrouter", "ok", server, summarised), server)["reasoning"] == {"summary": "auto"}
    request = sent(open_model("openai:gpt-6-luna", replace(summarised, base_url=server.url, api="responses")), server)
    assert request["reasoning"] == {"effort": "low", "summary": "auto"}
    shown = ModelOptions(extra={"thinking": {"display": "summarized"}}, base_url=server.url)
    request = sent(open_model("bedrock:claude-opus-4-7+high", shown), server)
    assert request["thinking"] == {"type": "adaptive", "display": "summarized"}


def test_extra_fields_and_prices_are_for_services(tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_text('{"reply": "jab"}')
    for spec in ("rookie", f"local:{ROOKIE}", f"scripted:{tmp_path / 's.jsonl'}", f"manual:{tmp_path}"):
        for key, value in (("extra", {"a": 1}), ("price", Price(1, 2))):
            with pytest.raises(BadInput, match=f"takes no {key}: that is for models behind a network"):
                open_model(spec, ModelOptions(**{key: value}))  # type: ignore[arg-type]


def test_a_device_is_for_models_that_compute_here(server: FaultyServer, tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_text('{"reply": "jab"}')
    for spec in ("openai:ok", "vllm:http://h:1#m", f"vllm-batch:{ROOKIE}", f"scripted:{tmp_path / 's.jsonl'}"):
        with pytest.raises(BadInput, match="takes no device"):
            open_model(spec, ModelOptions(device="auto"))


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    for wanted in ("gpu", "cuda:", "cuda:x", "CPU", "", "mps"):
        with pytest.raises(BadInput, match="write cpu, cuda, cuda:N, or auto"):
            open_model("rookie", ModelOptions(device=wanted))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert (found_device("cpu"), found_device("auto")) == ("cpu", "cpu")
    with pytest.raises(BadInput, match="torch sees 0 of CUDA"):
        found_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [found_device(wanted) for wanted in ("auto", "cuda", "cuda:1")] == ["cuda", "cuda", "cuda:1"]
    # The rookie stays where its decisions do not depend on their batch, and nothing is said of it.
    told: list[str] = []
    rookie = open_model("rookie", ModelOptions(notes=Notes(told.append)))
    assert (rookie.endpoint.device, rookie.endpoint.precision, told) == ("cpu", "float64", [])
    with pytest.raises(BadInput, match="cuda:2 is not there: torch sees 2"):
        found_device("cuda:2")


@pytest.mark.parametrize("spec", ["openai:never-heard-of", "vllm:{url}#ok", "openai:gpt-5-nano"])
def test_a_declared_price_is_that_of_the_very_model(spec: str, server: FaultyServer) -> None:
    """It wins over the tables by name, and over a server of one's own being free."""
    ledger = Ledger(limit_usd=1.0)
    named = spec.format(url=server.url)
    options = ModelOptions(
        base_url=server.url, ledger=ledger, price=Price(1000.0, 2000.0), prices={named: Price(5.0, 5.0)}
    )
    sent(open_model(named, options), server, max_tokens=16)
    (total,) = ledger.totals().values()
    assert total.cost_usd == pytest.approx(10 * 1000e-6 + 3 * 2000e-6)
    assert total.priced


def test_what_is_known_is_json(server: FaultyServer) -> None:
    facts = opened("openai", "ok", server, ModelOptions(extra={"a": 1})).endpoint.facts()
    assert json.loads(json.dumps(facts)) == facts
    assert json.loads(facts["extra"]) == {"a": 1}
