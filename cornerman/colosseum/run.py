"""Playing a colosseum: which tables meet on which seeds, and what became of each.

A table is the players of a game. Of two it is a pair: both sides of one seed. Of more it is played in all its
rotations, so that everybody has every seat. In a game of one seat everybody plays the same seeds alone. Every episode's
id follows from what it is, so the same command plays nothing twice; adding a player or pairs plays only what is new.
"""

import hashlib
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cornerman.colosseum.entrants import Entrant
from cornerman.colosseum.roster import System
from cornerman.faults import Fault
from cornerman.night.steps import Steps, digest
from cornerman.typed_json import from_json
from episodes.clock import Clock
from episodes.game import Game
from episodes.pairs import Setting, play_matches, scope_with
from episodes.play import Match
from episodes.record import Purpose
from episodes.store.runs import Runs
from episodes.store.store import Store
from models.errors import BadInput, BudgetExhausted, Void
from optimize.seeds import Seeds
from optimize.stats.plackett import MOST_TIED
from optimize.tournament import (
    SwissRound,
    SwissTable,
    draw_tables,
    drawn_order,
    round_robin,
    seatings,
    swiss_round,
)

PURPOSE: Purpose = "colosseum"
PAIRS = 4
"""Pairs a meeting, unless something else is said."""
DRAWN = "drawn once"
"""The input of a round among the steps, where no more shapes it."""


@dataclass(frozen=True, slots=True)
class Tournament:
    """Everything that decides who plays whom. ``pairs`` are seeds a meeting; ``rounds`` is for Swiss only."""

    game: Game
    clock: Clock
    entrants: Mapping[str, Entrant]
    system: System = "round-robin"
    pairs: int = PAIRS
    rounds: int = 0
    seed: int = 1
    concurrency: int = 0

    @property
    def names(self) -> list[str]:
        """In an order that does not depend on the file's."""
        return sorted(self.entrants)

    @property
    def id(self) -> str:
        """Of the tournament, however many pairs and rounds it has."""
        return self._id(lambda one: one.settings)

    def _id(self, settings: Callable[[Entrant], str]) -> str:
        entrants = [self.entrants[name] for name in self.names]
        players = [[one.name, settings(one), one.model, one.prompt_id] for one in entrants]
        return digest([self.game.name, str(self.clock), self.system, self.seed, players])

    @property
    def run_id(self) -> str:
        """Of its row among the runs of the store."""
        return f"colosseum-{self.id}"

    @property
    def former_run_id(self) -> str:
        """Under which the first colosseums kept their rounds."""
        return f"colosseum-{self._id(lambda one: one.former_settings)}"

    def check(self) -> None:
        """Raise ``BadInput`` for a tournament that this game cannot have."""
        seats, players = self.game.seats, len(self.entrants)
        if players < seats:
            raise BadInput(f"{self.game.name} has {seats} seats and the file {players} players: add {seats - players}")
        if seats > MOST_TIED:
            raise BadInput(f"{self.game.name} has {seats} seats, and games of more than {MOST_TIED} cannot be rated")
        if self.system == "swiss" and seats != 2:
            raise BadInput(f"swiss pairs two players and {self.game.name} has {seats} seats: leave the system out")


def swiss_rounds(players: int) -> int:
    """Rounds that find the best and separate the rest, and no more than nobody meeting twice allows."""
    return min(math.ceil(math.log2(players)) + 2, players - 1 + players % 2)


@dataclass(frozen=True, slots=True)
class Sitting:
    """One table on one seed: its matches, one for each rotation."""

    table: tuple[str, ...]
    seed: int
    matches: tuple[Match, ...]


@dataclass(slots=True)
class Played:
    """What became of a tournament. ``points`` are the seats' scores by episode; a fault voids its whole sitting."""

    sittings: list[Sitting] = field(default_factory=list)
    scores: dict[str, tuple[float, ...]] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)
    stopped: str = ""
    """Why it ended before its end: the budget."""

    def whole(self) -> list[Sitting]:
        """The sittings that count."""
        return [one for one in self.sittings if all(match.id in self.scores for match in one.matches)]

    @property
    def voided(self) -> int:
        return sum(any(match.id in self.faults for match in one.matches) for one in self.sittings)


class Watcher(Protocol):
    """Who is told while it plays."""

    def begin(self, sittings: Sequence[Sitting]) -> None:
        """These are to be played now."""

    def done(self, sitting: Sitting, scores: list[tuple[float, ...]] | None) -> None:
        """The seats' scores in each of a sitting's matches; ``None`` where a fault voided it."""


async def play_tournament(tournament: Tournament, store: Store, watcher: Watcher) -> Played:
    """Play what the store does not hold yet. An exhausted budget ends it early; it is not raised."""
    tournament.check()
    played = Played()
    setting = Setting(tournament.game, tournament.clock, PURPOSE, store, concurrency=tournament.concurrency)
    try:
        async for sittings in _waves(tournament, store, played):
            played.sittings += sittings
            watcher.begin(sittings)
            await _play(sittings, setting, played, watcher)
    except BudgetExhausted as spent:
        played.stopped = str(spent)
    return played


async def _play(sittings: Sequence[Sitting], setting: Setting, played: Played, watcher: Watcher) -> None:
    of_match = {match.id: sitting for sitting in sittings for match in sitting.matches}
    open_matches = Counter({id(sitting): len(sitting.matches) for sitting in sittings})

    def on_result(match: Match, outcome: tuple[float, ...] | Void) -> None:
        if isinstance(outcome, Void):
            played.faults[match.id] = Fault.of(outcome)
        else:
            played.scores[match.id] = outcome
        sitting = of_match[match.id]
        open_matches[id(sitting)] -= 1
        if not open_matches[id(sitting)]:
            scores = [played.scores[one.id] for one in sitting.matches if one.id in played.scores]
            watcher.done(sitting, scores if len(scores) == len(sitting.matches) else None)

    matches = (match for sitting in sittings for match in sitting.matches)
    await play_matches(matches, setting.sink, concurrency=setting.width, on_result=on_result)


async def _waves(tournament: Tournament, store: Store, played: Played) -> AsyncIterator[list[Sitting]]:
    """All sittings, in waves of which each may depend on how those before it ended."""
    names, seats = tournament.names, tournament.game.seats
    if tournament.system == "swiss":
        async for wave in _rounds(tournament, store, played):
            yield wave
        return
    if seats > 2:
        drawn = draw_tables(names, seats, tournament.pairs, tournament.seed)
    else:
        meetings = round_robin(names) if seats == 2 else [(name,) for name in names]
        drawn = [list(meetings)] * tournament.pairs
    yield [
        sitting(tournament, one, seed, store.lacks_identities)
        for seed, tables in zip(Seeds(_root(tournament), "colosseum").take(0, tournament.pairs), drawn, strict=True)
        for one in tables
    ]


async def _rounds(tournament: Tournament, store: Store, played: Played) -> AsyncIterator[list[Sitting]]:
    table = SwissTable(dict.fromkeys(drawn_order(tournament.names, tournament.seed), 0.0))
    before = _drawn_before(tournament, store)
    for number in range(1, tournament.rounds + 1):
        known = number <= len(before)
        drawn = before[number - 1] if known else await _drawn(tournament, store, number, table)
        wave = _wave(tournament, store, number, drawn)
        yield wave
        table = _after(table, drawn, wave, played)


async def _drawn(tournament: Tournament, store: Store, number: int, table: SwissTable) -> SwissRound:
    """A round, drawn once: a game that was void and counts today must not change who met whom.

    What answers behind the names shapes the results before the round, so other models draw anew.
    """

    async def draw() -> SwissRound:
        drawn = swiss_round(table)
        return SwissRound(tuple((min(pairing), max(pairing)) for pairing in drawn.pairings), drawn.bye)

    said = [tournament.entrants[name].identity for name in tournament.names]
    inputs = [DRAWN, *said] if any(said) else DRAWN
    return await Steps(store, tournament.run_id).run(f"round {number}", inputs, SwissRound, draw)


def _drawn_before(tournament: Tournament, store: Store) -> list[SwissRound]:
    """The rounds that were drawn before it was kept what answers behind a name; none where their games are not there.

    They stand as their games do, also where a game counts today that was void then.
    """
    runs, rounds = Runs(store), list[SwissRound]()
    for number in range(1, tournament.rounds + 1):
        row = runs.step(tournament.former_run_id, f"round {number}")
        if row is None or row.result is None or row.input_hash != digest(DRAWN):
            break
        rounds.append(from_json(SwissRound, row.result))
    games = (
        match.id
        for number, drawn in enumerate(rounds, 1)
        for one in _wave(tournament, store, number, drawn)
        for match in one.matches
        # Games of players whose names say everything tell nothing of when they were played.
        if any(tournament.entrants[name].identity for name in one.table)
    )
    return rounds if any(map(store.lacks_identities, games)) else []


def _wave(tournament: Tournament, store: Store, number: int, drawn: SwissRound) -> list[Sitting]:
    """The sittings of a round."""
    seeds = Seeds(_root(tournament), f"round {number}").take(0, tournament.pairs)
    return [sitting(tournament, pairing, seed, store.lacks_identities) for seed in seeds for pairing in drawn.pairings]


def _root(tournament: Tournament) -> str:
    """What the seeds derive from."""
    return f"colosseum {tournament.seed}"


def _after(table: SwissTable, drawn: SwissRound, wave: Sequence[Sitting], played: Played) -> SwissTable:
    """The standings after a round: the mean pair score of each meeting, and a whole point for who sat out."""
    points, met, byes = dict(table.points), Counter(table.met), Counter(table.byes)
    met.update(frozenset(pairing) for pairing in drawn.pairings)
    if drawn.bye is not None:
        points[drawn.bye] += 1
        byes[drawn.bye] += 1
    whole = {one.matches[0].id for one in played.whole()}
    for a, b in drawn.pairings:
        mine = [one for one in wave if one.table == (a, b) and one.matches[0].id in whole]
        for one in mine:
            first, second = (played.scores[match.id] for match in one.matches)
            share = (first[0] + second[1]) / 2
            points[a] += share / len(mine)
            points[b] += (1 - share) / len(mine)
    return SwissTable(points, met, byes)


def sitting(
    tournament: Tournament, table: tuple[str, ...], seed: int, predates: Callable[[str], bool] = lambda episode: False
) -> Sitting:
    """A table on a seed with its matches. The players' settings, and what shapes their answers, are part of the
    episodes' ids, their order is not.

    ``predates`` tells of a stored episode whether it is of before it was kept what shapes answers: then it counts as
    one of the same players.
    """
    entrants = [tournament.entrants[name] for name in table]
    former = _sitting(tournament, table, seed, f"colosseum {digest([one.former_settings for one in entrants])}")
    if any(predates(match.id) for match in former.matches):
        return former
    settings = f"colosseum {digest([one.settings for one in entrants])}"
    return _sitting(tournament, table, seed, scope_with(settings, *entrants))


def _sitting(tournament: Tournament, table: tuple[str, ...], seed: int, scope: str) -> Sitting:
    entrants = tournament.entrants
    # Who plays alone is compared with everybody on that seed.
    names = [f"{name} {entrants[name].model} {entrants[name].prompt_id}" for name in table] if len(table) > 1 else []
    group = [tournament.game.name, str(tournament.clock), str(seed), scope if names else "", *names]
    pair_id = hashlib.blake2b("\n".join(group).encode(), digest_size=8).hexdigest()
    matches = (
        Match(
            game=tournament.game,
            players=tuple(entrants[name] for name in seated),
            seed=seed,
            clock=tournament.clock,
            purpose=PURPOSE,
            scope=scope,
            pair_id=pair_id,
            swapped=shift > 0,
        )
        for shift, seated in enumerate(seatings(table))
    )
    return Sitting(table, seed, tuple(matches))
