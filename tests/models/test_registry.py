import sys
from pathlib import Path

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


def test_a_dollar_limit_needs_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    limited = ModelOptions(ledger=Ledger(limit_usd=5.0))
    open_model("openai:gpt-5-nano", limited)
    open_model("openai:never-heard-of", ModelOptions(ledger=Ledger(limit_tokens=5)))
    with pytest.raises(BadInput, match=r'\[prices\] "openai:never-heard-of"'):
        open_model("openai:never-heard-of", limited)
    open_model(
        "openai:never-heard-of", ModelOptions(ledger=limited.ledger, prices={"openai:never-heard-of": Price(1, 2)})
    )
    open_model("vllm:http://127.0.0.1:1#m", limited)


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://host/x", "http://", "localhost#m"])
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(BadInput, match="not a URL"):
        open_model(f"vllm:{url}#m")


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

    code = "import sys, models.registry; print([m for m in ('torch', 'openai', 'anthropic') if m in sys.modules])"
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
    assert not capabilities.choices


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
