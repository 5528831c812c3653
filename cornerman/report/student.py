"""What a student's row keeps of what was measured, with a type for every figure, as far as it came."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cornerman.typed_json import from_json
from distill.rows import StudentRow
from distill.train import Fit, Point


@dataclass(frozen=True, slots=True)
class Worth:
    """Returns that the chosen moves gain over the average legal one on held-out turns; ``None`` without such turns."""

    before: float | None = None
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """The share of its teacher's score that a student keeps against the league, with its 95 % interval.

    ``games`` are the episodes of ``student`` and of ``teacher`` that it follows from; older rows do not name them.
    """

    share: float
    low: float
    high: float
    games: Mapping[str, Sequence[str]] | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """``before`` and ``after`` training, and how it went between them; latencies are medians of a decision in
    milliseconds, and ``faster`` is the teacher's in the student's."""

    before: Fit | None = None
    after: Fit | None = None
    curve: Sequence[Point] = ()
    worth: Worth = Worth()
    kept: Share | None = None
    latency_p50_ms: float | None = None
    champion_p50_ms: float | None = None
    teacher_p50_ms: float | None = None
    faster: float | None = None


def figures_of(row: StudentRow) -> Figures:
    """The figures that the row keeps."""
    return from_json(Figures, row.measured or "{}")
