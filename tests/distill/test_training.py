"""Training: it learns what it is shown, by weight; it resumes; a student is what its inputs are; exports are equal."""

import asyncio
import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from behind import Behind
from distill_setup import TEACHER, open_player

from cornerman.cli import verdict
from cornerman.verify import verify
from distill.base import parameters
from distill.check import CheckRule, Examination, check_student, kept_of, share_kept
from distill.dataset import Dataset, load_dataset
from distill.encode import IGNORED, Encoder, Example
from distill.export import export
from distill.forecast import Forecast
from distill.merge import PARITY, load_adapted, load_plain, parity, write_merged
from distill.method import Method, Wishes
from distill.student import (
    NotLearned,
    Student,
    checked_base,
    fits,
    lineage,
    load_student,
    make_student,
    note_figures,
    open_student,
    student_player,
    students,
)
from distill.teach import TeachReport
from distill.train import Progress, load_base, train
from distill.worth import Weighed
from episodes.games.duel import GAME
from episodes.games.duel.words import FEATURES, MOVES
from episodes.store.store import Store
from models.chat import ChatRequest, Message
from models.errors import BadInput
from models.weights import folder_digest
from optimize.gate import GateRule
from prompts.library import PromptLibrary

QUICK = Method(rank=16, alpha=32, rate=4e-3, epochs=30, length=128, batch=1, patience=99)
ANSWERS = ("jab", "guard")


def lesson(weights: Sequence[float] = (3.0, 1.0)) -> list[Example]:
    """Sixteen situations, in each of which jab and guard are right, by these weights."""
    rows = []
    for n in range(16):
        situation = " ".join(values[(n // 4 + n * at) % len(values)] for at, values in enumerate(FEATURES.values()))
        rows += [Example("Duel.", situation, move, weight) for move, weight in zip(ANSWERS, weights, strict=True)]
    return rows


@pytest.fixture(scope="module")
def ready_base(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny base with larger embeddings: LoRA leaves them alone, and logits of fresh ones are nearly equal."""
    model, tokenizer, _ = load_base(tiny_base)
    with torch.no_grad():
        model.get_input_embeddings().weight.mul_(10)
    folder = tmp_path_factory.mktemp("ready") / "base"
    model.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    return folder


def probabilities(folder: Path, adapter: Path, situation: str) -> dict[str, float]:
    model, tokenizer = load_adapted(folder, adapter)
    ids = Encoder(tokenizer, 1024).question("Duel.", situation)
    with torch.inference_mode():
        logs = model(torch.tensor([ids])).logits[0, -1].softmax(-1)
    return {move: logs[tokenizer(move, add_special_tokens=False).input_ids[0]].item() for move in MOVES}


def test_the_loss_is_the_weighted_mean_that_transformers_gives_turn_by_turn(ready_base: Path) -> None:
    """The packed sequences with their mask give, for each turn, what it would give alone."""
    from trl.trainer.utils import add_fused_lm_head

    from distill.trainer import LearnedPlaces, measure

    model, tokenizer, ends = load_base(ready_base)
    rows = lesson((3.0, 0.5))[:20]
    encoder = Encoder(tokenizer, 1024, ends)
    total = weight = 0.0
    for row in rows:
        question = encoder.question(row.system, row.user)
        answer = encoder.answer(question, row)
        with torch.inference_mode():
            logs = model(torch.tensor([question + answer])).logits[0].log_softmax(-1)
        for at, token in enumerate(answer):
            total -= row.weight * logs[len(question) + at - 1, token].item()
            weight += row.weight
    add_fused_lm_head(model, outputs=("log_probs", "entropy", "is_top1"))
    sequences = encoder.sequences(rows, length=100, seed=3)
    assert len(sequences) > 1
    loss, agreement = measure(model, LearnedPlaces(model), sequences, 0, batch=2)
    assert loss == pytest.approx(total / weight, rel=1e-4)
    assert 0 <= agreement <= 1


@pytest.mark.slow
def test_it_learns_each_answer_in_proportion_to_its_weight(ready_base: Path, tmp_path: Path) -> None:
    rows = lesson((3.0, 1.0))
    trained = train(ready_base, rows, rows, QUICK, tmp_path / "adapter")
    assert trained.after.loss < trained.before.loss - 0.1
    assert trained.after.agreement > 0.7
    assert trained.tokens_per_second > 0
    for row in rows[::8]:
        found = probabilities(ready_base, trained.adapter, row.user)
        assert found["jab"] == pytest.approx(0.75, abs=0.08)
        assert found["guard"] == pytest.approx(0.25, abs=0.08)
    assert not list(tmp_path.glob("*.work"))
    assert not list(trained.adapter.glob("*.bin"))
    again = train(ready_base, rows, rows, QUICK, tmp_path / "adapter")
    assert again == trained


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_end(ready_base: Path, tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def kill(progress: Progress) -> None:
        if progress.step >= progress.steps // 2 and progress.held_out is not None and progress.loss is not None:
            raise Killed

    rows, method = lesson(), replace(QUICK, epochs=4)
    whole = train(ready_base, rows, rows, method, tmp_path / "whole")
    with pytest.raises(Killed):
        train(ready_base, rows, rows, method, tmp_path / "parts", on_progress=kill)
    assert not (tmp_path / "parts").exists()
    parts = train(ready_base, rows, rows, method, tmp_path / "parts")
    assert parts.tokens < whole.tokens
    assert parts.before == whole.before
    assert parts.after.loss == pytest.approx(whole.after.loss, abs=1e-6)


def test_a_training_that_does_harm_goes_back_to_where_it_did_not(ready_base: Path, tmp_path: Path) -> None:
    """It is taught to guard, and on held-out turns that loses: it stops early, at a state that guarded less."""
    rows = [replace(row, weight=1.0) for row in lesson() if row.answer == "guard"]
    gains = {move: ((-0.5,) * 4 if move == "guard" else (0.5,) * 4) for move in MOVES}
    weighed = [Weighed(row.system, row.user, gains) for row in rows]
    method = replace(QUICK, rate=1e-3, patience=2)
    told: list[Forecast] = []
    harmed = train(ready_base, rows, rows, method, tmp_path / "harmed", weighed=weighed, on_forecast=told.append)
    worth = {point.step: point.worth or 0.0 for point in harmed.curve}
    assert worth[max(worth)] < worth[harmed.kept]
    assert harmed.kept < harmed.steps < told[0].steps


@pytest.fixture(scope="module")
def student(
    taught: tuple[Store, TeachReport], dataset: Dataset, ready_base: Path, tmp_path_factory: pytest.TempPathFactory
) -> Student:
    root = tmp_path_factory.mktemp("students")
    method = replace(QUICK, epochs=1)
    return make_student(taught[0], dataset, GAME, base=str(ready_base), method=method, least=0.0, root=root)


def test_a_student_is_a_row_a_folder_and_its_lineage(
    taught: tuple[Store, TeachReport], dataset: Dataset, student: Student, ready_base: Path
) -> None:
    store, report = taught
    assert load_student(store, student.id[:6]) == student
    assert student in students(store)
    assert PromptLibrary(store).get(student.prompt_id, GAME).render(GAME) == "Duel.", "its games name a prompt"
    assert (student.adapter / "adapter_model.safetensors").exists() and student.merged.exists()
    before, after = fits(student)
    assert after.loss < before.loss
    origin = lineage(store, student)
    assert (origin.teacher, origin.dataset, origin.report) == (report.teacher, dataset.id, dataset.report)
    assert origin.opponents == ("bot:random", "bot:rushdown")
    assert str(ready_base) not in (student.adapter / "adapter_config.json").read_text()
    again = make_student(store, dataset, GAME, base=str(ready_base), method=student.method, root=Path("/nowhere"))
    assert again == student
    with pytest.raises(BadInput, match="no student"):
        load_student(store, "zz")


def test_a_student_answers_a_legal_move_from_its_short_prompt(student: Student) -> None:
    async def ask() -> str:
        model = open_student(student)
        messages = (Message("system", "Duel."), Message("user", " ".join(v[0] for v in FEATURES.values())))
        completion = await model.complete(ChatRequest(messages, choices=MOVES, seed=1))
        await model.close()
        return completion.text

    assert asyncio.run(ask()) in MOVES
    player = student_player(student, GAME)
    assert player.name == f"student:{student.id}" and player.system == "Duel."
    assert player.temperature == student.temperature


def test_a_changed_base_is_noticed(student: Student, tiny_base: Path, ready_base: Path) -> None:
    assert checked_base(student) == ready_base
    assert folder_digest(tiny_base) != folder_digest(ready_base)
    with pytest.raises(BadInput, match="has changed"):
        checked_base(replace(student, base=str(tiny_base)))


def test_parameters_are_read_from_the_headers(ready_base: Path) -> None:
    model, _, _ = load_base(ready_base)
    assert parameters(ready_base) == model.num_parameters()


@pytest.mark.parametrize("format", ["merged", "adapter"])
def test_an_export_says_what_the_student_says(
    taught: tuple[Store, TeachReport], student: Student, tmp_path: Path, format: str
) -> None:
    to = tmp_path / "out"
    to.mkdir()
    result = export(taught[0], student, GAME, to, format)  # type: ignore[arg-type]
    assert result.parity <= PARITY
    assert set(result.files) == {file.name for file in to.iterdir()}
    assert "README.md" in result.files
    assert "vllm.entrypoints.openai.api_server --model" in result.vllm_command
    assert not list(tmp_path.glob(".out*"))
    card = (to / "README.md").read_text()
    assert student.dataset_id in card and TEACHER in card and "Duel." in card and "vllm serve" in card
    assert str(tmp_path) not in card and str(student.folder) not in card
    wanted = {"merged": {"model.safetensors", "chat_template.jinja", "generation_config.json"}}
    assert wanted.get(format, {"adapter_model.safetensors", "adapter_config.json"}) <= set(result.files)
    with pytest.raises(BadInput, match="not an empty folder"):
        export(taught[0], student, GAME, to, format)  # type: ignore[arg-type]


def test_an_export_plays_as_measured_whatever_its_base_was_used_to(
    student: Student, ready_base: Path, tmp_path: Path
) -> None:
    habits = {"repetition_penalty": 1.3, "min_p": 0.1, "no_repeat_ngram_size": 3, "temperature": 0.7, "top_p": 0.8}
    base, merged = tmp_path / "base", tmp_path / "merged"
    shutil.copytree(ready_base, base)
    known = json.loads((base / "generation_config.json").read_text())
    (base / "generation_config.json").write_text(json.dumps(known | habits | {"do_sample": True}))
    write_merged(base, student.adapter, merged, temperature=0.0)
    found = json.loads((merged / "generation_config.json").read_text())
    tokens = {name for name in known if name.endswith("_token_id")}
    said = {name: value for name, value in found.items() if name not in (*tokens, "transformers_version")}
    assert said == {"do_sample": True, "top_k": 1, "top_p": 1.0, "temperature": 1.0, "max_new_tokens": 16}
    assert tokens and all(found[name] == known[name] for name in tokens)


def test_a_student_that_learned_nothing_is_refused_and_not_kept(
    taught: tuple[Store, TeachReport], dataset: Dataset, ready_base: Path, tmp_path: Path
) -> None:
    store, _ = taught
    before = students(store)
    wishes = Wishes(passes=1, learning_rate=1e-6, rank=2)
    with pytest.raises(NotLearned, match=r"says \d+% of what it was taught, less than half.*--passes 2") as caught:
        make_student(store, dataset, GAME, base=str(ready_base), wishes=wishes, root=tmp_path / "students")
    assert "\n" not in str(caught.value) and verdict(caught.value)[1] == 1
    assert students(store) == before and not list((tmp_path / "students").iterdir())


def test_the_figures_of_a_student_say_how_its_training_went(student: Student) -> None:
    points = student.measured["curve"]
    assert points and {point["step"] for point in points} <= set(range(1, student.measured["steps"] + 1))
    assert all(point["worth"] is not None and math.isfinite(point["loss"]) for point in points)


def test_parity_sees_a_difference(student: Student, ready_base: Path) -> None:
    expected, tokenizer = load_adapted(ready_base, student.adapter)
    prompts = [Encoder(tokenizer, 1024).question("Duel.", "far standing open")]
    assert parity(expected, load_plain(student.merged), prompts) < PARITY
    assert parity(expected, load_plain(ready_base), prompts) > PARITY


def test_the_share_kept_is_a_ratio_with_an_interval_around_it() -> None:
    share, low, high = share_kept([0.5, 1.0, 0.75, 0.75] * 10, [1.0, 0.75, 1.0, 0.75] * 10)
    assert share == pytest.approx(3.0 / 3.5)
    assert low < share < high
    assert share_kept([1.0] * 5, [1.0] * 5) == (1.0, 1.0, 1.0)


def test_a_check_is_kept_where_it_can_be_recomputed(taught: tuple[Store, TeachReport], student: Student) -> None:
    store, _ = taught
    who = Examination(GAME, open_player("bot:random"), "search:4", ("bot:rushdown",), open_player, "check", workers=0)
    rule = CheckRule(GateRule(max_pairs=2, look=2), confirm=2, league=2)
    check = asyncio.run(check_student(store, student, who, rule))
    assert check.confirmation.counts.total == 2
    assert check.kept.student.keys() == check.kept.teacher.keys() == {"bot:rushdown"}
    assert check.latency_p50_ms > 0 and check.teacher_p50_ms > 0
    row = load_student(store, student.id)
    assert row.comparison_id == check.comparison_id and row.latency_p50_ms == check.latency_p50_ms
    assert json.loads(json.dumps(check.as_dict()))["kept"] == row.measured["kept"]
    stored = next(store.db.query("select * from comparisons where id = ?", [check.comparison_id]))
    assert stored["a"] == student.name and stored["clock"] == "measured" and stored["gain"] == check.confirmation.gain
    assert math.isfinite(check.faster)
    again = asyncio.run(check_student(store, student, who, rule))
    assert again.as_dict() == check.as_dict()
    other = replace(who, champion=Behind(who.champion, "another model"))
    apart = asyncio.run(check_student(store, student, other, rule)).gate.sample.results
    assert not {pair.pair_id for pair in apart} & {pair.pair_id for pair in check.gate.sample.results}
    assert len(check.kept.games["student"]) == len(check.kept.games["teacher"]) == 4
    assert kept_of(store, student.name, "search:4", check.kept.games) == check.kept
    fewer = {"student": check.kept.games["student"][:2], "teacher": check.kept.games["teacher"]}
    assert len(kept_of(store, student.name, "search:4", fewer).student) == 1, "compared where both played"


def test_verify_computes_what_a_student_keeps(taught: tuple[Store, TeachReport], student: Student) -> None:
    store, _ = taught
    teacher = load_dataset(store, student.dataset_id).teacher
    who = Examination(GAME, open_player("bot:random"), teacher, ("bot:zoner",), open_player, "verify", workers=0)
    rule = CheckRule(GateRule(max_pairs=2, look=2), confirm=2, league=2)
    asyncio.run(check_student(store, student, who, rule))
    measured = load_student(store, student.id).measured
    assert not [line for line in verify(store).differences if "kept" in line]
    note_figures(store, student, {"kept": {**measured["kept"], "share": 1.5}}, None)
    assert [line for line in verify(store).differences if "kept share is stored as 1.5" in line]
    note_figures(store, student, measured, None)


def test_agreement_counts_questions_by_weight_and_asks_for_their_best_answer(tiny_base: Path) -> None:
    from distill.trainer import agreed_weight

    _, tokenizer, ends = load_base(tiny_base)
    rows = [Example("Duel.", "far", move, weight) for move, weight in (("jab", 3.0), ("guard", 1.0))]
    rows += [Example("Duel.", "near", move, weight) for move, weight in (("jab", 1.0), ("throw", 1.5))]
    (sequence,) = Encoder(tokenizer, 1024, ends).sequences(rows, length=200, seed=1)

    def agreed(*greedy: str, ending: bool = True) -> float:
        likely = {tokenizer(move, add_special_tokens=False).input_ids[0] for move in greedy}
        likely |= {tokenizer.eos_token_id} if ending else set()
        return agreed_weight(sequence, (float(token in likely) for token in sequence.labels if token != IGNORED))

    assert agreed("jab", "throw") == 6.5
    assert agreed("jab") == 4.0
    assert agreed("throw") == 2.5
    assert agreed("guard") == 0.0
    assert agreed("jab", "throw", ending=False) == 0.0
