"""A colosseum on the terminal: a table that changes while it plays, and the tables at its end."""

import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from cornerman.colosseum.entrants import Entrant
from cornerman.colosseum.run import Sitting
from cornerman.colosseum.standings import Elo, Standing, Standings, decision_time
from cornerman.terminal import clean, console, note, say, table
from optimize.stats.plackett import Ranking, rate_rankings
from optimize.stats.ratings import Rating

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
        self._ratings: list[Rating] = []
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
                note(f"{self._finished} of {self._planned} {self._unit}{void}")
        elif time.monotonic() > self._drawn + 1 / REFRESH:
            self._live.update(self._table())
            self._drawn = time.monotonic()

    @property
    def _unit(self) -> str:
        return {1: "games", 2: "pairs"}.get(self._seats, "tables")

    def _table(self) -> "Table":
        from rich.table import Table
        from rich.text import Text

        elo = {row.player: row.elo for row in rate_rankings(self._rankings, samples=0)}
        void = f", {self._voided} void" if self._voided else ""
        drawn = Table(box=None, pad_edge=False, title=Text(f"{self._finished} of {self._planned} {self._unit}{void}"))
        for column in ("player", "games", "points", "Elo", "a decision", ""):
            drawn.add_column(column, justify="left" if column in ("player", "") else "right")
        for name in sorted(self._results, key=lambda name: (-elo.get(name, 0.0), -_mean(self._results[name]), name)):
            results, entrant = self._results[name], self._entrants[name]
            cells = (
                name,
                str(len(results)),
                f"{_mean(results):.1%}" if results else "",
                f"{elo[name]:+.0f}" if name in elo else "",
                decision_time(1000 * statistics.median(entrant.latencies) if entrant.latencies else None),
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
    columns = ["", "player", "Elo", "95 %", *(["played out"] if forfeits else []), *(["openskill"] if skilled else [])]
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
        table(columns, [(p.a, p.b, p.games, p.wins, p.draws, p.losses, f"{p.score:.1%}") for p in found.pairings])


def _strength(n: int, row: Standing, forfeits: bool, skilled: bool) -> list[object]:
    cells: list[object] = [n, row.player, f"{row.rating.elo:+.0f}", between(row.rating)]
    if forfeits:
        cells.append(f"{row.without_forfeits.elo:+.0f}" if row.without_forfeits else "")
    if skilled:
        cells.append("{:.1f} ± {:.1f}".format(*row.openskill) if row.openskill else "")
    cells += [row.games, row.wins, row.draws, row.losses, f"{row.score:.1%}"]
    return cells + ["" if share is None else f"{share:.1%}" for share in _by_seat(row)]


def _by_seat(row: Standing) -> tuple[float | None, ...]:
    return row.seats if len(row.seats) > 1 else ()


def seat_names(seats: int) -> list[str]:
    """What the columns of a player's share of the points by seat are called."""
    if seats < 2:
        return []
    return ["first", "second", *(f"seat {n}" for n in range(3, seats + 1))]


def between(rating: Elo) -> str:
    """An interval, e.g. ``[-120, +35]``."""
    return f"[{rating.low:+.0f}, {rating.high:+.0f}]"


def _conduct(row: Standing) -> dict[str, str]:
    rates = (row.illegal, row.unreadable, row.refused, row.timeouts)
    cells = (row.player, decision_time(row.latency_ms), f"{row.moves:.1f}", f"{row.decisions:.1f}", *map(rate, rates))
    cells += (str(row.forfeits or ""), f"{row.tokens:,.0f}", f"{row.cost_usd:.4f}")
    return dict(zip(CONDUCT, cells, strict=True))


def rate(value: float) -> str:
    """A share of decisions; none at all stays empty, so that what there is stands out."""
    return f"{value:.1%}" if value else ""
