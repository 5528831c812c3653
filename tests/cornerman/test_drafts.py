"""``cornerman drafts``: human drafts become episodes once, players are measured against them, a student learns them."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from made_drafts import write_drafts
from typer.testing import CliRunner

from cornerman.cli import app
from distill.dataset import build_dataset, examples_of
from distill.judged import student_base
from episodes.games import load_game
from episodes.games.draft.human import NAME
from episodes.games.draft.split import is_unseen
from episodes.record import TurnRecord
from episodes.replay import verify_episodes
from episodes.store.store import Store

FILE = "draft_data_public.MADE.PremierDraft.csv.gz"


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a made file, in which every command runs."""
    found = tmp_path_factory.mktemp("work")
    write_drafts(found / FILE, tables=40, cards=60, top=0.8)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(found)
        patch.delenv("CORNERMAN_CONFIG", raising=False)
        yield found


def run(*words: object, code: int = 0) -> Any:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def run_json(*words: object, code: int = 0) -> dict[str, Any]:
    found = json.loads(run(*words, "--json", code=code).stdout)
    assert isinstance(found, dict)
    return found


def test_an_import_goes_on_where_it_stopped_and_repeats_nothing() -> None:
    first = run_json("drafts", "import", FILE, "--limit", 5)
    assert (first["episodes"], first["new"], first["player"]) == (5, 5, NAME)
    assert first["rows"] == 40 * 2 * 3 * 14 and first["train"] + first["held_out"] == first["top"] < first["drafts"]
    again = run_json("drafts", "import", FILE)
    assert (again["episodes"], again["new"]) == (first["train"], first["train"] - 5)
    assert run_json("drafts", "import", FILE)["new"] == 0
    shown = run("drafts", "import", FILE).stdout
    assert f"{first['train']} episodes of draft:{FILE}(split=train) by human:17lands, 0 of them new" in shown
    with Store.open("cornerman.db", write=False) as store:
        found = verify_episodes(store)
        assert (found.episodes, found.differences) == (first["train"], ())
        record = store.episode(store.episode_ids()[0])
    assert (record.purpose, record.seats[0].score, record.seats[0].model) == ("teach", 1.0, NAME)
    assert all(turn.move == turn.reply for turn in record.turns)


def test_imported_drafts_are_rows_to_learn_from() -> None:
    run_json("drafts", "import", FILE)
    game = load_game(f"draft:{FILE}")
    with Store.open("cornerman.db", write=False) as store:
        ids = store.episode_ids(player=NAME)
        dataset = build_dataset(store, game, ids, NAME)
        examples = examples_of(store, dataset, student_base(game))
        turns = {(one, turn.n): turn.move for one in ids for turn in store.episode(one).turns}
    assert {(row.episode_id, row.turn_n): row.move for row in dataset.rows} == turns
    assert {row.source for row in dataset.rows} == {"played"}
    assert {row.weight for row in dataset.rows} == {1.0}  # how the event went is no weight either
    assert Counter(row.split for row in dataset.rows)["held-out"] > 30
    for example in examples["train"][:200]:
        assert example.answer in example.user and not is_unseen(example.answer)
        assert re.search(r"Your pool \(\d+ cards?\)", example.user)


def test_a_player_is_measured_on_what_training_never_saw() -> None:
    words = ("drafts", "score", f"drafter:{FILE}", "--game", f"draft:{FILE}", "--drafts", 6)
    found = run_json(*words)
    assert found["drafts"] == 6 and found["picks"] == sum(kind["picks"] for kind in found["kinds"].values())
    assert found["low"] <= found["share"] <= found["high"] and found["chance"] < 0.3 < found["share"]
    assert set(found["kinds"]) == {"familiar", "offered", "taken"}
    assert run_json(*words) == found
    shown = run(*words).stdout
    assert re.search(rf"all picks +{found['picks']} +{found['share']:.1%}", shown)
    assert run_json("drafts", "score", "bot:random", "--game", f"draft:{FILE}")["share"] < 0.3


def test_another_model_behind_one_name_is_measured_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db, script = tmp_path / "scripted.db", tmp_path / "script.jsonl"
    words = ("drafts", "score", f"scripted:{script}@base", "--game", f"draft:{FILE}", "--drafts", 2, "--db", db)

    def games() -> set[str]:
        with Store.open(db, write=False) as store:
            return set(store.episode_ids())

    script.write_text('{"match": ".", "reply": "one"}\n')
    with monkeypatch.context() as patch:  # as the first version played
        patch.setattr("episodes.pairs.identity_of", lambda player: "")
        patch.setattr("episodes.play.identity_of", lambda player: "")
        run(*words)
    before = games()
    run(*words)
    assert games() == before, "games of before do not tell what answered"
    words = (*words[:6], 3, *words[7:])
    run(*words)
    known = games() - before
    assert len(known) == 1
    script.write_text('{"match": ".", "reply": "another"}\n')
    run(*words)
    assert len(games() - before - known) == 1


def test_what_cannot_be_measured_or_read_says_so(tmp_path: Path) -> None:
    def refused(*words: object) -> str:
        lines = run(*words, code=2).stderr.strip().splitlines()
        assert len(lines) == 1
        return str(lines[0])

    assert "asks nobody to agree with a human" in refused("drafts", "score", "bot:random", "--game", "duel")
    table = f"draft:{FILE}(seats=4)"
    assert "asks nobody to agree" in refused("drafts", "score", "bot:random", "--game", table)
    assert "drafts, and duel is no draft" in refused("play", f"drafter:{FILE}", "bot:turtle", "--game", "duel")
    assert "there is no file none.csv" in refused("drafts", "import", "none.csv")
    assert "cornerman drafts import" in refused("drafts", "distill", FILE, "--db", tmp_path / "empty.db")
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(Path(FILE).read_bytes()[:20000])
    assert "cut off after row" in refused("drafts", "import", cut)


def _asked(template: str, turn: TurnRecord) -> str:
    legal = ", ".join(turn.legal_moves)
    return template.format(text=turn.observation, legal=legal, situation=" ".join(turn.situation.values()))


def tiny_model(target: Path, texts: list[str]) -> None:
    """An untrained model that has a token for every word of ``texts``, with a chat template."""
    import torch
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    special = ["<pad>", "<unk>", "<s>", "</s>", "<user>", "<assistant>"]
    pieces = sorted({piece for text in texts for piece in re.findall(r" ?\w+|\s|[^\w\s]", text)})
    words = {word: n for n, word in enumerate([*special, *pieces])}
    inner = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Split(Regex(r" ?\w+|\s|[^\w\s]"), "isolated")
    inner.decoder = decoders.Fuse()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", unk_token="<unk>", bos_token="<s>", eos_token="</s>",
        additional_special_tokens=["<user>", "<assistant>"], model_max_length=1024,
    )  # fmt: skip
    fast.chat_template = (
        "<s>{% for m in messages %}{% if m.role == 'assistant' %}{{ m.content }}</s>{% else %}"
        "{{ m.content }}{% if m.role == 'user' %}<assistant>{% else %}<user>{% endif %}{% endif %}{% endfor %}"
    )
    fast.save_pretrained(str(target))
    config = LlamaConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=1024, tie_word_embeddings=True,
        pad_token_id=0, bos_token_id=2, eos_token_id=3,
    )  # fmt: skip
    torch.manual_seed(1)
    LlamaForCausalLM(config).save_pretrained(str(target))


@pytest.mark.slow
def test_a_student_of_the_drafts_is_measured_like_everybody(tmp_path: Path) -> None:
    small = "small.csv"
    made = write_drafts(Path(small), tables=30, cards=16, pack=3, top=1.0)
    run_json("drafts", "import", small, "--limit", 2, "--db", tmp_path / "small.db")
    game = load_game(f"draft:{small}")
    base = student_base(game)
    state = game.initial_state(1)
    seen = [state.observe(0).text, base.text, base.turn, " ".join(made.names), ", ".join(made.names)]
    numbers = [f" {n} {n}" for n in range(30)]
    tiny_model(tmp_path / "tiny", [*seen, *numbers, *made.names])
    words = ("--db", tmp_path / "small.db")
    student = run_json("drafts", "distill", small, "--base", tmp_path / "tiny", *words)
    assert (student["game"], student["teacher"], student["episodes"]) == (f"draft:{small}", NAME, 2)
    assert student["after"]["loss"] < student["before"]["loss"]
    found = run_json(
        "drafts", "score", f"student:{student['student']}", "--game", f"draft:{small}", "--drafts", 3, *words
    )
    assert (found["drafts"], found["picks"], found["voided"]) == (3, 3 * 3 * 2, 0)
    with Store.open(tmp_path / "small.db", write=False) as store:
        (answer, *_) = store.episode(store.episode_ids(purpose="check")[0]).turns
    assert [message.content for message in answer.messages] == [base.text, _asked(base.turn, answer)]
