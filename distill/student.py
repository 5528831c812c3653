"""Students: trained models with where they came from, as rows of the table ``students`` and folders beside the store.

A student's id is the hash of everything that decides it (base weights, dataset, method, prompt), so the same training
is the same student and is never done twice. Its folder holds the LoRA adapter in ``adapter/`` and, where the base is
small, the merged model in ``model/``, so that it outlives a change of its base. Knows nothing about who is stronger.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from distill.base import parameters
from distill.dataset import Dataset, DatasetReport, Recipe, examples_of, held_out_turns, load_dataset
from distill.forecast import Forecast
from distill.judged import student_base
from distill.merge import write_merged
from distill.method import SMALL, Method, Wishes
from distill.rows import StudentRow, players_met, put_figures, put_student, student_rows
from distill.sketch import is_sketch
from distill.train import Fit, Progress, Trained, lesson_of, train
from distill.worth import weigh
from episodes.game import Game
from episodes.players.model import ModelPlayer
from episodes.store.store import Store
from models.chat import ChatModel
from models.errors import BadInput, CornermanError
from models.files import whole_folder
from models.hub import model_folder
from models.local import LocalModel
from models.weights import folder_digest
from prompts.library import PromptLibrary
from prompts.prompt import Prompt, player

STUDENTS = Path("nights") / "students"
TEMPERATURE = 0.0
"""At which a student plays. What it learned is an average over positions that look alike to it, so its likeliest move
is better than a draw; see docs/distillation.md."""
LEARNED = 0.5
"""A student that says less than this share of what it was taught has not learned it, and is none."""


class NotLearned(CornermanError):
    """A training that taught its base next to nothing; there is no student of it."""


@dataclass(frozen=True, slots=True)
class Student:
    """A row of ``students``. ``base``: as the user named it; ``measured``: figures by name, filled in by the check."""

    id: str
    base: str
    base_digest: str
    dataset_id: str
    game: str
    prompt_id: str
    method: Method
    temperature: float
    folder: Path
    created: str
    night_id: str | None
    comparison_id: str | None
    latency_p50_ms: float | None
    measured: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"student:{self.id}"

    @property
    def adapter(self) -> Path:
        return self.folder / "adapter"

    @property
    def merged(self) -> Path:
        return self.folder / "model"


def student_id(base_hash: str, dataset_id: str, method: Method, prompt_id: str) -> str:
    """The hash of what decides a student."""
    parts = [base_hash, dataset_id, prompt_id, json.dumps(method.stated(), sort_keys=True)]
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


def make_student(
    store: Store,
    dataset: Dataset,
    game: Game,
    *,
    base: str = "rookie",
    method: Method | None = None,
    wishes: Wishes | None = None,
    seed: int = 1,
    least: float = LEARNED,
    root: Path = STUDENTS,
    night_id: str | None = None,
    temperature: float = TEMPERATURE,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_forecast: Callable[[Forecast], None] = lambda forecast: None,
) -> Student:
    """Train the student of ``dataset`` on ``base``, or find it; its folder is ``root``/id.

    ``method`` defaults to the one that suits the base's size and the dataset, with ``wishes`` and ``seed``. A training
    that was interrupted continues. Raises ``BadInput`` for a base that cannot be used, and where nothing could be
    learned, and ``NotLearned``, with nothing kept, where the student says less than the share ``least`` of what it was
    taught.
    """
    source = model_folder(base)
    size = parameters(source)
    prompt = student_base(game)
    examples = examples_of(store, dataset, prompt)
    if method is None:
        suited = Method.suited(size, lesson_of(source, examples["train"]), seed)
        method = (wishes or Wishes()).applied(suited)
    asked = Prompt(prompt)
    digest = folder_digest(source)
    student = Student(
        id=student_id(digest, dataset.id, method, asked.id),
        base=base,
        base_digest=digest,
        dataset_id=dataset.id,
        game=game.name,
        prompt_id=asked.id,
        method=method,
        temperature=temperature,
        folder=Path(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        night_id=night_id,
        comparison_id=None,
        latency_p50_ms=None,
        measured={},
    )
    if any(row.id == student.id for row in student_rows(store)):
        return load_student(store, student.id)
    PromptLibrary(store).save(asked, game, origin="student", night_id=night_id)  # its games will name it
    student = replace(student, folder=root / student.id)
    student.folder.mkdir(parents=True, exist_ok=True)
    trained = train(
        source,
        examples["train"],
        examples["held-out"],
        method,
        student.adapter,
        weighed=weigh(held_out_turns(store, game, dataset, prompt), prompt),
        on_progress=on_progress,
        on_forecast=on_forecast,
    )
    if trained.after.agreement < least:
        shutil.rmtree(student.folder)
        raise NotLearned(not_learned(base, trained, method))
    if size < SMALL and not student.merged.exists():
        with whole_folder(student.merged) as fresh:
            write_merged(source, student.adapter, fresh, temperature=temperature)
    student = replace(student, measured=training_figures(trained))
    _insert(store, student)
    return student


def not_learned(base: str, trained: Trained, method: Method) -> str:
    """What to tell of a training that taught next to nothing: what it came to, and what to change."""
    before, after = trained.before, trained.after
    return (
        f"the student of {base} says {after.agreement:.0%} of what it was taught, less than half, and is not kept "
        f"({before.agreement:.0%} before; loss {before.loss:.2f}, now {after.loss:.2f}, after {trained.steps} steps in "
        f"{method.epochs} passes at rate {method.rate:g}): give it more passes (--passes {2 * method.epochs}), another "
        f"rate (--learning-rate {3 * method.rate:.0e}), or a larger base"
    )


def training_figures(trained: Trained) -> dict[str, Any]:
    """What a run says of itself, ready for JSON."""
    return {
        "before": asdict(trained.before),
        "after": asdict(trained.after),
        "steps": trained.steps,
        "kept_step": trained.kept,
        "curve": [asdict(point) for point in trained.curve],
        "train_tokens": trained.tokens,
        "train_seconds": round(trained.seconds, 2),
        "tokens_per_second": round(trained.tokens_per_second, 1),
    }


def fits(student: Student) -> tuple[Fit, Fit]:
    """How far it said what it was taught, before and after training."""
    return Fit(**student.measured["before"]), Fit(**student.measured["after"])


def note_figures(store: Store, student: Student, figures: Mapping[str, Any], comparison_id: str | None) -> Student:
    """Add measured figures to a student's row; ``latency_p50_ms`` among them has its own column too."""
    measured = {**student.measured, **figures}
    latency = measured.get("latency_p50_ms")
    put_figures(store, student.id, measured=json.dumps(measured), comparison_id=comparison_id, latency_p50_ms=latency)
    return replace(student, measured=measured, comparison_id=comparison_id, latency_p50_ms=latency)


def load_student(store: Store, student_id: str) -> Student:
    """The student with this id, or the only one whose id begins with it; raises ``BadInput``."""
    rows = student_rows(store)
    found = [row for row in rows if student_id and row.id.startswith(student_id)]
    if len(found) == 1:
        return _student(found[0])
    if found:
        raise BadInput(f"student {student_id!r} is ambiguous: it begins {', '.join(row.id for row in found[:5])}")
    ids = ", ".join(row.id for row in rows[:5])
    known = f"there are {ids}" if rows else "there is none yet: run a night, or cornerman distill"
    raise BadInput(f"no student {student_id!r}: {known}")


def students(store: Store) -> list[Student]:
    """All of them, the newest first."""
    return [_student(row) for row in student_rows(store)]


def open_student(student: Student, device: str = "auto") -> LocalModel:
    """The student's model in this process; raises ``BadInput`` if its files, or a large student's base, are gone."""
    if student.merged.exists():
        return LocalModel(student.merged, name=student.name, kind="student", device=device)
    return LocalModel(checked_base(student), name=student.name, kind="student", adapter=student.adapter, device=device)


def checked_base(student: Student) -> Path:
    """The folder of the base, which must be the very one that the student was trained on."""
    folder = model_folder(student.base)
    if folder_digest(folder) != student.base_digest:
        raise BadInput(f"the base model {student.base} has changed since {student.name} was trained: train it again")
    return folder


def student_player(student: Student, game: Game, model: ChatModel | None = None, *, free: bool = False) -> ModelPlayer:
    """The student as a player: the short prompt that it was trained on, at the temperature that it plays best.

    ``model`` is the student's own where it is open already; ``free``: it is held to nothing.
    """
    if student.game != game.name:
        raise BadInput(f"{student.name} plays {student.game}, not {game.name}")
    asked = player(model or open_student(student), Prompt(student_base(game)), game, student.name, free=free)
    return replace(asked, temperature=student.temperature)


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a student comes from: base, dataset, teacher, opponents and games.

    ``report`` is of the dataset; in JSON its figures stand among the other keys.
    """

    student: str
    base: str
    base_digest: str
    dataset: str
    game: str
    teacher: str
    opponents: tuple[str, ...]
    recipe: Recipe
    method: Method
    prompt_id: str
    report: DatasetReport = field(metadata={"json": "flat"})


def lineage(store: Store, student: Student) -> Lineage:
    """Where ``student`` comes from."""
    dataset = load_dataset(store, student.dataset_id)
    return Lineage(
        student=student.id,
        base=student.base,
        base_digest=student.base_digest,
        dataset=dataset.id,
        game=student.game,
        teacher=dataset.teacher,
        opponents=tuple(name for name in players_met(store, dataset.id, dataset.teacher) if not is_sketch(name)),
        recipe=dataset.recipe,
        method=student.method,
        prompt_id=student.prompt_id,
        report=dataset.report,
    )


def _insert(store: Store, student: Student) -> None:
    config = {
        "base_digest": student.base_digest,
        "prompt_id": student.prompt_id,
        "temperature": student.temperature,
    }
    row = StudentRow(
        id=student.id,
        base_model=student.base,
        dataset_id=student.dataset_id,
        method=json.dumps(student.method.stated()),
        path=str(student.folder),
        comparison_id=student.comparison_id,
        latency_p50_ms=student.latency_p50_ms,
        created=student.created,
        night_id=student.night_id,
        game=student.game,
        config=json.dumps(config),
        measured=json.dumps(student.measured),
    )
    put_student(store, row)


def _student(row: StudentRow) -> Student:
    config = json.loads(row.config)
    return Student(
        id=row.id,
        base=row.base_model,
        base_digest=config["base_digest"],
        dataset_id=row.dataset_id,
        game=row.game,
        prompt_id=config["prompt_id"],
        method=Method(**json.loads(row.method)),
        temperature=config["temperature"],
        folder=Path(row.path),
        created=row.created,
        night_id=row.night_id,
        comparison_id=row.comparison_id,
        latency_p50_ms=row.latency_p50_ms,
        measured=json.loads(row.measured),
    )
