"""docs/models.md shows what works: its tables are whole and its examples load."""

import json
import re
from pathlib import Path

import pytest

from cornerman.config import load_config
from models.registry import KINDS, open_model

PAGE = Path(__file__).parents[2].joinpath("docs", "models.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_every_kind_has_its_row() -> None:
    rows = [line.split("|")[1].strip(" `") for line in PAGE.splitlines() if line.startswith("| `")]
    assert [re.split(r"[:\[]", row)[0] for row in rows] and {re.split(r"[:\[]", row)[0] for row in rows} == set(KINDS)


@pytest.mark.parametrize("example", blocks("toml"))
def test_every_configuration_loads(example: str, tmp_path: Path) -> None:
    path = tmp_path / "cornerman.toml"
    path.write_text(example)
    load_config(path)


def test_the_script_loads(tmp_path: Path) -> None:
    (script,) = blocks("json")
    path = tmp_path / "answers.jsonl"
    path.write_text(script)
    assert open_model(f"scripted:{path}").name == f"scripted:{path}"
    assert all("reply" in json.loads(line) for line in script.splitlines())
