"""The configuration file: every key, and one clear line for every mistake."""

from pathlib import Path

import pytest

from cornerman.config import TEMPLATE, Config, load_config
from models.errors import BadInput


def written(folder: Path, text: str) -> Path:
    path = folder / "cornerman.toml"
    path.write_text(text)
    return path


def test_the_template_is_every_default(tmp_path: Path) -> None:
    assert load_config(written(tmp_path, TEMPLATE)) == Config()
    for name, section in Config.model_fields.items():
        assert f"\n{name} = " in TEMPLATE or f"\n[{name}]" in TEMPLATE or f"\n# [{name}]" in TEMPLATE, section


def test_without_a_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_config(None) == Config()
    written(tmp_path, 'game = "openspiel:tic_tac_toe"')
    assert load_config(None).game == "openspiel:tic_tac_toe"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gaem = 'duel'", ["unknown key 'gaem'", "'game'"]),
        ("[night]\nalhpa = 0.05", ["unknown key 'night.alhpa'", "'alpha'"]),
        ("[player]\napi_key = 'sk-secret'", ["keys come from the environment", "api_key_env"]),
        ("[night]\nalpha = 0.9", ["night.alpha", "less than 0.5"]),
        ("[night]\nsize = 'huge'", ["night.size", "'smoke', 'demo' or 'full'"]),
        ("[budget]\nusd = 'much'", ["budget.usd", "number"]),
        ("[prices]\n'openai:x' = [-1.0, 2.0]", ["prices.openai:x", "greater than or equal to 0"]),
        ("game = ", ["not a TOML file"]),
    ],
)
def test_a_mistake_is_one_line_that_names_the_file(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        load_config(written(tmp_path, text))
    line = str(caught.value)
    assert "cornerman.toml" in line
    assert "\n" not in line
    assert "sk-secret" not in line
    for word in words:
        assert word in line


def test_a_missing_file_names_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cornerman init"):
        load_config(tmp_path / "none.toml")


def test_prices_are_read(tmp_path: Path) -> None:
    prices = load_config(written(tmp_path, '[prices]\n"openai:x" = [0.05, 0.4]')).prices
    assert prices == {"openai:x": (0.05, 0.4)}
