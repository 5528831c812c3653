"""docs/models.md shows what works: its tables are whole, its examples load, and the models that they name open."""

import json
import re
from pathlib import Path

import pytest

from cornerman.config import Config, ModelSection, ServedSection, TeacherSection, load_config
from cornerman.opening import model_options
from models.capabilities import EFFORTS
from models.ledger import Ledger
from models.registry import KINDS, open_model

PAGE = Path(__file__).parents[2].joinpath("docs", "models.md").read_text(encoding="utf-8")
KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "EXAMPLE_KEY")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_every_kind_has_its_row() -> None:
    rows = [line.split("|")[1].strip(" `") for line in PAGE.splitlines() if line.startswith("| `")]
    # The follower is named as a model and is a player of its own.
    assert {re.split(r"[:\[]", row)[0] for row in rows} == {*KINDS, "follower"}


def sections(config: Config) -> list[ModelSection | TeacherSection]:
    named = (config.player, config.reflector, config.teacher)
    return [section for section in named if section.model.partition(":")[0] in KINDS and section.model != "rookie"]


@pytest.mark.parametrize("example", blocks("toml"))
def test_every_example_loads_and_opens(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cornerman.toml"
    path.write_text(example)
    config = load_config(path)
    monkeypatch.chdir(tmp_path)
    for key in KEYS:
        monkeypatch.setenv(key, "a key")
    for section in sections(config):
        if section.model.startswith("vllm-batch:") or ("#" not in section.model and section.model.startswith("vllm:")):
            continue  # these look at the folder and at the server, which only the example has
        model = open_model(section.model, model_options(config, section.model, Ledger()))
        assert model.name.startswith(section.model.split(",")[0])


def test_every_key_of_a_model_is_shown() -> None:
    example = next(block for block in blocks("toml") if "effort" in block)
    shown = {line.split("=")[0].strip() for line in example.splitlines() if "=" in line}
    elsewhere = {"base_url", "api_key_env", "device"}
    assert set(ServedSection.model_fields) <= shown | elsewhere
    assert all(f"{key} = " in PAGE for key in elsewhere)


def test_a_section_is_that_of_its_model_with_an_effort_too(tmp_path: Path) -> None:
    path = tmp_path / "cornerman.toml"
    path.write_text('[player]\nmodel = "openai:some-model"\nbase_url = "http://127.0.0.1:1"\nconcurrency = 3\n')
    config = load_config(path)
    for spec, url in (("openai:some-model", "http://127.0.0.1:1"), ("openai:some-model+high", "http://127.0.0.1:1")):
        options = model_options(config, spec, Ledger())
        assert (options.base_url, options.concurrency) == (url, 3)
    assert model_options(config, "openai:some-model-else", Ledger()).base_url is None


def test_every_effort_is_named() -> None:
    assert ", ".join(f"`{effort}`" for effort in EFFORTS) in PAGE


def test_the_script_loads(tmp_path: Path) -> None:
    (script,) = blocks("json")
    path = tmp_path / "answers.jsonl"
    path.write_text(script)
    assert open_model(f"scripted:{path}").name == f"scripted:{path}"
    assert all("reply" in json.loads(line) for line in script.splitlines())
