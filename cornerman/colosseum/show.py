"""A colosseum on the terminal: a table that changes while it plays, and the tables at its end."""

import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from cornerman.colosseum.entrants import Entrant
from cornerman.colosseum.run import Sitting
from cornerman.colosseum.standings import Skill, Standing, Standings
from cornerman.format import count, elo_interval, fixed, milliseconds, number, percent, usd
from cornerman.format import elo as elo_text
from cornerman.terminal import clean, console, note, say, table
from optimize.stats.plackett import Ranking, rate_rankings

if TYPE_CHECKING:
    from rich.table import Table

REFRESH = 4.0
"""Drawings a second, at most."""
CONDUCT = (
    "player",
    "a decision",
    "moves",
    "decisions",
    "illegal",
    "unreadable",
    "empty",
    "truncated",
    "refused",
    "late",
    "forfeits",
    "tokens",
    "US$ a game",
)
"""The columns of what each player did."""
LINES = 10
"""Lines in all where there is no terminal to draw a table on."""


class Board:
    """A ``Watcher``: on a terminal the standings as they are, elsewhere a line now and then. All on standard error."""

    def __init__(self, entrants: Mapping[str, Entrant], seats: int) -> None:
        from rich.live import Live

        self._entrants = entrants
        self._seats = seats
        self._rankings: list[Ranking] = []
        self._results: dict[str, list[float]] = {name: [] for name in entrants}
        self._planned = self._finished = self._voided = 0
        self._drawn = 0.0
        # A person at this terminal needs it to play.
        drawn = sys.stderr.isatty() and not any(entrant.player.name == "human" for entrant in entrants.values())
        self._live = Live(console=console(), refresh_per_second=REFRESH) if drawn else None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.update(self._table())
            self._live.stop()

    def begin(self, sittings: Sequence[Sitting]) -> None:
        self._planned += len(sittings)
        self._draw()

    def done(self, sitting: Sitting, scores: list[tuple[float, ...]] | None) -> None:
        self._finished += 1
        self._voided += scores is None
        for match, found in zip(sitting.matches, scores or [], strict=False):
            names = [player.name for player in match.players]
            for name, score in zip(names, found, strict=True):
                self._results[name].append(score)
            if len(names) > 1:
                self._rankings.append(Ranking.of(list(zip(names, found, strict=True))))
        self._draw()

    def _draw(self) -> None:
        if self._live is None:
            if self._finished and self._finished % max(1, self._planned // LINES) == 0:
                void = f", {self._voided} of them void" if self._voided else ""
                note(f"{self._done}{void}")
        elif time.monotonic() > self._drawn + 1 / REFRESH:
            self._live.update(self._table())
            self._drawn = time.monotonic()

    @property
    def _done(self) -> str:
        unit = {1: "game", 2: "pair"}.get(self._seats, "table")
        return f"{number(self._finished)} of {count(self._planned, unit)}"

    def _table(self) -> "Table":
        from rich.table import Table
        from rich.text import Text

        elo = {row.player: row.elo for row in rate_rankings(self._rankings, samples=0)}
        void = f", {self._voided} void" if self._voided else ""
        drawn = Table(box=None, pad_edge=False, title=Text(f"{self._done}{void}"))
        for column in ("player", "games", "points", "Elo", "a decision", ""):
            drawn.add_column(column, justify="left" if column in ("player", "") else "right")
        for name in sorted(self._results, key=lambda name: (-elo.get(name, 0.0), -_mean(self._results[name]), name)):
            results, entrant = self._results[name], self._entrants[name]
            cells = (
                name,
                str(len(results)),
                percent(_mean(results), 1) if results else "",
                elo_text(elo[name]) if name in elo else "",
                milliseconds(1000 * statistics.median(entrant.latencies) if entrant.latencies else None),
                entrant.last_fault if entrant.faults else "",
            )
            drawn.add_row(*(Text(clean(cell)) for cell in cells))
        return drawn


def _mean(values: Sequence[float]) -> float:
    return statistics.fmean(values) if values else 0.0


def show_standings(found: Standings) -> None:
    """The tables for people, on standard output: ratings and points, then what each player did, then who beat whom."""
    forfeits = bool(found.forfeits)
    skilled = any(row.openskill for row in found.rows)
    columns = ["", "player", "Elo", "95%", *(["played out"] if forfeits else []), *(["openskill"] if skilled else [])]
    columns += ["games", "W", "D", "L", "points", *seat_names(found.seats)]
    table(columns, [_strength(n, row, forfeits, skilled) for n, row in enumerate(found.rows, 1)])
    say("")
    rows = [_conduct(row) for row in found.rows]
    # What nobody did needs no column.
    columns = [column for column in CONDUCT if any(row[column] for row in rows)]
    table(columns, [[row[column] for column in columns] for row in rows])
    if len(found.pairings) > 1:
        say("")
        columns = ["player", "against", "games", "W", "D", "L", "points"]
        table(columns, [(p.a, p.b, p.games, p.wins, p.draws, p.losses, percent(p.score, 1)) for p in found.pairings])


def _strength(n: int, row: Standing, forfeits: bool, skilled: bool) -> list[object]:
    cells: list[object] = [
        n,
        row.player,
        elo_text(row.rating.elo),
        elo_interval(row.rating.elo_low, row.rating.elo_high),
    ]
    if forfeits:
        cells.append(elo_text(row.without_forfeits.elo) if row.without_forfeits else "")
    if skilled:
        cells.append(skill(row.openskill) if row.openskill else "")
    cells += [row.games, row.wins, row.draws, row.losses, percent(row.score, 1)]
    return cells + [percent(share, 1) for share in _by_seat(row)]


def _by_seat(row: Standing) -> tuple[float | None, ...]:
    return row.seats if len(row.seats) > 1 else ()


def seat_names(seats: int) -> list[str]:
    """What the columns of a player's share of the points by seat are called."""
    if seats < 2:
        return []
    return ["first", "second", *(f"seat {n}" for n in range(3, seats + 1))]


def skill(found: Skill) -> str:
    """openskill's mean and standard deviation, e.g. ``25.0 ± 8.3``."""
    return f"{fixed(found.mu, 1)} ± {fixed(found.sigma, 1)}"


def _conduct(row: Standing) -> dict[str, str]:
    rates = (row.illegal, row.unparsable, row.empty, row.truncated, row.refused, row.timeouts)
    cells = (row.player, milliseconds(row.latency_ms), fixed(row.moves, 1), fixed(row.decisions, 1), *map(rate, rates))
    cells += (str(row.forfeits or ""), number(row.tokens), usd(row.cost_usd))
    return dict(zip(CONDUCT, cells, strict=True))


def rate(value: float) -> str:
    """A share of decisions; none at all stays empty, so that what there is stands out."""
    return percent(value, 1) if value else ""
