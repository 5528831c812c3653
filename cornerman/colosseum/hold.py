"""Holding a colosseum from its file to its result: one call for the command line and for tests."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cornerman.colosseum.entrants import Entrants
from cornerman.colosseum.games import Fought, fought
from cornerman.colosseum.page import Occasion, exhibits, render
from cornerman.colosseum.roster import Entry, Plan
from cornerman.colosseum.run import PAIRS, Played, Tournament, play_tournament, swiss_rounds
from cornerman.colosseum.show import Board
from cornerman.colosseum.standings import Standings, standings
from cornerman.workplace import Workplace
from episodes.clock import Clock
from models.errors import BadInput
from models.files import write_whole

FAULTS = 3
"""Different faults that are told."""


async def hold(
    place: Workplace, entries: Sequence[Entry], plan: Plan, *, page: Path, openskill: bool = False
) -> tuple[Standings, dict[str, Any]]:
    """Play the tournament and write its page; the dictionary is what ``cornerman colosseum --json`` prints."""
    started = time.perf_counter()
    if not page.parent.is_dir():
        raise BadInput(f"the page {page} cannot be written: there is no folder {page.parent}")
    opened = Entrants(place)
    try:
        tournament = _tournament(place, opened, entries, plan)
        with Board(tournament.entrants, place.game.seats) as board:
            played = await play_tournament(tournament, place.store, board)
    finally:
        await opened.close()
    games = fought(place.store, [match.id for one in played.whole() for match in one.matches])
    found = standings(games, openskill=openskill)
    occasion = Occasion(tournament.id, place.game.name, str(tournament.clock), tournament.system, tournament.seed)
    if games:
        shown = exhibits(place.store, place.game, games, found)
        write_whole(page, render(occasion, found, shown, voided=played.voided))
    return found, {
        **_occasion(tournament, played),
        **found.as_dict(),
        **_totals(games),
        "seconds": time.perf_counter() - started,
        "page": str(page) if games else None,
    }


def _tournament(place: Workplace, opened: Entrants, entries: Sequence[Entry], plan: Plan) -> Tournament:
    entrants = {entrant.name: entrant for entrant in opened.open(entries)}
    system = plan.system or "round-robin"
    if plan.rounds is not None and system != "swiss":
        raise BadInput("rounds are for swiss: set system to swiss, or leave them out")
    tournament = Tournament(
        game=place.game,
        clock=Clock.parse(plan.clock or "paused"),
        entrants=entrants,
        system=system,
        pairs=plan.pairs or PAIRS,
        rounds=plan.rounds or swiss_rounds(len(entrants)) if system == "swiss" else 0,
        seed=1 if plan.seed is None else plan.seed,
        concurrency=1 if any(entry.player == "human" for entry in entries) else 0,
    )
    tournament.check()
    return tournament


def _occasion(tournament: Tournament, played: Played) -> dict[str, Any]:
    present = {name for one in played.whole() for name in one.table}
    return {
        "colosseum": tournament.id,
        "status": "stopped" if played.stopped else "done",
        "stopped": played.stopped or None,
        "game": tournament.game.name,
        "clock": str(tournament.clock),
        "system": tournament.system,
        "seed": tournament.seed,
        "sittings": len(played.whole()),
        "voided": played.voided,
        "faults": list(dict.fromkeys(played.faults.values()))[:FAULTS],
        "absent": [name for name in tournament.names if name not in present],
    }


def _totals(games: Sequence[Fought]) -> dict[str, Any]:
    seats = [seat for game in games for seat in game.seats]
    return {
        "turns": sum(seat.turns for seat in seats),
        "faulted": sum(seat.faults for seat in seats),
        "tokens": sum(seat.tokens for seat in seats),
        "cost_usd": sum(seat.cost_usd for seat in seats),
    }
