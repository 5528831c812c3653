"""The geometry of the page's two pictures: ratings with intervals, and ratings against latency."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cornerman.colosseum.standings import Standing
from cornerman.format import FASTEST, elo, elo_interval, milliseconds, number, plain
from cornerman.report.charts import Tick, nice_step

WIDTH, HEIGHT = 640.0, 380.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 20.0, 16.0, 46.0
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
    low, high, step = _scale([value for row in rows for value in (row.rating.elo_low, row.rating.elo_high)])

    def at(value: float) -> float:
        return round(100 * (min(max(value, low), high) - low) / (high - low), 2)

    drawn = tuple(
        Band(
            row.player,
            f"{elo(row.rating.elo)}  {elo_interval(row.rating.elo_low, row.rating.elo_high)}",
            at(row.rating.elo_low),
            at(row.rating.elo_high),
            at(row.rating.elo),
            at(row.without_forfeits.elo) if forfeits and row.without_forfeits else None,
            elo(row.without_forfeits.elo) if forfeits and row.without_forfeits else "",
        )
        for row in rows
    )
    return Bands(drawn, tuple(Tick(at(value), elo(value) if value else "0") for value in _steps(low, high, step)))


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
    label_x: float = 0.0
    label_y: float = 0.0
    anchor: str = "start"


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
    """Rating over the median time of a decision, on a logarithmic scale; nothing where times do not differ.

    The scale holds the ratings; an interval that goes beyond it is cut off there.
    """
    timed = [(row, max(row.latency_ms, FASTEST)) for row in rows if row.latency_ms is not None]
    if len({latency for _, latency in timed}) < 2:
        return None
    decades = [math.log10(latency) for _, latency in timed]
    first, last = math.floor(min(decades)), math.ceil(max(decades))
    low, high, step = _scale([row.rating.elo + beside for row, _ in timed for beside in (-30, 30)])
    most = max(row.moves for row, _ in timed) or 1.0

    def x(decade: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (decade - first) / max(1, last - first), 1)

    def y(rating: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (high - min(max(rating, low), high)) / (high - low), 1)

    dots = [
        Dot(
            name=row.player,
            detail=f"{milliseconds(row.latency_ms)}, {number(row.moves)} moves",
            x=x(decade),
            y=y(row.rating.elo),
            top=y(row.rating.elo_high),
            bottom=y(row.rating.elo_low),
            # The area, not the radius, is what the eye compares.
            radius=round(4 + 9 * math.sqrt(row.moves / most), 1),
        )
        for (row, _), decade in zip(timed, decades, strict=True)
    ]
    return SpeedChart(
        WIDTH,
        HEIGHT,
        tuple(_labelled(dots)),
        tuple(Tick(x(decade), _power(decade)) for decade in range(first, last + 1)),
        tuple(Tick(y(value), elo(value) if value else "0") for value in _steps(low, high, step)),
        LEFT,
        WIDTH - RIGHT,
        HEIGHT - BOTTOM,
    )


Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def _labelled(dots: Sequence[Dot]) -> list[Dot]:
    """The dots with a place for each label that covers no dot and no other label, as near to its dot as can be."""
    taken: list[Box] = [
        (dot.x - dot.radius, dot.y - dot.radius, dot.x + dot.radius, dot.y + dot.radius) for dot in dots
    ]
    placed = []
    for dot in dots:
        tries = (label for drop in range(40) for label in _beside(dot, LABEL * ((drop + 1) // 2) * (-1) ** (drop + 1)))
        free = (label for label in tries if _inside(_box(label)) and not _covers(_box(label), taken))
        placed.append(next(free, _beside(dot, 0.0)[0]))
        taken.append(_box(placed[-1]))
    return placed


def _beside(dot: Dot, away: float) -> list[Dot]:
    """The dot with its label right and left of it, ``away`` units lower than itself."""
    y = dot.y + 4 + away
    return [
        replace(dot, label_x=dot.x + dot.radius + 5, label_y=y, anchor="start"),
        replace(dot, label_x=dot.x - dot.radius - 5, label_y=y, anchor="end"),
    ]


def _box(dot: Dot) -> Box:
    length = LETTER * (len(dot.name) + len(dot.detail) + 1)
    left = dot.label_x if dot.anchor == "start" else dot.label_x - length
    return (left, dot.label_y - LABEL + 4, left + length, dot.label_y + 3)


def _inside(box: Box) -> bool:
    return box[0] >= 0 and box[1] >= 0 and box[2] <= WIDTH and box[3] <= HEIGHT - BOTTOM


def _covers(box: Box, others: Sequence[Box]) -> bool:
    return any(box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3] for other in others)


def _power(decade: int) -> str:
    if decade >= 3:
        return f"{number(10**decade // 1000)} s"
    return f"{'≤ ' if decade == math.log10(FASTEST) else ''}{plain(10.0**decade)} ms"
