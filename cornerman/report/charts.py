"""The geometry of the page's charts: numbers in, coordinates out; the page draws them.

Every chart is in a viewBox of its own units, so it scales with the page.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cornerman.format import e_value, number, percent, plain


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Whisker:
    """One row of an interval chart."""

    label: str
    detail: str
    y: float
    x: float
    left: float
    right: float
    kind: str


@dataclass(frozen=True, slots=True)
class IntervalChart:
    width: float
    height: float
    rows: tuple[Whisker, ...]
    ticks: tuple[Tick, ...]
    reference: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its interval; ``kind`` chooses the colour (``before``, ``after``, ``student``, ``plain``)."""

    label: str
    mean: float
    low: float
    high: float
    detail: str = ""
    kind: str = "plain"


WIDTH = 640.0
ROW = 46.0
LEFT, RIGHT, TOP, BOTTOM = 14.0, 14.0, 12.0, 30.0


def interval_chart(rows: Sequence[Estimate], *, reference: float = 0.5) -> IntervalChart:
    """Points with intervals on one scale from 0 to 1, e.g. shares of points won."""

    def x(value: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * min(max(value, 0.0), 1.0), 1)

    whiskers = tuple(
        Whisker(row.label, row.detail, TOP + ROW * n + 32, x(row.mean), x(row.low), x(row.high), row.kind)
        for n, row in enumerate(rows)
    )
    ticks = tuple(Tick(x(share), percent(share)) for share in (0.0, 0.25, 0.5, 0.75, 1.0))
    return IntervalChart(WIDTH, TOP + ROW * len(rows) + BOTTOM, whiskers, ticks, x(reference))


@dataclass(frozen=True, slots=True)
class Curve:
    label: str
    points: str
    end: tuple[float, float]
    final: str
    kind: str


@dataclass(frozen=True, slots=True)
class Level:
    y: float
    label: str
    kind: str


@dataclass(frozen=True, slots=True)
class EvidenceChart:
    width: float
    height: float
    curves: tuple[Curve, ...]
    levels: tuple[Level, ...]
    y_ticks: tuple[Tick, ...]
    x_ticks: tuple[Tick, ...]
    left: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Walk:
    """The natural logarithm of an e-value after each pair, from 0 pairs on."""

    label: str
    log_e: tuple[float, ...]
    kind: str = "plain"


def evidence_chart(walks: Sequence[Walk], thresholds: Sequence[tuple[float, str]]) -> EvidenceChart:
    """E-values over pairs on a logarithmic scale, with a line at each of ``thresholds`` (value, label)."""
    width, height, left, right, top, bottom = WIDTH, 320.0, 52.0, 96.0, 16.0, 34.0
    most = max((len(walk.log_e) - 1 for walk in walks), default=1) or 1
    decades = [value / math.log(10) for walk in walks for value in walk.log_e]
    decades += [math.log10(value) for value, _ in thresholds]
    low, high = math.floor(min([*decades, -0.5])), math.ceil(max([*decades, 1.0]))

    def x(pairs: float) -> float:
        return round(left + (width - left - right) * pairs / most, 1)

    def y(decade: float) -> float:
        return round(top + (height - top - bottom) * (high - decade) / (high - low), 1)

    curves = tuple(
        Curve(
            walk.label,
            " ".join(f"{x(n)},{y(value / math.log(10))}" for n, value in _thinned(walk.log_e)),
            (x(len(walk.log_e) - 1), y(walk.log_e[-1] / math.log(10))),
            e_value(walk.log_e[-1]),
            walk.kind,
        )
        for walk in walks
    )
    step = max(1, math.ceil((high - low) / 6))
    y_ticks = tuple(Tick(y(decade), power(decade)) for decade in range(low, high + 1, step))
    stride = nice_step(most / 5)
    x_ticks = tuple(Tick(x(pairs), str(pairs)) for pairs in range(0, most + 1, stride))
    levels = tuple(Level(y(math.log10(value)), label, "limit") for value, label in thresholds)
    return EvidenceChart(
        width, height, curves, (*levels, Level(y(0), "", "one")), y_ticks, x_ticks, left, width - right, height - bottom
    )


def _thinned(values: Sequence[float], most: int = 400) -> list[tuple[int, float]]:
    """Enough of the points to draw, first and last among them."""
    stride = max(1, len(values) // most)
    kept = list(enumerate(values))[::stride]
    last = (len(values) - 1, values[-1])
    return kept if kept[-1] == last else [*kept, last]


def nice_step(value: float) -> int:
    """The smallest of 1, 2, 5, 10, 20, … that is at least ``value``."""
    scale = 1
    while True:
        for digit in (1, 2, 5):
            if digit * scale >= value:
                return digit * scale
        scale *= 10


def power(decade: int) -> str:
    """A power of ten as people write it: 0.01, 1, 100, then 10^6."""
    if -3 <= decade <= 4:
        return plain(10.0**decade) if decade < 0 else number(10**decade)
    return f"10^{decade}"


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    text: str
    share: float
    kind: str


def log_bars(values: Sequence[tuple[str, float, str, str]]) -> tuple[Bar, ...]:
    """Bars (label, value, text, kind) whose lengths are shares of a logarithmic scale; values are above 0."""
    logs = [math.log10(value) for _, value, _, _ in values]
    low, high = math.floor(min(logs) - 0.01), max(logs)
    return tuple(
        Bar(label, text, round((log - low) / (high - low), 4) if high > low else 1.0, kind)
        for (label, _, text, kind), log in zip(values, logs, strict=True)
    )
