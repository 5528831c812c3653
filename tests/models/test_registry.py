import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from models.capabilities import EFFORTS, Effort, anthropic_capabilities, openai_capabilities
from models.errors import BadInput
from models.ledger import Ledger
from models.prices import Price
from models.registry import KINDS, ModelOptions, open_model


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "VLLM_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize("spec", ["", "gpt-5", "rookie:x", "openai:", "vllm", "bogus:thing"])
def test_unknown_names_list_the_kinds(spec: str) -> None:
    with pytest.raises(BadInput) as caught:
        open_model(spec)
    assert all(form in str(caught.value) for form in KINDS.values())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("spec", "near"), [("opnai:x", "openai:NAME"), ("VLLM:x", "vllm:URL"), ("rooky", "rookie")])
def test_a_near_miss_is_named(spec: str, near: str) -> None:
    with pytest.raises(BadInput, match=f"did you mean {near}"):
        open_model(spec)


@pytest.mark.parametrize(("kind", "variable"), [("openai", "OPENAI_API_KEY"), ("anthropic", "ANTHROPIC_API_KEY")])
def test_a_missing_key_names_its_variable(kind: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match=variable):
        open_model(f"{kind}:m")
    with pytest.raises(BadInput, match="MY_KEY"):
        open_model(f"{kind}:m", ModelOptions(api_key_env="MY_KEY", base_url="http://127.0.0.1:1"))
    monkeypatch.setenv("MY_KEY", "secret")
    model = open_model(f"{kind}:m", ModelOptions(api_key_env="MY_KEY"))
    assert model.name == f"{kind}:m"
    assert "secret" not in repr(model)
    assert open_model(f"{kind}:m", ModelOptions(base_url="http://127.0.0.1:1")).name == f"{kind}:m"


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("openai:gpt-6-luna+high", "openai:gpt-6-luna+high"),
        ("openai:gpt-6-luna", "openai:gpt-6-luna+low"),
        ("anthropic:claude-opus-5-5+max", "anthropic:claude-opus-5-5+max"),
        ("vllm:http://127.0.0.1:1#gpt-oss", "vllm:http://127.0.0.1:1#gpt-oss+low"),
        ("ollama:gpt-oss:20b", "ollama:gpt-oss:20b+low"),
        ("openrouter:z-ai/glm-5", "openrouter:z-ai/glm-5+low"),
    ],
)
def test_an_effort_is_part_of_the_name(spec: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENROUTER_API_KEY"):
        monkeypatch.setenv(variable, "secret")
    assert open_model(spec, ModelOptions(effort="low")).name == name


@pytest.mark.parametrize(
    ("spec", "takes"),
    [
        ("openai:gpt-4.1+low", "it does not reason"),
        ("openai:o3+none", "low, medium, high"),
        ("openai:gpt-6.1-sol+none", "low, medium, high, xhigh, max"),
        ("anthropic:claude-3-5-haiku-latest+low", "it does not reason"),
        ("anthropic:claude-opus-5-5+minimal", "low, medium, high, xhigh, max"),
    ],
)
def test_an_effort_that_a_model_does_not_take(spec: str, takes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(variable, "secret")
    with pytest.raises(BadInput, match=takes):
        open_model(spec)


@pytest.mark.parametrize(
    "options",
    [{"effort": "low"}, {"api": "chat"}, {"requests_per_minute": 5}, {"tokens_per_minute": 5}, {"concurrency": 5}],
)
def test_what_only_services_take(options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=f"takes no {next(iter(options))}"):
        open_model(f"manual:{tmp_path}", ModelOptions(**options))


def test_one_api_has_another_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(variable, "secret")
    assert "ResponsesModel" in repr(open_model("openai:gpt-5-nano"))
    assert "OpenAIModel" in repr(open_model("openai:gpt-5-nano", ModelOptions(api="chat")))
    assert "OpenAIModel" in repr(open_model("openai:gpt-4.1"))
    assert "ResponsesModel" in repr(open_model("openai:gpt-4.1", ModelOptions(api="responses")))
    assert "OpenAIModel" in repr(open_model("openai:gpt-5-nano", ModelOptions(base_url="http://127.0.0.1:1")))
    for spec in ("anthropic:claude-haiku-5-5", "ollama:x", "vllm:http://127.0.0.1:1#m"):
        with pytest.raises(BadInput, match="only openai: has two protocols"):
            open_model(spec, ModelOptions(api="chat"))


AWS = ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_BEARER_TOKEN_BEDROCK")
GOOGLE = ("CLOUD_ML_REGION", "ANTHROPIC_VERTEX_PROJECT_ID", "GOOGLE_CLOUD_PROJECT", "GOOGLE_APPLICATION_CREDENTIALS")


@pytest.mark.parametrize(
    ("spec", "given", "missing"),
    [
        ("bedrock:m", (), "AWS_REGION"),
        ("bedrock:m", ("AWS_REGION",), "AWS_ACCESS_KEY_ID"),
        ("bedrock:m", ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID"), "AWS_SECRET_ACCESS_KEY"),
        ("vertex:m", (), "CLOUD_ML_REGION"),
        ("vertex:m", ("CLOUD_ML_REGION",), "ANTHROPIC_VERTEX_PROJECT_ID"),
        ("vertex:m", ("CLOUD_ML_REGION", "GOOGLE_CLOUD_PROJECT"), "GOOGLE_APPLICATION_CREDENTIALS"),
        ("vertex:m", ("CLOUD_ML_REGION", "GOOGLE_CLOUD_PROJECT", "GOOGLE_APPLICATION_CREDENTIALS"), "cannot be read"),
        ("openrouter:m", (), "OPENROUTER_API_KEY"),
    ],
)
def test_what_the_environment_lacks_is_named(
    spec: str, given: tuple[str, ...], missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in (*AWS, *GOOGLE, "OPENROUTER_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    for variable in given:
        monkeypatch.setenv(variable, "something")
    with pytest.raises(BadInput, match=missing):
        open_model(spec)


@pytest.mark.parametrize(("spec", "package"), [("bedrock:m", "boto3"), ("vertex:m", "google")])
def test_a_cloud_without_its_package(spec: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == package else found(name))
    with pytest.raises(BadInput, match=rf"{package} is not installed: pip install 'cornerman\[{spec[:-2]}\]'"):
        open_model(spec)


def test_a_dollar_limit_needs_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    limited = ModelOptions(ledger=Ledger(limit_usd=5.0))
    open_model("openai:gpt-5-nano", limited)
    open_model("openai:never-heard-of", ModelOptions(ledger=Ledger(limit_tokens=5)))
    with pytest.raises(BadInput, match="price of openai:never-heard-of is not known") as told:
        open_model("openai:never-heard-of", limited)
    beside, table, header = re.findall(r"`([^`]+)`", str(told.value))
    written = tomllib.loads(f"[player]\n{beside}\n{header}\n{table}\n")
    assert written == {"player": {"price": [1.0, 4.0]}, "prices": {"openai:never-heard-of": [1.0, 4.0]}}
    open_model(
        "openai:never-heard-of", ModelOptions(ledger=limited.ledger, prices={"openai:never-heard-of": Price(1, 2)})
    )
    open_model("vllm:http://127.0.0.1:1#m", limited)


@pytest.mark.parametrize(
    "url",
    ["127.0.0.1:8000", "ftp://host/x", "http://", "localhost#m", "http://h:port", "http://h:99999", "http://[::1"],
)
def test_what_is_no_url(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    for spec, options in ((f"vllm:{url}#m", ModelOptions()), ("openai:m", ModelOptions(base_url=url))):
        with pytest.raises(BadInput, match="not a URL"):
            open_model(spec, options)


def test_manual_and_scripted_open_without_any_key(tmp_path: Path) -> None:
    assert open_model(f"manual:{tmp_path / 'letters'}").name == f"manual:{tmp_path / 'letters'}"
    (tmp_path / "a.jsonl").write_text('{"reply": "x"}')
    assert open_model(f"scripted:{tmp_path / 'a.jsonl'}").name == f"scripted:{tmp_path / 'a.jsonl'}"


@pytest.mark.parametrize("path", ["/nowhere/at/all", "./here", "noslash", "~/nowhere"])
def test_a_missing_local_folder(path: str) -> None:
    with pytest.raises(BadInput, match="no model"):
        open_model(f"local:{path}")


def test_a_name_on_the_hub_is_fetched_without_pickles_and_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, list[str]]] = []

    def fetch(name: str, allow_patterns: list[str]) -> str:
        asked.append((name, allow_patterns))
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    (tmp_path / "config.json").write_text('{"auto_map": {}}')
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(BadInput, match="auto_map"):
        open_model("local:owner/name")
    name, patterns = asked[0]
    assert name == "owner/name"
    for file in ("pytorch_model.bin", "modeling.py", "model.pt", "weights.pkl"):
        assert not any(Path(file).match(pattern) for pattern in patterns)


def test_the_registry_imports_nothing_heavy() -> None:
    import subprocess

    heavy = ("torch", "openai", "anthropic", "litellm", "boto3", "google")
    code = f"import sys, models.registry; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("model", "quick", "most"),
    [
        ("gpt-4.1-mini", None, None),
        ("gpt-4o-2024-08-06", None, None),
        ("o3", "low", "high"),
        ("o3-pro-2025-06-10", "low", "high"),
        ("gpt-5", "minimal", "high"),
        ("gpt-5-nano-2025-08-07", "minimal", "high"),
        ("gpt-5-pro", "high", "high"),
        ("gpt-5.2-pro", "medium", "xhigh"),
        ("gpt-5-codex", "low", "high"),
        ("gpt-5-chat-latest", None, None),
        ("gpt-5.1", "none", "high"),
        ("gpt-5.4-mini", "none", "xhigh"),
        ("gpt-5.6-terra", "none", "max"),
        ("gpt-6-luna", "none", "max"),
        ("gpt-6-astra", "low", "max"),
        ("gpt-6.1-sol", "low", "max"),
        ("gpt-10", "low", "max"),
    ],
)
def test_what_openai_models_take(model: str, quick: Effort | None, most: Effort | None) -> None:
    """A model that reasons takes no temperature and wants the Responses API; the others are as they were."""
    capabilities = openai_capabilities(model)
    assert capabilities.quick == quick == next(iter(capabilities.efforts), None)
    assert next(reversed(capabilities.efforts), None) == most
    assert (capabilities.samples, capabilities.api) == ((True, "chat") if quick is None else (False, "responses"))
    assert capabilities.token_field == "max_completion_tokens"
    assert not capabilities.holding


@pytest.mark.parametrize(
    ("model", "samples", "quick", "thinking"),
    [
        ("claude-3-5-haiku-latest", True, None, None),
        ("claude-sonnet-4-20250514", True, None, "budget"),
        ("claude-haiku-4-5-20251001", True, None, "budget"),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", True, None, "budget"),
        ("claude-haiku-4-5@20251001", True, None, "budget"),
        ("claude-opus-4-6", True, None, "adaptive"),
        ("claude-opus-4-7", False, None, "adaptive"),
        ("claude-opus-5", False, "none", "always"),
        ("claude-opus-5-5", False, "low", "always"),
        ("claude-fable-5-1", False, "low", "always"),
        ("claude-sonnet-5-5", False, "none", "always"),
        ("claude-haiku-5-5", False, "none", "always"),
        ("somebody-elses", True, None, None),
    ],
)
def test_what_anthropic_models_take(model: str, samples: bool, quick: Effort | None, thinking: str | None) -> None:
    capabilities = anthropic_capabilities(model)
    assert (capabilities.samples, capabilities.quick, capabilities.thinking) == (samples, quick, thinking)
    assert capabilities.token_field == "max_tokens"
    assert set(capabilities.efforts) <= set(EFFORTS)
