"""The page of a colosseum: one HTML file with its tables, its pictures and a game of every pairing to watch.

Made with the style and the replay of the night's report. Every value is escaped. The games are compressed, for there
may be hundreds; the page's script unpacks the one that is looked at.
"""

import base64
import gzip
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from cornerman.colosseum import story
from cornerman.colosseum.charts import bands, speed_chart
from cornerman.colosseum.games import Fought
from cornerman.colosseum.show import rate, seat_names, skill
from cornerman.colosseum.standings import Pairing, Standings
from cornerman.format import number, percent, plain
from cornerman.report.stage import staged
from cornerman.report.templates import environment
from cornerman.report.view import Cell
from cornerman.result import as_json
from cornerman.terminal import clean
from episodes.game import Game
from episodes.store.store import Store

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent
REPORT = HERE.parent / "report"
MOST_GAMES = 200
"""Games on one page; past that the pairings of the best players have theirs."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """What was held: enough to hold it again."""

    id: str
    game: str
    clock: str
    system: str
    seed: int


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One game to watch: what the list calls it, and the replay as compressed JSON."""

    label: str
    packed: str


def render(occasion: Occasion, found: Standings, shown: Sequence[Exhibit], *, voided: int) -> str:
    """The page as text."""
    from markupsafe import Markup

    css = Markup((REPORT / "page.css").read_text(encoding="utf-8") + (HERE / "page.css").read_text(encoding="utf-8"))
    js = Markup((REPORT / "page.js").read_text(encoding="utf-8") + (HERE / "page.js").read_text(encoding="utf-8"))
    return (
        _environment()
        .get_template("colosseum.html")
        .render(
            occasion=occasion,
            found=found,
            title=story.headline(found),
            story=story.story(found, game=occasion.game, clock=occasion.clock, system=occasion.system, voided=voided),
            bands=bands(found.rows, bool(found.forfeits)),
            matrix=matrix(found),
            speed=speed_chart(found.rows),
            seat_names=seat_names(found.seats),
            shown=shown,
            rate=rate,
            skill=skill,
            css=css,
            js=js,
        )
    )


def matrix(found: Standings) -> tuple[tuple[str, tuple[Cell, ...]], ...]:
    """Everybody's share of the points against everybody, the best first; empty cells where they did not meet."""
    by_pair: dict[tuple[str, str], Pairing] = {(one.a, one.b): one for one in found.pairings}

    def cell(row: str, column: str) -> Cell:
        for key, flipped in (((row, column), False), ((column, row), True)):
            if key in by_pair:
                one = by_pair[key]
                share = 1 - one.score if flipped else one.score
                return Cell(percent(share), share, number(one.games))
        return Cell("", None, "")

    names = [row.player for row in found.rows]
    return tuple((name, tuple(cell(name, other) for other in names)) for name in names)


def exhibits(store: Store, game: Game, games: Sequence[Fought], found: Standings) -> list[Exhibit]:
    """A game for every pairing, of middling length and played out where there is one; of one seat, for every player."""
    wanted: list[tuple[str, ...]] = [(pairing.a, pairing.b) for pairing in found.pairings]
    if found.seats == 1:
        wanted = [(row.player,) for row in found.rows]
    chosen: dict[str, Fought] = {}
    for names in wanted:
        own = [one for one in games if {seat.player for seat in one.seats}.issuperset(names)]
        middle = statistics.median(one.ticks for one in own)
        best = min(own, key=lambda one: (one.forfeited, abs(one.ticks - middle), one.id))
        chosen.setdefault(best.id, best)
    return [_exhibit(store, game, one) for one in list(chosen.values())[:MOST_GAMES]]


def _exhibit(store: Store, game: Game, fought: Fought) -> Exhibit:
    record = store.episode(fought.id)
    players = tuple(seat.player for seat in fought.seats)
    label = ", ".join(f"{seat.player} {plain(seat.score)}" for seat in fought.seats)
    replay = staged(game, record, tuple(map(clean, players)), "")
    data = {**as_json(replay), "title": f"Game {fought.id}, ended by {fought.ended_by}."}
    packed = gzip.compress(json.dumps(data, ensure_ascii=False).encode(), mtime=0)
    return Exhibit(label, base64.b64encode(packed).decode())


@cache
def _environment() -> "Environment":
    return environment(HERE, REPORT)
