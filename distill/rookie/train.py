"""Training the rookie from scratch: repetition, then recall, then lessons of growing difficulty.

Repetition teaches the model to look back for a match and copy what followed; recall puts ever more words between a
match and what is copied, until it looks like a rule and a question; lessons are real rules. Each stage is learned in
some fifty steps after the one before and not at all without it. Every batch is drawn from the seed and the step's
number, so an interrupted run continues as if it had not been interrupted.
Knows nothing about how good the result is: see ``check``.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import combinations
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file, save_file

from distill.rookie.lessons import LEVELS, TURN, Encoded, Lesson, draw_lesson, encode_lesson, target_of
from distill.rookie.vocabulary import (
    ASSISTANT,
    BEGIN,
    CONTEXT,
    END,
    SPECIAL,
    SYSTEM,
    USER,
    lesson_words,
    save_tokenizer,
    vocabulary,
)
from episodes.games.duel.words import FEATURES, MOVES
from models.errors import BadInput

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

BATCH = 32
UNDECIDED_WEIGHT = 0.3
"""Weight of a turn that no rule decides, against 1 for one that a rule decides."""
END_WEIGHT = 0.1
ADVANCE_AT = 0.94
"""Share that is right, averaged over some 10 steps, at which the next stage begins."""


@dataclass(frozen=True, slots=True)
class Course:
    """The numbers of one training run.

    The warm-up ends when copying is right. When it appears depends on the initial weights: if it has not after
    ``warmup_most`` steps, the run begins again with others.
    """

    seed: int = 1
    warmup_most: int = 500
    warmup_rate: float = 2e-3
    lesson_steps: int = 3600
    lesson_rate: float = 1.5e-3
    final_rate: float = 2e-5
    falling: float = 0.5
    """Share of the lessons, at the end, over which the learning rate falls."""
    patience: int = 300
    """Steps after which the next stage of recall or lessons begins in any case."""

    def rate(self, progress: "Progress") -> float:
        """The learning rate: constant after a short ramp, at the end falling in a line down to ``final_rate``."""
        if progress.stage == 0:
            return self.warmup_rate * min(1.0, (progress.step - progress.began + 1) / 50)
        if progress.level < 0:
            return self.lesson_rate * min(1.0, (progress.step - progress.began + 1) / 10)
        left = (1 - progress.lesson / self.lesson_steps) / self.falling
        return self.final_rate + (self.lesson_rate - self.final_rate) * min(1.0, left)


@dataclass(slots=True)
class Progress:
    """What a run has reached; kept with the checkpoint.

    ``attempt`` counts the initial weights that were given up; ``stage``: 0 is repetition, then the
    stages of recall, then the levels of lessons;
    ``began``: the step at which the stage began; ``lesson``: lessons' steps so far; ``right``: moving average of the
    share of repeated tokens, or of decided turns, got right.
    """

    step: int = 0
    attempt: int = 0
    stage: int = 0
    began: int = 0
    lesson: int = 0
    loss: float = 0.0
    right: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)

    @property
    def level(self) -> int:
        """The level of lessons, below 0 before they begin."""
        return self.stage - 1 - len(RECALLS)


def new_model(seed: int) -> "LlamaForCausalLM":
    """The untrained rookie: 4 layers of width 128 with 4 heads of 64, tied embeddings, about a million parameters.

    Heads are wide and turn slowly (a large ``rope_theta``) because a rule is matched by content across a hundred tokens
    and more: only the dimensions that hardly turn over that distance can carry it.
    """
    from transformers import LlamaConfig, LlamaForCausalLM

    words = vocabulary()
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        head_dim=64,
        rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        pad_token_id=words[SPECIAL[0]],
        bos_token_id=words[SPECIAL[2]],
        eos_token_id=words[END],
    )
    torch.manual_seed(seed)
    return LlamaForCausalLM(config)


def draw_for(seed: int, step: int) -> Random:
    """The source of randomness of one step."""
    digest = hashlib.blake2b(f"rookie {seed} {step}".encode(), digest_size=8).digest()
    return Random(int.from_bytes(digest))


def repetition(draw: Random) -> tuple[torch.Tensor, int]:
    """Random token sequences, each four times over: (BATCH, up to 64) token ids, and the period.

    Short periods, no word twice in one, and few words make copying appear soonest. The words are those of lessons,
    marks included: a word that the warm-up never shows is one that it learns never to expect, like all such words.
    """
    length = draw.randint(8, 16)
    words = range(2, len(lesson_words()))  # all but padding and unknown
    return torch.tensor([draw.sample(words, length) for _ in range(BATCH)]).repeat(1, 4), length


def repetition_loss(model: "LlamaForCausalLM", ids: torch.Tensor, period: int) -> tuple[torch.Tensor, float]:
    """Cross-entropy over everything after the first repetition, and the share of it that is right."""
    hidden = model.model(ids, use_cache=False).last_hidden_state[:, period - 1 : -1]
    logits = model.lm_head(hidden).float().flatten(0, 1)
    wanted = ids[:, period:].flatten()
    right = (logits.detach().argmax(-1) == wanted).float().mean().item()
    return torch.nn.functional.cross_entropy(logits, wanted), right


@dataclass(frozen=True, slots=True)
class Recall:
    """A stage between repetition and lessons: lines to remember, each some keys and a word, then questions.

    ``keys`` of each line, and of the question; with two of them other lines have one in common with it. ``filler``: at
    most so many words of sentences before, between and after the keys of a line, so that no fixed distance tells them.
    ``between``: what stands before the word to recall; ``marked``: whether the question ends with the assistant's mark;
    ``others``: how many other words stand in the question.
    """

    between: tuple[str, ...]
    marked: bool
    filler: int = 0
    keys: int = 1
    others: int = 0


RECALLS = (
    Recall((), False),
    Recall((), True),
    Recall((":",), True),
    Recall((",", "use"), True),
    Recall((",", "use"), True, filler=2),
    Recall((",", "use"), True, filler=3, others=3),
    Recall((",", "use"), True, keys=2),
    Recall((",", "use"), True, filler=1, keys=2, others=2),
    Recall((",", "use"), True, filler=3, keys=2, others=5),
)


def recall(draw: Random, stage: Recall, questions: int = 14) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids (BATCH, T), and for each row the places (BATCH, questions) of the words to be recalled."""
    ids = vocabulary()
    seen = [*MOVES, *(value for values in FEATURES.values() for value in values)]
    said = [word for word in lesson_words()[len(SPECIAL) + len(seen) :] if word.isalpha() and word != "use"]
    rows: list[list[int]] = []
    places: list[list[int]] = []
    for _ in range(BATCH):
        lines = draw.randint(2, 6)
        pool = draw.sample(seen, 4 if stage.keys == 2 else lines)
        keys = draw.sample(list(combinations(pool, stage.keys)), lines)
        values = draw.sample([word for word in seen if word not in pool], lines)
        rest = [word for word in seen if word not in pool and word not in values]
        row = [BEGIN, SYSTEM]
        for line, value in zip(keys, values, strict=True):
            row.append("-")
            for key in draw.sample(line, stage.keys):
                row += [*draw.sample(said, draw.randint(0, stage.filler)), key]
            row += [*draw.sample(said, draw.randint(0, stage.filler)), *stage.between, value, "."]
        row.append(END)
        asked = []
        for _ in range(questions):
            which = draw.randrange(lines)
            question = [*draw.sample(rest, stage.others), *keys[which]]
            draw.shuffle(question)
            row += [USER, *question, *([ASSISTANT] if stage.marked else []), values[which], END]
            asked.append(len(row) - 2)
        rows.append([ids[word] for word in row])
        places.append(asked)
    width = max(len(row) for row in rows)
    return torch.tensor([row + [0] * (width - len(row)) for row in rows]), torch.tensor(places)


def recall_loss(model: "LlamaForCausalLM", ids: torch.Tensor, places: torch.Tensor) -> tuple[torch.Tensor, float]:
    """Cross-entropy of the recalled words, and the share of them that is right."""
    row = torch.arange(len(ids))[:, None]
    hidden = model.model(ids, use_cache=False).last_hidden_state[row, places - 1]
    logits = model.lm_head(hidden).float().flatten(0, 1)
    wanted = ids[row, places].flatten()
    right = (logits.detach().argmax(-1) == wanted).float().mean().item()
    return torch.nn.functional.cross_entropy(logits, wanted), right


@dataclass(frozen=True, slots=True)
class Batch:
    """Lessons as tensors: ids (B, T) padded right, and for each of N turns its place and its target."""

    ids: torch.Tensor
    row: torch.Tensor
    at: torch.Tensor
    target: torch.Tensor
    """(N, moves) probabilities."""
    decided: torch.Tensor
    """(N,) whether a rule decides the turn."""
    mask: torch.Tensor | None
    positions: torch.Tensor | None


def star(encoded: list[Encoded], width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Mask (B, 1, T, T) and positions (B, T) under which each turn sees the system prompt and itself only.

    Every turn is then the first after the system prompt, as it is in play.
    """
    place = torch.arange(width)
    prefix = torch.tensor([one.prefix for one in encoded])[:, None]
    after = place[None, :] - prefix
    turn = torch.where(after < 0, -1, after // TURN)
    positions = torch.where(after < 0, place[None, :], prefix + after % TURN)
    same = (turn[:, None, :] == turn[:, :, None]) | (turn[:, None, :] < 0)
    return (same & (place[None, :, None] >= place[None, None, :]))[:, None], positions


def batch_of(lessons: list[Lesson], *, alone: bool) -> Batch:
    """Tensors of ``lessons``; ``alone``: no turn sees another."""
    encoded = [encode_lesson(lesson) for lesson in lessons]
    width = max(len(one.ids) for one in encoded)
    mask, positions = star(encoded, width) if alone else (None, None)
    turns = [
        (row, at, turn)
        for row, one in enumerate(encoded)
        for at, turn in zip(one.asked, lessons[row].turns, strict=True)
    ]
    return Batch(
        ids=torch.tensor([one.ids + [0] * (width - len(one.ids)) for one in encoded]),
        row=torch.tensor([row for row, _, _ in turns]),
        at=torch.tensor([at for _, at, _ in turns]),
        target=torch.tensor([target_of(turn.rule, turn.situation) for _, _, turn in turns]),
        decided=torch.tensor([turn.rule is not None for _, _, turn in turns]),
        mask=mask,
        positions=positions,
    )


def lesson_batch(draw: Random, level: int, *, alone: bool) -> Batch:
    """The batch of one step."""
    turns = draw.randint(12, 18)
    return batch_of([draw_lesson(draw, LEVELS[level], turns) for _ in range(BATCH)], alone=alone)


def lesson_loss(model: "LlamaForCausalLM", batch: Batch) -> tuple[torch.Tensor, float]:
    """Cross-entropy against the targets, and the share of decided turns whose likeliest token is the rule's move."""
    words = vocabulary()
    moves = torch.tensor([words[move] for move in MOVES])
    hidden = model.model(
        batch.ids, attention_mask=batch.mask, position_ids=batch.positions, use_cache=False
    ).last_hidden_state
    scores = model.lm_head(hidden[batch.row, batch.at]).float().log_softmax(-1)
    loss = -(batch.target * scores[:, moves]).sum(-1)
    weight = torch.where(batch.decided, 1.0, UNDECIDED_WEIGHT)
    ends = model.lm_head(hidden[batch.row, batch.at + 1]).float().log_softmax(-1)[:, words[END]]
    right = moves[batch.target.argmax(-1)] == scores.detach().argmax(-1)
    share = right[batch.decided].float().mean().item() if batch.decided.any() else 1.0
    return (loss * weight).sum() / weight.sum() - END_WEIGHT * ends.mean(), share


class Training:
    """One run: a model, its optimizer and how far it is; ``work`` holds the checkpoint between interruptions."""

    def __init__(self, course: Course, work: Path) -> None:
        self.course = course
        self.work = work
        self.progress = Progress()
        self._begin()
        if (work / "progress.json").exists():
            self._resume()

    def _begin(self) -> None:
        """Fresh weights for this attempt."""
        digest = hashlib.blake2b(f"weights {self.course.seed} {self.progress.attempt}".encode(), digest_size=4).digest()
        self.model = new_model(int.from_bytes(digest)).train()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=self.course.warmup_rate, weight_decay=0.0)

    @property
    def finished(self) -> bool:
        return self.progress.lesson >= self.course.lesson_steps

    def run(self, report: Callable[[Progress], None], *, save_every: int = 100) -> None:
        """Train to the end of the course; ``report`` is called after each step."""
        self.model.train()
        while not self.finished:
            self._step()
            report(self.progress)
            if self.progress.step % save_every == 0 or self.finished:
                self.save()

    def _step(self) -> None:
        course, progress = self.course, self.progress
        draw = draw_for(course.seed, progress.step)
        for group in self.optimizer.param_groups:
            group["lr"] = course.rate(progress)
        with torch.autocast("cpu", torch.bfloat16):
            if progress.stage == 0:
                loss, right = repetition_loss(self.model, *repetition(draw))
            elif progress.level < 0:
                loss, right = recall_loss(self.model, *recall(draw, RECALLS[progress.stage - 1]))
            else:
                batch = lesson_batch(draw, progress.level, alone=progress.lesson % 8 > 0)
                loss, right = lesson_loss(self.model, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self._note(loss.item(), right)

    def _note(self, loss: float, right: float) -> None:
        """Count the step, and begin the next stage when this one is learned or has taken too long."""
        course, progress = self.course, self.progress
        progress.step += 1
        progress.lesson += progress.level >= 0
        progress.loss = loss
        progress.right += 0.1 * (right - progress.right)
        learned, taken = progress.right >= ADVANCE_AT, progress.step - progress.began
        if progress.stage == 0 and not learned and taken >= course.warmup_most:
            progress.attempt += 1
            progress.began = progress.step
            self._begin()
        elif progress.level < len(LEVELS) - 1 and (learned or (progress.stage > 0 and taken >= course.patience)):
            progress.stage += 1
            progress.began = progress.step
            progress.right = 0.0
        if progress.step % 50 == 0:
            state = {"step": progress.step, "stage": progress.stage, "loss": loss, "right": progress.right}
            progress.history.append({name: round(value, 4) for name, value in state.items()})

    def save(self) -> None:
        """Write the checkpoint: weights, optimizer state and progress, whole or not at all."""
        fresh = self.work.with_name(self.work.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        state: dict[str, torch.Tensor] = {}
        for name, weight in self.model.named_parameters():
            state[f"weight.{name}"] = weight.detach()
            for key, value in self.optimizer.state[weight].items():
                state[f"{key}.{name}"] = value
        save_file(state, fresh / "state.safetensors")
        about = {"course": asdict(self.course), "progress": asdict(self.progress)}
        (fresh / "progress.json").write_text(json.dumps(about))
        replace_folder(fresh, self.work)

    def _resume(self) -> None:
        about = json.loads((self.work / "progress.json").read_text())
        if about["course"] != asdict(self.course):
            raise BadInput(f"{self.work} holds another course's checkpoint: remove it, or give another --work")
        self.progress = Progress(**about["progress"])
        state = load_file(self.work / "state.safetensors")
        for name, weight in self.model.named_parameters():
            weight.data.copy_(state[f"weight.{name}"])
            self.optimizer.state[weight] = {key: state[f"{key}.{name}"] for key in ("step", "exp_avg", "exp_avg_sq")}


def replace_folder(fresh: Path, target: Path) -> None:
    """Put ``fresh`` in the place of ``target``; a reader sees the one or the other, whole."""
    old = target.with_name(target.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def write_model(model: "LlamaForCausalLM", target: Path) -> None:
    """Write the model as any Hugging Face model is written, through a folder beside ``target``."""
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    model.config.dtype = "float32"
    model.generation_config.max_new_tokens = 8
    model.save_pretrained(str(fresh))
    save_tokenizer(fresh)
    replace_folder(fresh, target)
