"""The configuration file: every key, and one clear line for every mistake."""

from pathlib import Path

import pytest

from cornerman.config import TEMPLATE, Config, StudentSection, TeacherSection, load_config, stored_config
from cornerman.night.recognition import night_root, shaping_of, stage_digest
from cornerman.opening import model_options, student_device
from cornerman.players import Players
from episodes.games.duel import GAME
from episodes.players.model import ModelPlayer
from episodes.store.store import Store
from models.errors import BadInput
from models.ledger import Ledger
from models.prices import Price


def written(folder: Path, text: str) -> Path:
    path = folder / "cornerman.toml"
    path.write_text(text)
    return path


def test_the_template_is_every_default(tmp_path: Path) -> None:
    assert load_config(written(tmp_path, TEMPLATE)) == Config()
    for name, section in Config.model_fields.items():
        assert f"\n{name} = " in TEMPLATE or f"\n[{name}]" in TEMPLATE or f"\n# [{name}]" in TEMPLATE, section


@pytest.mark.parametrize(
    "text", ["", "[budget]\nusd = inf", "[player]\ntime_limit = inf", "[reflector]\ntime_limit = inf"]
)
def test_what_a_run_keeps_is_read_as_it_was(tmp_path: Path, text: str) -> None:
    config = load_config(written(tmp_path, text))
    assert stored_config(config.model_dump_json()) == config


@pytest.mark.parametrize(
    ("kept", "words"), [("{", "JSON"), ('{"gaem": "duel"}', "'gaem'"), ('{"budget": {"usd": -1}}', "budget.usd")]
)
def test_what_no_run_of_this_version_keeps_is_one_line(kept: str, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        stored_config(kept)
    assert "\n" not in str(caught.value)


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
        ("[player]\nprice = [1.0]", ["player.price"]),
        ("[player]\nprice = [1.0, -2.0]", ["player.price.1", "greater than or equal to 0"]),
        ("[player]\nextra = 5", ["player.extra", "dictionary"]),
        ("[player]\nextra = { since = 2026-01-01 }", ["player.extra.since", "JSON"]),
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


def test_a_night_that_sets_nothing_new_keeps_its_seeds() -> None:
    """Pinned: the roots of nights from before these keys were there."""
    assert [night_root(Config(), size, 1) for size in ("smoke", "demo", "full")] == [
        "night 1 1 2fb27939545e5c11fd9d",
        "night 1 1 0d806e35a12cae907006",
        "night 1 1 bc784eb8c1d153bc55c5",
    ]
    served = {"model": "openai:gpt-5-nano", "base_url": "http://x/v1", "effort": "low"}
    teacher = {"model": "vllm:http://h:1#n", "concurrency": 8}
    config = {"player": served, "teacher": teacher, "prices": {"openai:x": (1, 2)}}
    assert night_root(Config.model_validate(config), "demo", 2) == "night 1 2 6aa7267568fc63105af8"
    for key, value in (("extra", {"top_p": 0.9}), ("device", "auto")):
        changed = Config.model_validate({"player": {key: value}})
        assert night_root(changed, "demo", 1) != night_root(Config(), "demo", 1), "this shapes the games"
    priced = Config.model_validate({"player": {"price": (1, 2)}})
    assert night_root(priced, "demo", 1) == night_root(Config(), "demo", 1)
    assert stage_digest(Config(), "reflect", "x") == stage_digest(priced, "reflect", "x") == "b3bc622cdf1dd29ff77f"


def test_what_a_model_costs_and_is_sent_besides_reaches_it(tmp_path: Path) -> None:
    text = '[player]\nmodel = "openai:x"\nprice = [1.0, 2.0]\n[player.extra]\ntop_p = 0.9\nnested = { a = [1, "b"] }\n'
    config = load_config(written(tmp_path, text + '[teacher]\nmodel = "local:m"\ndevice = "cuda:1"\n'))
    options = model_options(config, "openai:x", Ledger())
    assert (options.price, options.extra, options.device) == (
        Price(1.0, 2.0),
        {"top_p": 0.9, "nested": {"a": [1, "b"]}},
        None,
    )
    teacher = model_options(config, "local:m", Ledger())
    assert (teacher.price, teacher.extra, teacher.device) == (None, {}, "cuda:1")


def test_a_student_plays_where_its_section_says() -> None:
    """Its own section first, as a player's or a teacher's; then that of all students."""
    spec = "student:abc"
    assert student_device(Config(), spec) == "auto"
    everywhere = {"student": {"device": "cpu"}}
    assert student_device(Config.model_validate(everywhere), spec) == "cpu"
    this_one = everywhere | {"player": {"model": spec, "device": "cuda:1"}}
    assert student_device(Config.model_validate(this_one), spec) == "cuda:1"
    assert student_device(Config.model_validate(this_one), "student:xyz") == "cpu"


def test_a_teacher_is_asked_as_its_section_says_and_else_as_a_player_is(tmp_path: Path) -> None:
    config = Config(teacher=TeacherSection(model="rookie", temperature=0.0, max_tokens=7))
    with Store.open(tmp_path / "s.db") as store:
        players = Players(config, store)
        teacher, player = players.open("rookie@base", GAME, "teacher"), players.open("rookie@base", GAME)
        assert isinstance(teacher, ModelPlayer) and isinstance(player, ModelPlayer)
        assert (teacher.temperature, teacher.max_tokens) == (0.0, 7)
        assert (player.temperature, player.max_tokens) == (config.player.temperature, config.player.max_tokens)
        silent = Players(Config(teacher=TeacherSection(model="rookie")), store).open("rookie@base", GAME, "teacher")
        assert isinstance(silent, ModelPlayer) and silent.max_tokens == player.max_tokens


def test_numbers_of_teacher_and_student_count_where_they_are_set_zero_too() -> None:
    plain = Config()
    for changed in (
        Config(teacher=TeacherSection(temperature=0.0)),
        Config(student=StudentSection(patience=0)),
        Config(student=StudentSection(passes=30)),
    ):
        assert night_root(changed, "smoke", 1) != night_root(plain, "smoke", 1)
        assert shaping_of(changed, {}) != shaping_of(plain, {})
