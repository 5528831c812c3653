"""Training the rookie from scratch: repetition, then recall, then lessons of growing difficulty.

Every batch is drawn from the seed and the step's number, so an interrupted run continues as if it had not been
interrupted.
Knows nothing about how good the result is: see ``check``.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file, save_file

from distill.rookie.batches import lesson_batch, lesson_loss
from distill.rookie.lessons import LEVELS
from distill.rookie.vocabulary import CONTEXT, END, SPECIAL, save_tokenizer, vocabulary
from distill.rookie.warmup import RECALLS, recall, recall_loss, repetition, repetition_loss
from models.errors import BadInput
from models.files import recover_folder, whole_folder
from models.ids import hash64

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

ADVANCE_AT = 0.94
"""Share that is right, averaged over some 10 steps, at which the next stage begins."""


@dataclass(frozen=True, slots=True)
class Course:
    """The numbers of one training run.

    The warm-up ends when copying is right. When it appears depends on the initial weights: if it has not after
    ``warmup_most`` steps, the run begins again with others.
    """

    seed: int = 1
    batch: int = 32
    warmup_most: int = 500
    warmup_rate: float = 2e-3
    lesson_steps: int = 3200
    lesson_rate: float = 1.5e-3
    final_rate: float = 2e-5
    falling: float = 0.6
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


def optimizers(model: "LlamaForCausalLM") -> list[torch.optim.Optimizer]:
    """Muon (Jordan et al. 2024) for the matrices of the layers, AdamW for the embedding and the norms.

    Muon learns in about half the steps that AdamW needs here. Its update is scaled to that of AdamW, so that one
    learning rate serves both (Liu et al. 2025, "Muon is Scalable for LLM Training").
    """
    weights = dict(model.named_parameters())
    matrices = {name: weight for name, weight in weights.items() if weight.ndim == 2 and ".layers." in name}
    others = [weight for name, weight in weights.items() if name not in matrices]
    return [
        torch.optim.Muon(matrices.values(), weight_decay=0.0, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, weight_decay=0.0),
    ]


def draw_for(seed: int, step: int) -> Random:
    """The source of randomness of one step."""
    return Random(hash64(f"rookie {seed} {step}"))


class Training:
    """One run: a model, its optimizer and how far it is; ``work`` holds the checkpoint between interruptions."""

    def __init__(self, course: Course, work: Path) -> None:
        self.course = course
        self.work = work
        self.progress = Progress()
        self._begin()
        recover_folder(work)
        if (work / "progress.json").exists():
            self._resume()

    def _begin(self) -> None:
        """Fresh weights for this attempt."""
        digest = hashlib.blake2b(f"weights {self.course.seed} {self.progress.attempt}".encode(), digest_size=4).digest()
        self.model = new_model(int.from_bytes(digest)).train()
        self.optimizers = optimizers(self.model)

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
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = course.rate(progress)
        with torch.autocast("cpu", torch.bfloat16):
            if progress.stage == 0:
                loss, right = repetition_loss(self.model, *repetition(draw, course.batch))
            elif progress.level < 0:
                loss, right = recall_loss(self.model, *recall(draw, course.batch, RECALLS[progress.stage - 1]))
            else:
                batch = lesson_batch(draw, course.batch, progress.level, alone=progress.lesson % 8 > 0)
                loss, right = lesson_loss(self.model, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
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
        state: dict[str, torch.Tensor] = {}
        names = {weight: name for name, weight in self.model.named_parameters()}
        for weight, name in names.items():
            state[f"weight.{name}"] = weight.detach()
        for optimizer in self.optimizers:
            for weight, kept in optimizer.state.items():
                state |= {f"{key}.{names[weight]}": value for key, value in kept.items()}
        about = {"course": asdict(self.course), "progress": asdict(self.progress)}
        with whole_folder(self.work) as fresh:
            fresh.mkdir(parents=True)
            save_file(state, fresh / "state.safetensors")
            (fresh / "progress.json").write_text(json.dumps(about))

    def _resume(self) -> None:
        about = json.loads((self.work / "progress.json").read_text())
        if about["course"] != asdict(self.course):
            raise BadInput(f"{self.work} holds another course's checkpoint: remove it, or give another --work")
        self.progress = Progress(**about["progress"])
        state = load_file(self.work / "state.safetensors")
        names = {weight: name for name, weight in self.model.named_parameters()}
        for weight, name in names.items():
            weight.data.copy_(state.pop(f"weight.{name}"))
        for optimizer in self.optimizers:
            for weight in (one for group in optimizer.param_groups for one in group["params"]):
                ending = f".{names[weight]}"
                kept = {key.removesuffix(ending): value for key, value in state.items() if key.endswith(ending)}
                optimizer.state[weight] = kept


def write_model(model: "LlamaForCausalLM", target: Path) -> None:
    """Write the model as any Hugging Face model is written, whole or not at all."""
    model.config.dtype = "float32"
    model.generation_config.max_new_tokens = 8
    with whole_folder(target) as fresh:
        fresh.mkdir(parents=True)
        model.save_pretrained(str(fresh))
        save_tokenizer(fresh)
