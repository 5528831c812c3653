"""Holding a colosseum from its file to its result: one call for the command line and for tests."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cornerman.colosseum.entrants import Entrants
from cornerman.colosseum.games import fought
from cornerman.colosseum.page import Occasion, exhibits, render
from cornerman.colosseum.roster import Entry, Plan, System
from cornerman.colosseum.run import PAIRS, Tournament, play_tournament, swiss_rounds
from cornerman.colosseum.show import Board
from cornerman.colosseum.standings import Standings, standings
from cornerman.config import Config
from cornerman.faults import Fault
from cornerman.losing import Answers, answers
from cornerman.result import FLAT, TEXT, Result
from cornerman.workplace import Workplace
from episodes.clock import Clock
from episodes.store.lost import Lost
from episodes.store.runs import Run, Runs, now
from models.errors import BadInput
from models.files import write_whole

FAULTS = 3
"""Different faults that are told."""


@dataclass(frozen=True, slots=True)
class ColosseumResult(Result):
    """What ``cornerman colosseum --json`` prints.

    ``sittings`` count, ``voided`` ones were lost to ``faults`` (the first different ones); ``absent`` are players
    without a game that counts. ``turns``, ``tokens`` and dollars are those of all games that count, ``faulted`` of the
    turns were lost to faults of players' own code, ``seconds`` is the time of this run. ``stopped`` says why it ended
    before its end, if it did; without a game there is no ``page``. ``answers`` says what each player is held to and
    which decisions it lost.
    """

    colosseum: str
    stopped: str | None
    game: str
    clock: str
    system: System
    seed: int
    sittings: int
    voided: int
    faults: tuple[Fault, ...] = field(metadata=TEXT)
    absent: tuple[str, ...]
    standings: Standings = field(metadata=FLAT)
    turns: int
    faulted: int
    tokens: int
    cost_usd: float
    seconds: float
    page: Path | None
    answers: Mapping[str, Answers]

    @property
    def status(self) -> Literal["done", "stopped"]:
        return "stopped" if self.stopped else "done"


async def hold(
    place: Workplace, entries: Sequence[Entry], plan: Plan, *, page: Path, openskill: bool = False
) -> ColosseumResult:
    """Play the tournament and write its page."""
    started = time.perf_counter()
    if not page.parent.is_dir():
        raise BadInput(f"the page {page} cannot be written: there is no folder {page.parent}")
    opened = Entrants(place)
    try:
        tournament = _tournament(place, opened, entries, plan)
        runs = Runs(place.store)
        runs.begin_again(_run_of(tournament, place.config, runs))
        with Board(tournament.entrants, place.game.seats) as board:
            played = await play_tournament(tournament, place.store, board)
        runs.end(tournament.run_id, "stopped" if played.stopped else "done", played.stopped or None)
    finally:
        await opened.close()
    games = fought(place.store, [match.id for one in played.whole() for match in one.matches])
    found = standings(games, openskill=openskill)
    occasion = Occasion(tournament.id, place.game.name, str(tournament.clock), tournament.system, tournament.seed)
    if games:
        shown = exhibits(place.store, place.game, games, found)
        write_whole(page, render(occasion, found, shown, voided=played.voided))
    present = {name for one in played.whole() for name in one.table}
    seats = [seat for one in games for seat in one.seats]
    return ColosseumResult(
        colosseum=tournament.id,
        stopped=played.stopped or None,
        game=tournament.game.name,
        clock=str(tournament.clock),
        system=tournament.system,
        seed=tournament.seed,
        sittings=len(played.whole()),
        voided=played.voided,
        faults=tuple(dict.fromkeys(played.faults.values()))[:FAULTS],
        absent=tuple(name for name in tournament.names if name not in present),
        standings=found,
        turns=sum(seat.turns for seat in seats),
        faulted=sum(seat.faults for seat in seats),
        tokens=sum(seat.tokens for seat in seats),
        cost_usd=sum(seat.cost_usd for seat in seats),
        seconds=time.perf_counter() - started,
        page=page if games else None,
        answers={
            name: answers(one.player, place.game, sum((seat.lost for seat in seats if seat.player == name), Lost()))
            for name, one in tournament.entrants.items()
            if name in present
        },
    )


def _run_of(tournament: Tournament, config: Config, runs: Runs) -> Run:
    """The tournament as a run. Its id says who plays what on which clock; how much of it may change."""
    return Run(
        id=tournament.run_id,
        kind="colosseum",
        number=len(runs.all("colosseum")) + 1,
        started=now(),
        status="running",
        config=config.model_dump_json(),
        game=tournament.game.name,
        seed=tournament.seed,
    )


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
