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
from typing import TYPE_CHECKING, Any

from distill.base import parameters
from distill.encode import Encoder, Example, TokenSequence, balanced, check_learned
from distill.forecast import TRAINING, Forecast, Room, fitting
from distill.method import LENGTH, SMALL, Lesson, Method
from distill.scales import scales_of
from distill.worth import Weighed
from models.errors import BadInput
from models.files import whole_folder, write_whole

if TYPE_CHECKING:
    from distill.trainer import WeightedTrainer

ROOMY = 1 << 30
"""Tokens, where no limit is meant."""
CHECKS, APART = 10, 4
"""About how often a run looks at held-out turns, evenly, and how many steps lie between two looks at least."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How far a model says what it was taught.

    ``loss``: weighted mean negative log-likelihood a token of the answer; ``agreement``: weighted share of questions to
    which the model's greedy answer is the one that the teacher's turns there speak for most.
    """

    loss: float
    agreement: float


@dataclass(frozen=True, slots=True)
class Point:
    """How a run stood after ``step`` steps: the loss of the steps since the last point, and on held-out turns the loss,
    the agreement, and what its likeliest legal moves gained over the average one (``None`` where that is not known).
    """

    step: int
    loss: float
    held_out: float
    agreement: float
    worth: float | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished run. ``adapter`` is the folder; ``before`` and ``after`` are on the turns that were taught.

    ``tokens`` were processed in ``seconds`` of training in this run (what a resumed run had done before not counted).
    ``curve`` is how it went; ``kept`` the step whose adapter this is.
    """

    adapter: Path
    before: Fit
    after: Fit
    steps: int
    tokens: int
    seconds: float
    curve: tuple[Point, ...] = ()
    kept: int = 0

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """``loss`` of the last steps, ``held_out`` and ``agreement`` the latest on held-out turns; ``None`` where there is
    none yet."""

    step: int
    steps: int
    loss: float | None = None
    held_out: float | None = None
    agreement: float | None = None


def train(
    base: Path,
    examples: Sequence[Example],
    held_out: Sequence[Example],
    method: Method,
    target: Path,
    *,
    weighed: Sequence[Weighed] = (),
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_forecast: Callable[[Forecast], None] = lambda forecast: None,
) -> Trained:
    """Train an adapter on ``base`` and write it to the folder ``target``, whole or not at all.

    Checkpoints go to a folder beside ``target`` and are removed at the end; calling again with the same arguments
    after a kill continues from the last one, and returns the finished run if there is one. ``weighed`` says what moves
    were worth on held-out turns, where that is known. ``on_forecast`` gets what it will take before it begins. Raises
    ``BadInput`` where nothing could be learned, or the memory does not suffice.
    """
    if (target / "trained.json").exists():
        return _finished(target)
    work = target.with_name(target.name + ".work")
    work.mkdir(parents=True, exist_ok=True)
    run = _Run(
        base,
        examples=examples,
        held_out=held_out,
        weighed=weighed,
        method=method,
        work=work,
        on_progress=on_progress,
    )
    trained = run.result(target, on_forecast)
    with whole_folder(target) as fresh:
        run.save(fresh)
        (fresh / "trained.json").write_text(json.dumps(asdict(trained) | {"adapter": "."}))
    shutil.rmtree(work)
    return trained


def _finished(target: Path) -> Trained:
    about = json.loads((target / "trained.json").read_text())
    before, after = Fit(**about.pop("before")), Fit(**about.pop("after"))
    curve = tuple(Point(**point) for point in about.pop("curve", ()))
    return Trained(**{**about, "adapter": target, "before": before, "after": after, "curve": curve})


class _Run:
    """One run: the model, the tokens and TRL's trainer."""

    def __init__(
        self,
        base: Path,
        *,
        examples: Sequence[Example],
        held_out: Sequence[Example],
        weighed: Sequence[Weighed],
        method: Method,
        work: Path,
        on_progress: Callable[[Progress], None],
    ) -> None:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        self._method = method
        self._work = work
        self._on_progress = on_progress
        self._held_out_loss: float | None = None
        self._agreement: float | None = None
        self._model, self._tokenizer, ends = load_base(base, bits=method.bits)
        if self._model.num_parameters() < SMALL:
            one_thread()
        encoder = Encoder(self._tokenizer, self._model.config.get_text_config().max_position_embeddings, ends)
        self._train = _prepared(encoder, examples, method)
        self._held_out = _prepared(encoder, held_out, method)
        self._scales = scales_of(encoder, weighed)

    @property
    def _pad(self) -> int:
        pad = self._tokenizer.pad_token_id
        return int(self._tokenizer.eos_token_id if pad is None else pad)

    def result(self, target: Path, on_forecast: Callable[[Forecast], None]) -> Trained:
        """Train; ``target`` is only named."""
        longest = max(len(one.ids) for one in (*self._train, *self._held_out))
        room = fitting(self._model, longest, self._method)
        trainer = self._trainer(room)
        before, seconds_a_pass = self._before(trainer)
        on_forecast(
            Forecast(
                steps=trainer.args.max_steps,
                passes=self._method.epochs,
                memory=room.memory,
                checkpointing=room.checkpointing,
                seconds=seconds_a_pass * self._method.epochs * (TRAINING + room.checkpointing),
            )
        )
        last = max(self._work.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]), default=None)
        done_before = int(last.name.split("-")[1]) if last else 0
        began = time.perf_counter()
        trainer.train(resume_from_checkpoint=str(last) if last else None)
        seconds = time.perf_counter() - began
        after = Fit(*trainer.fit(self._train))
        steps = trainer.state.global_step
        tokens_an_epoch = sum(len(one.ids) for one in self._train)
        tokens = round(tokens_an_epoch * (steps - done_before) / self._steps_an_epoch)
        self._model = trainer.model
        best = trainer.state.best_model_checkpoint if self._method.patience else None
        kept = int(best.rpartition("-")[2]) if best else steps
        return Trained(target, before, after, steps, tokens, seconds, curve_of(trainer.state.log_history), kept)

    def save(self, folder: Path) -> None:
        """Write the adapter in safetensors; its base is named by the student, not by a path of this machine."""
        self._model.save_pretrained(str(folder))
        (folder / "README.md").unlink(missing_ok=True)
        config = folder / "adapter_config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | {"base_model_name_or_path": None}, indent=2))

    @property
    def _steps_an_epoch(self) -> int:
        return -(-len(self._train) // self._method.batch)

    def _before(self, trainer: "WeightedTrainer") -> tuple[Fit, float]:
        """The fit of the untrained adapter, which is the base itself, and how many seconds it took to look at all turns
        once; measured once, also when the run is resumed."""
        kept = self._work / "before.json"
        if not kept.exists():
            began = time.perf_counter()
            loss, agreement = trainer.fit(self._train)
            seconds = time.perf_counter() - began
            write_whole(kept, json.dumps({"loss": loss, "agreement": agreement, "seconds": seconds}))
        found = json.loads(kept.read_text())
        return Fit(found["loss"], found["agreement"]), found.get("seconds", 0.0)

    def _trainer(self, room: Room) -> "WeightedTrainer":
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
        steps = self._steps_an_epoch * method.epochs
        check = min(max(round(steps / CHECKS), APART), steps)
        arguments = SFTConfig(
            output_dir=str(self._work),
            num_train_epochs=method.epochs,
            max_steps=steps,
            per_device_train_batch_size=room.at_once,
            gradient_accumulation_steps=method.batch // room.at_once,
            per_device_eval_batch_size=room.at_once,
            learning_rate=method.rate,
            lr_scheduler_type="cosine",
            warmup_steps=min(20, steps // 10),
            weight_decay=0.0,
            max_grad_norm=1.0,
            seed=method.seed,
            data_seed=method.seed,
            bf16=gpu or fast_bfloat16(),
            use_cpu=not gpu,
            gradient_checkpointing=room.checkpointing,
            max_length=None,
            dataset_kwargs={"skip_prepare_dataset": True},
            remove_unused_columns=False,
            eval_strategy="steps",
            eval_steps=check,
            save_strategy="steps",
            save_steps=check,
            save_total_limit=2,
            load_best_model_at_end=method.patience > 0,
            metric_for_best_model="eval_standing",
            greater_is_better=True,
            prediction_loss_only=True,
            logging_steps=check,
            logging_nan_inf_filter=False,  # it would wait for a GPU after every step
            report_to="none",
            disable_tqdm=True,
            dataloader_pin_memory=False,
        )
        trainer = WeightedTrainer(
            muon=method.optimizer == "muon",
            held_out=self._held_out,
            scales=self._scales,
            pad=pad,
            model=self._model,
            args=arguments,
            train_dataset=Dataset.from_list([columns(one) for one in balanced(self._train)]),
            eval_dataset=Dataset.from_list([columns(one) for one in self._held_out[:1]]),  # see its ``evaluate``
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
        self._held_out_loss = values.get("eval_loss", self._held_out_loss)
        self._agreement = values.get("eval_agreement", self._agreement)
        self._on_progress(Progress(step, steps, values.get("loss"), self._held_out_loss, self._agreement))


def one_thread() -> None:
    """Compute in one thread from here on: matrices of a small model are too small to be shared (half the speed)."""
    import torch

    torch.set_num_threads(1)


def lesson_of(base: Path, examples: Sequence[Example]) -> Lesson:
    """How much ``examples`` are to a model with the tokenizer of ``base``, which is not loaded itself."""
    sequences = Encoder(load_tokenizer(base), ROOMY).sequences(examples, length=LENGTH, seed=0)
    return Lesson(len({(example.system, example.user) for example in examples}), len(sequences))


def _prepared(encoder: Encoder, examples: Sequence[Example], method: Method) -> list[TokenSequence]:
    sequences = encoder.sequences(examples, length=method.length, seed=method.seed)
    check_learned(sequences, [encoder.end])
    return sequences


def fast_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 in hardware; where it is emulated, float32 is faster."""
    import torch

    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def load_base(folder: Path, *, bits: int = 0) -> tuple[Any, Any, list[int]]:
    """Model, tokenizer and end tokens of a base.

    A small one is in float32; a larger one, which is frozen, in bfloat16 on a GPU and where the processor multiplies
    that in hardware, or in 4 bits where ``bits`` says so. Raises ``BadInput`` where that cannot be.
    """
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    half = parameters(folder) >= SMALL and (torch.cuda.is_available() or fast_bfloat16())
    model = AutoModelForCausalLM.from_pretrained(
        str(folder),
        use_safetensors=True,
        dtype=torch.bfloat16 if half else torch.float32,
        attn_implementation="sdpa",
        quantization_config=four_bits() if bits == 4 else None,
        local_files_only=True,
        trust_remote_code=False,
    )
    ends = model.generation_config.eos_token_id
    return model, load_tokenizer(folder), [] if ends is None else list(ends) if isinstance(ends, list) else [ends]


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of a base, with its chat template."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)


def four_bits() -> Any:
    """How transformers is told to hold a base in 4 bits; raises ``BadInput`` without the library that does it."""
    from importlib.util import find_spec

    import torch
    from transformers import BitsAndBytesConfig

    if find_spec("bitsandbytes") is None:
        raise BadInput("a base in 4 bits needs bitsandbytes: pip install bitsandbytes, or train it without --bits")
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def curve_of(history: Sequence[dict[str, float]]) -> tuple[Point, ...]:
    """The points of a run from the trainer's log, whose entries have the loss or the held-out figures."""
    steps: dict[int, dict[str, float]] = {}
    for entry in history:
        steps.setdefault(int(entry["step"]), {}).update(entry)
    return tuple(
        Point(step, values["loss"], values["eval_loss"], values["eval_agreement"], values.get("eval_worth"))
        for step, values in sorted(steps.items())
        if {"loss", "eval_loss", "eval_agreement"} <= values.keys()
    )
