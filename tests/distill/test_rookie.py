"""The rookie: its words, its lessons, its training, and the weights that ship."""

import json
from collections import Counter
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.rookie import train
from distill.rookie.__main__ import ENOUGH, FOLDER, load, main
from distill.rookie.batches import batch_of
from distill.rookie.check import Case, accuracy, decided, draw_prompt, measure, undecided
from distill.rookie.lessons import (
    CANONICAL,
    DUEL,
    LEVELS,
    PHRASINGS,
    PRIOR,
    deciding,
    draw_lesson,
    draw_rules,
    draw_situation,
    encode_lesson,
    held_out,
    target_of,
    worded,
)
from distill.rookie.train import Course, Training, new_model, write_model
from distill.rookie.vocabulary import CONTEXT, tokenizer, vocabulary
from episodes.games.duel.words import FEATURES, MOVES, phrase
from models.errors import BadInput
from prompts.rule import Rule, situation_line


@pytest.fixture(scope="module")
def shipped() -> list[Case]:
    """What the shipped weights answer to 450 prompts that no training saw, on a seed of this test's own."""
    torch.set_num_threads(1)
    return measure(load(FOLDER), seed=20, prompts=450)


def test_every_word_of_the_game_is_one_token_of_its_own() -> None:
    tokens = tokenizer()
    words = [*MOVES, *(value for values in FEATURES.values() for value in values)]
    ids = [tokens(word, add_special_tokens=False).input_ids for word in words]
    assert all(len(one) == 1 for one in ids)
    assert len({one[0] for one in ids}) == len(words)
    for feature, values in FEATURES.items():
        for value in values:
            assert tokens.unk_token_id not in tokens(phrase(feature, value)).input_ids


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=60))
def test_any_plain_text_encodes(text: str) -> None:
    tokens = tokenizer_once()
    ids = tokens(text, add_special_tokens=False).input_ids
    assert tokens.unk_token_id not in ids or "<unk>" in text.lower()
    assert bool(ids) == bool(text.strip())


@cache
def tokenizer_once() -> Any:
    """One for all examples."""
    return tokenizer()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), level=st.integers(0, len(LEVELS) - 1))
def test_lessons_are_encoded_as_the_chat_template_does(seed: int, level: int) -> None:
    lesson = draw_lesson(Random(seed), LEVELS[level], 5)
    chat = [{"role": "system", "content": lesson.system}]
    for turn in lesson.turns:
        chat.append({"role": "user", "content": situation_line(DUEL, turn.situation)})
        chat.append({"role": "assistant", "content": turn.move})
    made = tokenizer_once().apply_chat_template(chat, return_dict=True, return_assistant_tokens_mask=True)
    encoded = encode_lesson(lesson)
    assert made["input_ids"] == encoded.ids
    learned = [place for place, one in enumerate(made["assistant_masks"]) if one]
    assert learned == [place + more for place in encoded.asked for more in (1, 2)]
    assert all(
        encoded.ids[at + 1] == vocabulary()[turn.move] for at, turn in zip(encoded.asked, lesson.turns, strict=True)
    )


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_first_rule_that_matches_decides(seed: int) -> None:
    draw = Random(seed)
    rules = draw_rules(draw, LEVELS[-1], 8)
    situation = draw_situation(draw, rules)
    found = deciding(rules, situation)
    matching = [rule for rule in rules if all(situation[name] == value for name, value in rule.conditions)]
    assert found == (matching[0] if matching else None)
    target = dict(zip(MOVES, target_of(found, situation), strict=True))
    assert sum(target.values()) == pytest.approx(1)
    if found:
        assert target[found.move] >= 0.99
    else:
        assert max(target.values()) < 0.4
        assert (target["super"] > 0) == (situation["meter"] == "full")


def test_the_prior_is_a_distribution_over_all_moves() -> None:
    assert set(PRIOR) == set(MOVES)
    assert sum(PRIOR.values()) == pytest.approx(1)


def test_each_phrasing_names_every_condition_and_the_move() -> None:
    rule = Rule.of(DUEL, {"distance": "far", "meter": "full"}, "super")
    assert worded(rule, CANONICAL) == rule.sentence(DUEL)
    for phrasing in PHRASINGS:
        for seed in range(20):
            words = worded(rule, phrasing, Random(seed)).lower().replace(",", "").replace(".", "").replace(":", "")
            assert {"far", "full", "super"} <= set(words.split())


def test_held_out_rules_are_never_in_a_lesson() -> None:
    lessons = [draw_lesson(Random(seed), LEVELS[-1], 1) for seed in range(500)]
    assert not any(held_out(lesson.rules) for lesson in lessons)
    assert all(held_out(draw_prompt(Random(seed), 3, CANONICAL).rules) for seed in range(20))
    drawn = Counter(held_out(draw_rules(Random(seed), LEVELS[-1], 3)) for seed in range(2000))
    assert 0.07 < drawn[True] / 2000 < 0.14


def test_turns_alone_are_as_in_a_conversation_of_one_turn() -> None:
    """The mask under which lessons are learned: each turn as if it were the only one."""
    model = new_model(3).eval()
    lessons = [draw_lesson(Random(seed), LEVELS[-1], 4) for seed in (1, 2)]
    batch = batch_of(lessons, alone=True)
    with torch.inference_mode():
        together = model(batch.ids, attention_mask=batch.mask, position_ids=batch.positions).logits
        for row, lesson in enumerate(lessons):
            encoded = encode_lesson(lesson)
            for at in encoded.asked:
                alone = encoded.ids[: encoded.prefix] + encoded.ids[at - len(FEATURES) - 1 : at + 1]
                logits = model(torch.tensor([alone])).logits[0, -1]
                assert torch.allclose(logits, together[row, at], atol=1e-4)


def test_copying_that_does_not_appear_begins_again_with_other_weights(tmp_path: Path) -> None:
    training = Training(Course(batch=1, warmup_most=2), tmp_path / "work")
    first = training.model.lm_head.weight.detach().clone()

    class Enough(Exception):
        pass

    def stop(progress: train.Progress) -> None:
        if progress.attempt == 2:
            raise Enough

    with pytest.raises(Enough):
        training.run(stop)
    assert (training.progress.step, training.progress.began, training.progress.stage) == (4, 4, 0)
    assert not torch.equal(first, training.model.lm_head.weight)


def test_an_interrupted_training_goes_on_as_if_it_had_not_been(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "ADVANCE_AT", 0.0)  # each stage takes one step
    course = Course(seed=5, batch=4, lesson_steps=3)
    whole = Training(course, tmp_path / "whole")
    whole.run(lambda progress: None)

    class Interrupted(Exception):
        pass

    def stop(progress: train.Progress) -> None:
        if progress.step == 3:
            raise Interrupted

    first = Training(course, tmp_path / "parts")
    with pytest.raises(Interrupted):
        first.run(stop, save_every=2)
    second = Training(course, tmp_path / "parts")
    assert second.progress.step == 2
    second.run(lambda progress: None)
    assert second.progress == whole.progress
    for one, other in zip(whole.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(one, other)
    with pytest.raises(BadInput, match="another course"):
        Training(Course(seed=6), tmp_path / "parts")


def test_an_untrained_model_fails_the_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_model(new_model(1), tmp_path / "model")
    assert main(["--check", "--to", str(tmp_path / "model"), "--prompts", "36"]) == 1
    assert "rules followed" in capsys.readouterr().out
    assert main(["--check", "--to", str(tmp_path / "nothing")]) == 2
    assert "no model folder" in capsys.readouterr().err


def test_the_shipped_rookie_follows_rules(shipped: list[Case]) -> None:
    assert len(decided(shipped)) > 3000
    assert accuracy(shipped) >= 0.995 > ENOUGH
    for rules in range(1, 9):
        assert accuracy([case for case in shipped if case.rules == rules]) >= 0.99, f"{rules} rules"
    for phrasing in PHRASINGS:
        assert accuracy([case for case in shipped if case.phrasing == phrasing]) >= 0.99, phrasing
    for conditions in range(3):
        assert accuracy([case for case in shipped if case.conditions == conditions]) >= 0.99, f"{conditions} conditions"


def test_the_shipped_rookie_is_sure_of_rules_and_aimless_without(shipped: list[Case]) -> None:
    found = decided(shipped)
    assert sum(case.given for case in found) / len(found) >= 0.98
    bare = [case for case in shipped if case.rules == 0]
    assert max(case.top for case in bare) < 0.3
    assert all(case.distance < 0.05 for case in bare)
    free = undecided(shipped)
    assert sum(case.top < 0.4 for case in free) / len(free) >= 0.99
    assert sum(case.distance for case in free) / len(free) < 0.03


def test_the_shipped_folder_is_small_and_plain() -> None:
    names = {file.name for file in FOLDER.iterdir()}
    assert names == {
        "model.safetensors",
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
    }
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 5_000_000
    config = json.loads((FOLDER / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert config["max_position_embeddings"] == CONTEXT


def test_the_shipped_tokenizer_is_the_one_that_the_code_makes() -> None:
    from transformers import AutoTokenizer

    found = AutoTokenizer.from_pretrained(str(FOLDER))
    assert found.get_vocab() == vocabulary()
    assert found.chat_template == tokenizer_once().chat_template


def test_the_longest_prompt_fits_the_context() -> None:
    """Eight rules of two conditions in the longest wording, and twenty turns after them."""
    longest = max(phrase(name, value) for name, values in FEATURES.items() for value in values)
    line = f"- Whenever {longest} and {longest}, choose fireball."
    prefix = tokenizer_once()("\n".join(["Duel. Follow the first rule that fits.", *[line] * 8])).input_ids
    assert len(prefix) + 3 + 20 * 11 < CONTEXT
