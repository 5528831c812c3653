"""GGUF files as folders.

Invariants:
1. The folder holds the very model, and a tokenizer that splits texts as the file says.
2. A file is converted once, wherever it lies and however many processes ask for it.
3. What cannot be used is one line, and leaves nothing.
"""

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from made_gguf import tiny_llama, write_gguf
from transformers import AutoModelForCausalLM, AutoTokenizer

from models.errors import BadInput
from models.gguf import cache, gguf_folder
from models.hub import model_folder
from models.registry import open_model


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def tiny() -> Any:
    return tiny_llama()


@pytest.fixture(scope="module")
def file(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gguf(tiny, tmp_path_factory.mktemp("gguf") / "tiny.gguf")


def logits(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = model(torch.arange(3, 90)[None]).logits.float()
    return found


def kept() -> list[str]:
    """Folders of converted models and whatever else was left, locks apart."""
    return sorted(path.name for path in (cache() / "gguf").iterdir() if path.suffix != ".lock")


@pytest.mark.parametrize(("kind", "number", "precision"), [("F32", 0, "float32"), ("F16", 1, "float16")])
def test_what_is_not_quantised_is_the_very_model(
    tiny: Any, tmp_path: Path, kind: str, number: int, precision: str
) -> None:
    folder = gguf_folder(write_gguf(tiny, tmp_path / "x.gguf", quantized=kind, general__file_type=number))
    model = AutoModelForCausalLM.from_pretrained(str(folder), dtype="auto")
    assert str(model.dtype) == f"torch.{precision}"
    assert not hasattr(model.config, "quantization_config")
    want = tiny.state_dict() if kind == "F32" else {n: w.half() for n, w in tiny.state_dict().items()}
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, want[name].to(weight.dtype)), name


def test_what_is_quantised_is_near_it(tiny: Any, tmp_path: Path) -> None:
    folder = gguf_folder(write_gguf(tiny, tmp_path / "x.gguf", quantized="Q8_0", general__file_type=7))
    model = AutoModelForCausalLM.from_pretrained(str(folder), dtype="auto")
    assert model.dtype == torch.bfloat16
    assert torch.allclose(logits(model.float()), logits(tiny), atol=0.02)
    assert not torch.equal(logits(model.float()), logits(tiny))


def test_texts_are_split_as_the_file_says(tiny: Any, file: Path, tmp_path: Path) -> None:
    digits = AutoTokenizer.from_pretrained(str(gguf_folder(file)))
    other = write_gguf(tiny, tmp_path / "other.gguf", tokenizer__ggml__pre="gpt-2")
    plain = AutoTokenizer.from_pretrained(str(gguf_folder(other)))
    text = "one\n\n1. two\n\nthree<|im_end|>"
    assert digits.tokenize(text).count("ĊĊ") == 1  # before the digit, as llama.cpp has it
    assert plain.tokenize(text).count("ĊĊ") == 0  # GPT-2 parts two line breaks before anything
    assert digits.decode(digits(text).input_ids) == plain.decode(plain(text).input_ids) == text
    assert digits.tokenize(text)[-1] == "<|im_end|>"


def test_an_answer_ends_as_the_template_ends_it(file: Path) -> None:
    """The file names <|endoftext|>, the template writes <|im_end|>: both do."""
    settings = json.loads((gguf_folder(file) / "generation_config.json").read_text())
    assert settings["eos_token_id"] == [0, 2]


def test_a_file_is_converted_once(file: Path, tmp_path: Path) -> None:
    folder = gguf_folder(file)
    stamp = (folder / "model.safetensors").stat().st_mtime_ns
    moved = shutil.copy(file, tmp_path / "moved.gguf")
    assert model_folder(str(moved)) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == stamp
    shutil.rmtree(folder)
    with ThreadPoolExecutor(3) as threads:  # each has the lock's file open for itself, as processes have
        assert set(threads.map(gguf_folder, [file, Path(moved), file])) == {folder}
    assert not [name for name in kept() if "part" in name]


def test_it_opens_by_its_path(file: Path) -> None:
    model = open_model(f"local:{file}")
    assert model.endpoint.kind == "local"
    assert model.endpoint.weights


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"tokenizer__chat_template": None}, "no chat template"),
        ({"tokenizer__chat_template": "{{ raise_exception('no') }}"}, "template refuses"),
        ({"tokenizer__ggml__pre": "never-heard-of"}, "'never-heard-of', is not known"),
        ({"tokenizer__ggml__model": "rwkv"}, "llamacpp:NAME"),
        ({"split__count": 3}, "--merge"),
        ({"llama__block_count": 3}, "it has no model.layers.2."),
    ],
)
def test_a_model_that_cannot_be_used_is_one_line(tiny: Any, tmp_path: Path, said: dict[str, Any], reason: str) -> None:
    refused(write_gguf(tiny, tmp_path / "x.gguf", **said), reason)


def test_an_architecture_that_is_not_known(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "x.gguf"
    other.write_bytes(file.read_bytes().replace(b"llama", b"llaxa"))
    refused(other, "llaxa")


@pytest.mark.parametrize(
    "spoil", [lambda _: b"", lambda _: b"not one", lambda c: c[:-64], lambda c: c[:4] + b"\xff" * 99]
)
def test_a_broken_file_is_one_line(file: Path, tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    broken = tmp_path / "x.gguf"
    broken.write_bytes(spoil(file.read_bytes()))
    refused(broken, "cannot be used")


@settings(max_examples=30)
@given(share=st.floats(0, 0.999))
def test_no_beginning_of_a_file_is_taken_for_it(file: Path, share: float) -> None:
    content = file.read_bytes()
    with file.with_name("cut.gguf").open("wb") as cut:
        cut.write(content[: int(len(content) * share)])
    refused(Path(cut.name), "cannot be used")


def refused(file: Path, reason: str) -> None:
    before = kept() if (cache() / "gguf").exists() else []
    with pytest.raises(BadInput) as problem:
        gguf_folder(file)
    assert reason in str(problem.value)
    assert "\n" not in str(problem.value)
    assert str(file) in str(problem.value)
    assert (kept() if (cache() / "gguf").exists() else []) == before


def test_a_missing_file_is_no_model() -> None:
    with pytest.raises(BadInput, match=r"give rookie, smollm2, a folder, a GGUF file"):
        model_folder("nowhere/model.gguf")
