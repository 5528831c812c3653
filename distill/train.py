"""Fine-tuning: a LoRA adapter on a base model, from weighted turns, with trl and peft.

The same base, examples, method and seed give the same adapter on the same machine; a run that was killed goes on from
its last checkpoint. Knows nothing about where examples come from or how good the student plays.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from distill.encode import Encoder, Example, TokenSequence, balanced, check_learned
from models.errors import BadInput
from models.files import whole_folder, write_whole

if TYPE_CHECKING:
    from distill.trainer import WeightedTrainer

SMALL = 20_000_000
"""Parameters below which a base is small: it needs a larger adapter and learning rate, and trains in float32."""


@dataclass(frozen=True, slots=True)
class Method:
    """The numbers of one training run; with the base and the dataset they decide the student.

    ``rank``, ``alpha``: of the adapter, on every linear layer; ``rate``: the peak learning rate, cosine down to 0;
    ``epochs``: passes over the examples; ``length``: tokens of a training sequence; ``batch``: sequences a step;
    ``patience``: held-out checks (ten a run) without progress after which it stops and goes back to the best, 0 for
    never; ``optimizer``: Muon learns in half the steps but keeps to no scale that larger models are used to.
    """

    rank: int = 64
    alpha: int = 128
    rate: float = 5e-3
    epochs: int = 60
    length: int = 128
    batch: int = 4
    patience: int = 0
    optimizer: Literal["muon", "adamw"] = "muon"
    seed: int = 1

    @classmethod
    def suited(cls, parameters: int, seed: int = 1) -> "Method":
        """A method for a base of this size; LoRA wants about ten times the rate of full tuning."""
        if parameters < SMALL:
            return cls(seed=seed)
        return cls(
            rank=16, alpha=32, rate=2e-4, epochs=3, length=2048, batch=4, patience=3, optimizer="adamw", seed=seed
        )


@dataclass(frozen=True, slots=True)
class Fit:
    """How far a model says what it was taught.

    ``loss``: weighted mean negative log-likelihood a token of the answer; ``agreement``: weighted share of questions to
    which the model's greedy answer is the one that the teacher's turns there speak for most.
    """

    loss: float
    agreement: float


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished run. ``adapter`` is the folder; ``before`` and ``after`` are on the turns that were taught.

    ``tokens`` were processed in ``seconds`` of training in this run (what a resumed run had done before not counted).
    """

    adapter: Path
    before: Fit
    after: Fit
    steps: int
    tokens: int
    seconds: float

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """``loss`` of the last steps, ``held_out`` the latest held-out loss; ``None`` where there is none yet."""

    step: int
    steps: int
    loss: float | None = None
    held_out: float | None = None


def train(
    base: Path,
    examples: Sequence[Example],
    held_out: Sequence[Example],
    method: Method,
    target: Path,
    *,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Trained:
    """Train an adapter on ``base`` and write it to the folder ``target``, whole or not at all.

    Checkpoints go to a folder beside ``target`` and are removed at the end; calling again with the same arguments
    after a kill continues from the last one, and returns the finished run if there is one. Raises ``BadInput`` where
    nothing could be learned.
    """
    if (target / "trained.json").exists():
        return _finished(target)
    work = target.with_name(target.name + ".work")
    work.mkdir(parents=True, exist_ok=True)
    run = _Run(base, examples=examples, held_out=held_out, method=method, work=work, on_progress=on_progress)
    trained = run.result(target)
    with whole_folder(target) as fresh:
        run.save(fresh)
        (fresh / "trained.json").write_text(json.dumps(asdict(trained) | {"adapter": "."}))
    shutil.rmtree(work)
    return trained


def _finished(target: Path) -> Trained:
    about = json.loads((target / "trained.json").read_text())
    before, after = Fit(**about.pop("before")), Fit(**about.pop("after"))
    return Trained(**{**about, "adapter": target, "before": before, "after": after})


class _Run:
    """One run: the model, the tokens and TRL's trainer."""

    def __init__(
        self,
        base: Path,
        *,
        examples: Sequence[Example],
        held_out: Sequence[Example],
        method: Method,
        work: Path,
        on_progress: Callable[[Progress], None],
    ) -> None:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        self._method = method
        self._work = work
        self._on_progress = on_progress
        self._latest: float | None = None
        self._model, self._tokenizer, ends = load_base(base)
        if self._model.num_parameters() < SMALL:
            one_thread()
        encoder = Encoder(self._tokenizer, self._model.config.get_text_config().max_position_embeddings, ends)
        ends = [*ends, self._tokenizer.eos_token_id]
        self._train = _prepared(encoder, examples, method, ends)
        self._held_out = _prepared(encoder, held_out, method, ends)

    @property
    def _pad(self) -> int:
        pad = self._tokenizer.pad_token_id
        return int(self._tokenizer.eos_token_id if pad is None else pad)

    def result(self, target: Path) -> Trained:
        """Train; ``target`` is only named."""
        from distill.trainer import measure

        trainer = self._trainer()
        before = self._before(trainer.model)
        last = max(self._work.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]), default=None)
        self._done_before = int(last.name.split("-")[1]) if last else 0
        began = time.perf_counter()
        trainer.train(resume_from_checkpoint=str(last) if last else None)
        seconds = time.perf_counter() - began
        after = Fit(*measure(trainer.model, self._train, self._pad, self._method.batch))
        steps = trainer.state.global_step
        tokens_an_epoch = sum(len(one.ids) for one in self._train)
        steps_an_epoch = -(-len(self._train) // self._method.batch)
        tokens = round(tokens_an_epoch * (steps - self._done_before) / steps_an_epoch)
        self._model = trainer.model
        return Trained(target, before, after, steps, tokens, seconds)

    def save(self, folder: Path) -> None:
        """Write the adapter in safetensors; its base is named by the student, not by a path of this machine."""
        self._model.save_pretrained(str(folder))
        (folder / "README.md").unlink(missing_ok=True)
        config = folder / "adapter_config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | {"base_model_name_or_path": None}, indent=2))

    def _before(self, model: Any) -> Fit:
        """The fit of the untrained adapter, which is the base itself; measured once, also when the run is resumed."""
        from distill.trainer import measure

        kept = self._work / "before.json"
        if not kept.exists():
            loss, agreement = measure(model, self._train, self._pad, self._method.batch)
            write_whole(kept, json.dumps({"loss": loss, "agreement": agreement}))
        return Fit(**json.loads(kept.read_text()))

    def _trainer(self) -> "WeightedTrainer":
        import torch
        from datasets import Dataset
        from huggingface_hub import constants
        from peft import LoraConfig
        from transformers import EarlyStoppingCallback
        from transformers.trainer_callback import PrinterCallback, ProgressCallback
        from trl import SFTConfig

        from distill.trainer import Reporter, WeightedTrainer, collate, columns

        constants.HF_HUB_DISABLE_TELEMETRY = True  # TRL tells Hugging Face of every training otherwise
        method, gpu, pad = self._method, torch.cuda.is_available(), self._pad
        steps = -(-len(self._train) // method.batch) * method.epochs
        check = max(1, steps // 10)
        arguments = SFTConfig(
            output_dir=str(self._work),
            num_train_epochs=method.epochs,
            per_device_train_batch_size=method.batch,
            per_device_eval_batch_size=method.batch,
            learning_rate=method.rate,
            lr_scheduler_type="cosine",
            warmup_steps=min(20, steps // 10),
            weight_decay=0.0,
            max_grad_norm=1.0,
            seed=method.seed,
            data_seed=method.seed,
            bf16=gpu or fast_bfloat16(),
            use_cpu=not gpu,
            gradient_checkpointing=False,
            max_length=None,
            dataset_kwargs={"skip_prepare_dataset": True},
            remove_unused_columns=False,
            eval_strategy="steps" if method.patience else "no",
            eval_steps=check,
            save_strategy="steps",
            save_steps=check,
            save_total_limit=2,
            load_best_model_at_end=method.patience > 0,
            metric_for_best_model="eval_loss",
            greater_is_better=False,
            prediction_loss_only=True,
            logging_steps=check,
            report_to="none",
            disable_tqdm=True,
            dataloader_pin_memory=False,
        )
        trainer = WeightedTrainer(
            muon=method.optimizer == "muon",
            model=self._model,
            args=arguments,
            train_dataset=Dataset.from_list([columns(one) for one in balanced(self._train)]),
            eval_dataset=Dataset.from_list([columns(one) for one in balanced(self._held_out)]),
            processing_class=self._tokenizer,
            data_collator=lambda rows: collate(rows, pad),
            peft_config=LoraConfig(
                r=method.rank, lora_alpha=method.alpha, target_modules="all-linear", task_type="CAUSAL_LM"
            ),
            callbacks=[Reporter(self._report), *([EarlyStoppingCallback(method.patience)] if method.patience else [])],
        )
        for talkative in (PrinterCallback, ProgressCallback):
            trainer.remove_callback(talkative)
        return trainer

    def _report(self, step: int, steps: int, values: dict[str, float]) -> None:
        self._latest = values.get("eval_loss", self._latest)
        self._on_progress(Progress(step, steps, values.get("loss"), self._latest))


def one_thread() -> None:
    """Compute in one thread from here on: matrices of a small model are too small to be shared (half the speed)."""
    import torch

    torch.set_num_threads(1)


def _prepared(encoder: Encoder, examples: Sequence[Example], method: Method, ends: list[int]) -> list[TokenSequence]:
    sequences = encoder.sequences(examples, length=method.length, seed=method.seed)
    check_learned(sequences, ends)
    return sequences


def fast_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 in hardware; where it is emulated, float32 is faster."""
    import torch

    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def load_base(folder: Path) -> tuple[Any, Any, list[int]]:
    """Model, tokenizer and end tokens of a base; float32 on a CPU, its own precision on a GPU."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    tokenizer = AutoTokenizer.from_pretrained(str(folder), **options)
    if tokenizer.chat_template is None:
        raise BadInput(f"{folder} has no chat template: give a chat model as base")
    model = AutoModelForCausalLM.from_pretrained(
        str(folder),
        use_safetensors=True,
        dtype="auto" if torch.cuda.is_available() else torch.float32,
        attn_implementation="sdpa",
        **options,
    )
    ends = model.generation_config.eos_token_id
    return model, tokenizer, [] if ends is None else list(ends) if isinstance(ends, list) else [ends]
