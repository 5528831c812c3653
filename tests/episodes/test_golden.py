"""Every registered game has a golden play-through, and plays it again line by line."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from episodes.games import load_game

_SCRIPT = Path(__file__).parent.parent / "golden" / "record.py"


def _record() -> ModuleType:
    spec = importlib.util.spec_from_file_location("golden_record", _SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", _record().golden_games())
def test_the_golden_game_plays_again(name: str) -> None:
    record = _record()
    path = record.golden_path(name)
    again = "run `python tests/golden/record.py` and look at the difference"
    assert path.is_file(), f"{name} has no golden play-through: {again}"
    golden = path.read_text().splitlines()
    played = record.transcript(load_game(name)).splitlines()
    for number, (was, now) in enumerate(zip(golden, played, strict=False), start=1):
        assert was == now, f"{path.name} line {number} differs; if that is meant, {again}"
    assert len(golden) == len(played), f"{path.name} has another length; if that is meant, {again}"


def test_no_golden_file_is_left_over() -> None:
    expected = {_record().golden_path(name).name for name in _record().golden_games()}
    assert {path.name for path in _SCRIPT.parent.glob("*.txt")} == expected
