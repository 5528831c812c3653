"""The geometry of the page's two pictures: ratings with intervals, and ratings against latency."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cornerman.colosseum.standings import Standing
from cornerman.report.charts import Tick, nice_step
from cornerman.report.costs import milliseconds

WIDTH, HEIGHT = 640.0, 380.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 20.0, 16.0, 46.0
FASTEST = 0.1
"""Milliseconds below which all decisions stand at the left end: bots take next to nothing."""
LABEL = 15.0
"""Units that a line of text takes."""
LETTER = 7.0
"""Units that a letter takes, about."""


@dataclass(frozen=True, slots=True)
class Band:
    """One player's rating on a track from 0 to 100 (percent): where its interval begins and ends, and where it is.

    ``clean`` is the rating without forfeits, ``None`` where it is the same.
    """

    name: str
    text: str
    left: float
    right: float
    at: float
    clean: float | None
    clean_text: str


@dataclass(frozen=True, slots=True)
class Bands:
    rows: tuple[Band, ...]
    ticks: tuple[Tick, ...]


def bands(rows: Sequence[Standing], forfeits: bool) -> Bands:
    """Every player's rating and interval on one scale of Elo."""
    low, high, step = _scale([value for row in rows for value in (row.rating.low, row.rating.high)])

    def at(value: float) -> float:
        return round(100 * (min(max(value, low), high) - low) / (high - low), 2)

    drawn = tuple(
        Band(
            row.player,
            f"{row.rating.elo:+.0f}  [{row.rating.low:+.0f}, {row.rating.high:+.0f}]",
            at(row.rating.low),
            at(row.rating.high),
            at(row.rating.elo),
            at(row.without_forfeits.elo) if forfeits and row.without_forfeits else None,
            f"{row.without_forfeits.elo:+.0f}" if forfeits and row.without_forfeits else "",
        )
        for row in rows
    )
    return Bands(drawn, tuple(Tick(at(value), f"{value:+.0f}" if value else "0") for value in _steps(low, high, step)))


def _scale(values: Sequence[float]) -> tuple[int, int, int]:
    """A range of Elo with round ends, and the step of its ticks."""
    low, high = min([*values, -50.0]), max([*values, 50.0])
    step = nice_step((high - low) / 5)
    return math.floor(low / step) * step, math.ceil(high / step) * step, step


def _steps(low: int, high: int, step: int) -> range:
    return range(low, high + 1, step)


@dataclass(frozen=True, slots=True)
class Dot:
    """A player: its place, its interval, the radius that its moves a game give it, and where its name stands."""

    name: str
    detail: str
    x: float
    y: float
    top: float
    bottom: float
    radius: float
    label_x: float
    label_y: float
    anchor: str


@dataclass(frozen=True, slots=True)
class SpeedChart:
    width: float
    height: float
    dots: tuple[Dot, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    left: float
    right: float
    bottom: float


def speed_chart(rows: Sequence[Standing]) -> SpeedChart | None:
    """Rating over the median time of a decision, on a logarithmic scale; nothing where times do not differ."""
    timed = [(row, max(row.latency_ms, FASTEST)) for row in rows if row.latency_ms is not None]
    if len({latency for _, latency in timed}) < 2:
        return None
    decades = [math.log10(latency) for _, latency in timed]
    first, last = math.floor(min(decades)), math.ceil(max(decades))
    low, high, step = _scale([value for row, _ in timed for value in (row.rating.low, row.rating.high)])
    most = max(row.moves for row, _ in timed) or 1.0

    def x(decade: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (decade - first) / max(1, last - first), 1)

    def y(elo: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (high - elo) / (high - low), 1)

    dots = []
    for (row, latency), decade in zip(timed, decades, strict=True):
        right = x(decade) < WIDTH * 0.62
        # The area, not the radius, is what the eye compares.
        radius = round(4 + 9 * math.sqrt(row.moves / most), 1)
        dots.append(
            Dot(
                name=row.player,
                detail=f"{milliseconds(latency)}, {row.moves:.0f} moves",
                x=x(decade),
                y=y(row.rating.elo),
                top=y(row.rating.high),
                bottom=y(row.rating.low),
                radius=radius,
                label_x=x(decade) + (radius + 5 if right else -radius - 5),
                label_y=y(row.rating.elo) + 4,
                anchor="start" if right else "end",
            )
        )
    return SpeedChart(
        WIDTH,
        HEIGHT,
        tuple(_apart(dots)),
        tuple(Tick(x(decade), _power(decade)) for decade in range(first, last + 1)),
        tuple(Tick(y(value), f"{value:+.0f}" if value else "0") for value in _steps(low, high, step)),
        LEFT,
        WIDTH - RIGHT,
        HEIGHT - BOTTOM,
    )


def _apart(dots: Sequence[Dot]) -> list[Dot]:
    """The dots with their labels moved down, from the top one on, until none covers another."""
    placed: list[Dot] = []
    for dot in sorted(dots, key=lambda dot: (dot.y, dot.name)):
        label_y = dot.label_y
        while any(abs(label_y - other.label_y) < LABEL and _beside(dot, other) for other in placed):
            label_y += 1
        placed.append(replace(dot, label_y=label_y))
    return placed


def _beside(a: Dot, b: Dot) -> bool:
    return _span(a)[0] < _span(b)[1] and _span(b)[0] < _span(a)[1]


def _span(dot: Dot) -> tuple[float, float]:
    length = LETTER * (len(dot.name) + len(dot.detail) + 2)
    return (dot.label_x, dot.label_x + length) if dot.anchor == "start" else (dot.label_x - length, dot.label_x)


def _power(decade: int) -> str:
    if decade >= 3:
        return f"{10**decade // 1000:,} s"
    return f"{'≤ ' if decade == math.log10(FASTEST) else ''}{10.0**decade:g} ms"
