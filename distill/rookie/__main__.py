"""``python -m distill.rookie``: train the rookie, or measure the one that is there."""

import argparse
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from distill.rookie.check import MOST_RULES, Case, accuracy, decided, measure, undecided
from distill.rookie.lessons import LEVELS, PHRASINGS
from distill.rookie.train import Course, Training, write_model
from distill.rookie.train import Progress as Reached
from models.errors import BadInput
from models.local import check_folder

FOLDER = Path(__file__).parents[2] / "models" / "rookie"
WORK = Path(__file__).parents[2] / ".rookie-training"
ENOUGH = 0.98
"""Accuracy on held-out rules below which weights are not written."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0: done; 1: the model does not follow rules well enough; 2: bad input."""
    parser = argparse.ArgumentParser(prog="python -m distill.rookie", description=__doc__)
    parser.add_argument("--check", action="store_true", help="measure the model in the folder; train nothing")
    parser.add_argument("--to", type=Path, default=FOLDER, help="the model's folder (default: models/rookie)")
    parser.add_argument("--work", type=Path, default=WORK, help="where checkpoints are kept until the end")
    parser.add_argument("--seed", type=int, default=1, help="of the training, or of the check (default 1)")
    parser.add_argument("--steps", type=int, default=Course().lesson_steps, help="steps of lessons after the warm-up")
    parser.add_argument("--prompts", type=int, default=900, help="held-out prompts to check with")
    options = parser.parse_args(arguments)
    console = Console(markup=False, emoji=False)
    torch.set_num_threads(1)  # at this size a second thread costs more than it gives
    try:
        if options.check:
            return report(console, load(options.to), options)
        return train(console, options)
    except BadInput as problem:
        Console(stderr=True, markup=False, emoji=False, highlight=False).print(f"error: {problem}")
        return 2
    except KeyboardInterrupt:
        console.print("interrupted; the same command continues from the last checkpoint")
        return 1


def load(folder: Path) -> Any:
    """The model in ``folder``; raises ``BadInput`` where there is none."""
    from transformers import LlamaForCausalLM
    from transformers.utils import logging

    check_folder(folder)
    logging.disable_progress_bar()
    return LlamaForCausalLM.from_pretrained(str(folder)).eval()


def train(console: Console, options: argparse.Namespace) -> int:
    """Train from the last checkpoint, or from nothing; check; write the folder."""
    training = Training(Course(seed=options.seed, lesson_steps=options.steps), options.work)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f}%"), TimeElapsedColumn()
    ) as bars:
        training.run(_shown(bars, training.course))
    training.model.eval()
    code = report(console, training.model, options)
    if code == 0:
        write_model(training.model, options.to)
        shutil.rmtree(options.work)
        console.print(f"written to {options.to}")
    else:
        console.print(f"not written: the checkpoint is in {options.work}; try another --seed or more --steps")
    return code


def _shown(bars: Progress, course: Course) -> Callable[[Reached], None]:
    """A function that shows how far training is."""
    task = bars.add_task("warm-up", total=course.lesson_steps)

    def show(reached: Reached) -> None:
        what = f"level {reached.level + 1} of {len(LEVELS)}" if reached.level >= 0 else "warm-up"
        text = f"{what}, step {reached.step}, loss {reached.loss:.3f}, right {reached.right:.1%}"
        bars.update(task, completed=reached.lesson, description=text)

    return show


def report(console: Console, model: Any, options: argparse.Namespace) -> int:
    """Print how the model does on held-out rules; 0 if it is good enough."""
    cases = measure(model, seed=options.seed, prompts=options.prompts)
    console.print(_table("rules", [(str(n), [c for c in cases if c.rules == n]) for n in range(1, MOST_RULES + 1)]))
    console.print(_table("wording", [(name, [c for c in cases if c.phrasing == name]) for name in PHRASINGS]))
    rows = [(str(n), [case for case in decided(cases) if case.conditions == n]) for n in (0, 1, 2)]
    console.print(_table("conditions", rows))
    free = undecided(cases)
    bare = [case for case in free if case.rules == 0]
    console.print(
        f"rules followed: {accuracy(cases):.2%} of {len(decided(cases))} decisions; "
        f"no rule fits: {sum(case.distance for case in free) / len(free):.3f} from the prior on average "
        f"over {len(free)} decisions; likeliest move without rules: {max(case.top for case in bare):.3f} at most"
    )
    return 0 if accuracy(cases) >= ENOUGH else 1


def _table(title: str, rows: Sequence[tuple[str, list[Case]]]) -> Table:
    table = Table(title, "decisions", "right", "given to the rule's move")
    for name, cases in rows:
        found = decided(cases)
        given = sum(case.given for case in found) / len(found) if found else float("nan")
        table.add_row(name, str(len(found)), f"{accuracy(cases):.2%}", f"{given:.3f}")
    return table


if __name__ == "__main__":
    raise SystemExit(main())
