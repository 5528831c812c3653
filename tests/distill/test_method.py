"""The numbers of a training follow from the base and the lesson; wishes go before them; memory decides the parts."""

import math
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill import forecast
from distill.encode import Example
from distill.forecast import Forecast, fitting, reckoned
from distill.method import FEWEST, LARGEST_BATCH, MOST, SMALL, STEPS, STEPS_A_PASS, Lesson, Method, Wishes
from distill.scales import gains_of, mean_and_error, scales_of
from distill.train import Point, curve_of, lesson_of, load_base, train
from distill.worth import Weighed
from episodes.games.duel.words import FEATURES
from models.errors import BadInput

sizes = st.integers(SMALL, 8_000_000_000)
lessons = st.builds(Lesson, st.integers(1, 100_000), st.integers(1, 40_000))


@given(sizes, lessons)
def test_a_large_base_gets_hundreds_of_steps_or_all_passes_that_help(parameters: int, lesson: Lesson) -> None:
    method = Method.suited(parameters, lesson)
    steps = -(-lesson.sequences // method.batch)
    assert FEWEST <= method.epochs <= MOST and 1 <= method.batch <= LARGEST_BATCH
    assert steps * method.epochs >= STEPS or method.epochs == MOST
    assert steps >= min(lesson.sequences, STEPS_A_PASS) and method.optimizer == "adamw"


def test_the_rate_falls_as_the_base_grows() -> None:
    rates = [Method.suited(size, Lesson(500, 50)).rate for size in (25_000_000, 135_000_000, 7_000_000_000)]
    assert rates == sorted(rates, reverse=True)
    assert rates[1:] == [1e-3, 2.1e-4]


def test_what_was_seen_to_teach_nothing_is_not_chosen() -> None:
    """414 questions in 44 sequences: by hand 6 steps taught nothing, 220 taught 86 %."""
    method = Method.suited(135_000_000, Lesson(414, 44))
    assert method.epochs * -(-44 // method.batch) > 220


def test_a_small_base_is_trained_as_ever(tiny_base: Path) -> None:
    assert Method.suited(1_000_000, Lesson(10**6, 10**5), seed=3) == Method(seed=3)


@given(st.builds(Wishes, st.none() | st.integers(1, 9), st.none() | st.integers(1, 9), st.none() | st.floats(0.1, 1)))
def test_a_wish_goes_before_what_suits(wishes: Wishes) -> None:
    found = wishes.applied(Method())
    assert found.epochs == (wishes.passes or 60) and found.rate == (wishes.learning_rate or 5e-3)
    assert (found.rank, found.alpha) == ((wishes.rank, 2 * wishes.rank) if wishes.rank else (64, 128))
    assert Wishes().over(wishes) == wishes and wishes.over(Wishes(passes=7)).passes == (wishes.passes or 7)


@pytest.mark.parametrize("rate", [0.0, -1e-3, math.inf, math.nan])
def test_a_rate_that_is_none_is_refused_before_anything_is_played(rate: float) -> None:
    with pytest.raises(BadInput, match="above 0"):
        Wishes(learning_rate=rate)


def test_a_later_number_leaves_older_students_their_ids() -> None:
    assert "bits" not in Method().stated() and replace(Method(), bits=4).stated()["bits"] == 4
    assert Method(**Method().stated()) == Method()
    assert asdict(Wishes(patience=0).applied(Method(patience=3)))["patience"] == 0


def examples(count: int) -> list[Example]:
    situations = [
        " ".join(v[(n // 4 + n * at) % len(v)] for at, v in enumerate(FEATURES.values())) for n in range(count)
    ]
    return [Example("Duel.", one, move, 1.0) for one in situations for move in ("jab", "guard")]


def test_a_lesson_is_its_questions_and_their_sequences(tiny_base: Path) -> None:
    rows = examples(12)
    found = lesson_of(tiny_base, rows)
    assert found.questions == len({row.user for row in rows}) and found.sequences >= 1
    assert found == lesson_of(tiny_base, rows * 3), "the same answer to the same question is written once"


def model(parameters: int, width: int, layers: int, half: bool = True) -> Any:
    """As much of a model as memory is reckoned from."""
    config = SimpleNamespace(
        hidden_size=width, num_hidden_layers=layers, intermediate_size=3 * width, vocab_size=128_000
    )
    return SimpleNamespace(
        config=SimpleNamespace(get_text_config=lambda: config),
        dtype=SimpleNamespace(itemsize=2 if half else 4),
        get_memory_footprint=lambda: parameters * (2 if half else 4),
    )


def test_memory_decides_in_what_parts_a_batch_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    large, method = model(7_000_000_000, 4096, 32), Method(rank=16, batch=8)
    found = []
    for gigabytes in (400, 52, 21):
        monkeypatch.setattr(forecast, "free_memory", lambda model, free=gigabytes * 1e9: free)
        found.append(fitting(large, 512, method))
    assert [(room.at_once, room.checkpointing) for room in found[:1]] == [(8, False)]
    assert found[1].at_once < 8 and not found[1].checkpointing
    assert found[2].checkpointing
    assert all(room.memory <= 0.8 * free * 1e9 for room, free in zip(found, (400, 52, 21), strict=True))
    monkeypatch.setattr(forecast, "free_memory", lambda model: 8e9)
    with pytest.raises(BadInput, match=r"GB of memory, and 8.0 GB are free.*--bits 4"):
        fitting(large, 512, method)


def test_what_is_reckoned_grows_with_what_is_kept() -> None:
    small = model(135_000_000, 576, 30)
    assert reckoned(small, 16, 1024, False) > reckoned(small, 16, 1024, True) > reckoned(small, 16, 256, True)
    assert reckoned(small, 64, 256, True) > reckoned(small, 16, 256, True) > small.get_memory_footprint()


def test_parts_of_a_batch_and_a_second_computation_teach_the_same(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, method = examples(8), Method(rank=4, alpha=8, rate=1e-3, epochs=1, length=60, batch=4, optimizer="adamw")
    whole = train(tiny_base, rows, rows, method, tmp_path / "whole")
    monkeypatch.setattr(forecast, "free_memory", lambda model: 1.3 * reckoned(model, 4, 100, True))
    told: list[Forecast] = []
    parts = train(tiny_base, rows, rows, method, tmp_path / "parts", on_forecast=told.append)
    assert told[0].checkpointing and told[0].steps == whole.steps == parts.steps and told[0].seconds > 0
    assert parts.after.loss == pytest.approx(whole.after.loss, rel=1e-3)


def test_four_bits_without_their_library_are_one_line(tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BadInput, match="pip install bitsandbytes"):
        load_base(tiny_base, bits=4)


def test_the_likeliest_legal_move_is_weighed_turn_by_turn(tiny_base: Path) -> None:
    from distill.encode import Encoder

    _, tokenizer, ends = load_base(tiny_base)
    both = Weighed("Duel.", "far", {"jab": (0.2, -0.1), "guard": (-0.2, 0.1)})
    other = Weighed("Duel.", "far", {"throw": (0.5,), "guard": (-0.5,)})
    (scale,) = scales_of(Encoder(tokenizer, 1024, ends), [both, other])
    assert scale.moves == ("jab", "guard", "throw")
    likely = {"jab": -1.0, "guard": -3.0, "throw": -4.0}
    log_probs = iter([value for move in scale.moves for value in (likely[move] + 0.5, -0.5)])
    assert gains_of(scale, log_probs) == [0.2, -0.1, -0.5], "where jab is not legal guard is likelier than throw"
    mean, error = mean_and_error([0.2, -0.1, -0.5])
    assert mean == pytest.approx(-0.4 / 3) and error == pytest.approx(math.sqrt(0.2466667 / 2 / 3), rel=1e-3)


def test_a_curve_has_the_points_that_are_whole() -> None:
    history = [
        {"step": 2, "loss": 1.5},
        {"step": 2, "eval_loss": 1.4, "eval_agreement": 0.3, "eval_worth": 0.02},
        {"step": 4, "loss": 1.0},
        {"step": 4, "eval_loss": 1.1, "eval_agreement": 0.5},
        {"step": 5, "train_runtime": 3.0},
    ]
    assert curve_of(history) == (Point(2, 1.5, 1.4, 0.3, 0.02), Point(4, 1.0, 1.1, 0.5, None))
