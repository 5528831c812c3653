"""Exporting a student: a folder that plain transformers and vLLM load, and the proof that it is the same model.

Knows nothing about serving beyond the command that starts it.
"""

import json
import shlex
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from distill.card import Served, card
from distill.encode import Encoder
from distill.judged import student_base
from distill.merge import PARITY, explained, load_adapted, load_plain, parity, write_merged
from distill.serving.server import command
from distill.student import Student, checked_base, lineage
from distill.train import load_tokenizer
from episodes.game import Game
from episodes.store.store import Store
from episodes.turn_text import turn_text
from models.errors import BadInput
from models.files import whole_folder
from models.templates import ChatTemplate
from models.vllm_environment import context_of, gpu_present

Format = Literal["merged", "adapter"]
PROBES = 32
"""Prompts on which the exported model is compared with the trained one."""


@dataclass(frozen=True, slots=True)
class ExportResult:
    """``parity``: the largest difference between logits of the exported files and of base + adapter, in float32."""

    path: Path
    files: tuple[str, ...]
    vllm_command: str
    parity: float


def export(store: Store, student: Student, game: Game, to: Path, format: Format = "merged") -> ExportResult:
    """Write ``student`` to the folder ``to``, whole or not at all.

    ``merged``: one model with tokenizer and chat template; ``adapter``: LoRA weights for the base. Either has a model
    card with provenance, measured figures and the command that serves it. Raises ``BadInput`` for a folder that is
    not empty, a base that has changed, a full disk, and files that would not say what the student says.
    """
    if format not in get_args(Format):
        raise BadInput(f"unknown format {format!r}: use merged or adapter")
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise BadInput(f"{to} is not an empty folder: export to a new one")
    base = checked_base(student)
    try:
        to.absolute().parent.mkdir(parents=True, exist_ok=True)
        with whole_folder(to) as fresh:
            difference = _write(student, game, base, fresh, format)
            served = _commands(student, base, to.absolute(), format)
            (fresh / "README.md").write_text(card(student, game, lineage(store, student), served, difference))
    except OSError as problem:
        raise explained(problem, to) from problem
    files = tuple(sorted(file.name for file in to.iterdir()))
    return ExportResult(to, files, served.here, difference)


def _write(student: Student, game: Game, base: Path, fresh: Path, format: Format) -> float:
    """Write the weights to ``fresh`` and return their parity; raises ``BadInput`` if it is not rounding alone."""
    if format == "merged":
        write_merged(base, student.adapter, fresh, temperature=student.temperature)
        found = load_plain(fresh)
    else:
        fresh.mkdir()
        for name in ("adapter_model.safetensors", "adapter_config.json"):
            shutil.copy2(student.adapter / name, fresh / name)
        _name_base(fresh / "adapter_config.json", student.base)
        found, _ = load_adapted(base, fresh)
    expected, tokenizer = load_adapted(base, student.adapter)
    difference = parity(expected, found, probes(student, game, tokenizer))
    if difference > PARITY:
        raise BadInput(
            f"the exported weights differ from {student.name} by {difference:.2g} in logits (at most {PARITY:g} is "
            "rounding): nothing was written; train the student again"
        )
    return difference


def _name_base(config: Path, base: str) -> None:
    content = json.loads(config.read_text())
    content["base_model_name_or_path"] = base
    config.write_text(json.dumps(content, indent=2, sort_keys=True))


def probes(student: Student, game: Game, tokenizer: Any) -> list[tuple[int, ...]]:
    """Prompts as in play, from the starts of ``PROBES`` seeds, with the student's own words."""
    base = student_base(game)
    encoder = Encoder(tokenizer, 1 << 30)
    found = []
    for seed in range(PROBES):
        state = game.initial_state(seed)
        situation = {name: values[seed % len(values)] for name, values in game.features.items()}
        observation = replace(state.observe(state.to_act()[0]), situation=situation)
        found.append(encoder.question(base.text, turn_text(base.turn, observation)))
    return found


def _commands(student: Student, base: Path, to: Path, format: Format) -> Served:
    """How to serve the export: on this kind of machine, and as the card says it."""
    name = f"student-{student.id}"
    model, extra = to, []
    if format == "adapter":
        model = base
        extra = ["--enable-lora", "--max-lora-rank", str(_vllm_rank(student.method.rank)), "--lora-modules"]
        extra.append(f"{name}={to}")
    served = "base" if format == "adapter" else name
    context = context_of(base)
    on_cpu, here = (
        ["python", *command(model, served, host="127.0.0.1", port=8000, cpu_context=length), *extra]
        for length in (context, None if gpu_present() else context)
    )
    on_gpu = ["vllm", "serve", str(model), "--served-model-name", served, "--load-format", "safetensors", *extra]
    cpu, gpu = _anonymous(on_cpu, to, base), _anonymous(on_gpu, to, base)
    folds = ChatTemplate(load_tokenizer(base), student.base, thinking=False).folds
    return Served(name, shlex.join(here), cpu, gpu, adapter=format == "adapter", folds=folds)


def _vllm_rank(rank: int) -> int:
    """The smallest rank limit that vLLM accepts for an adapter of ``rank``."""
    return next((limit for limit in (8, 16, 32, 64, 128, 256, 320, 512) if limit >= rank), rank)


def _anonymous(words: list[str], to: Path, base: Path) -> str:
    """The command without this machine's paths: a card travels."""
    return shlex.join(words).replace(str(to), "DIR").replace(str(base), "BASE")
