"""The games of a colosseum as the store has them: who sat where, how it ended, what each seat did.

Knows nothing about ratings.
"""

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cornerman.colosseum.run import PURPOSE
from episodes.store.store import Store

FORFEITS = ("forfeit", "flag")
"""How a game ends that was not played out: no acceptable move, or no time left."""


@dataclass(frozen=True, slots=True)
class Seated:
    """One seat of a finished game. ``moves`` took effect: in real time those that were started, otherwise the legal
    ones. ``result`` is the final return."""

    player: str
    model: str
    prompt_id: str | None
    score: float
    result: float
    moves: int
    turns: int
    illegal: int
    unreadable: int
    refused: int
    timeouts: int
    tokens: int
    cost_usd: float
    latencies: tuple[float, ...]
    """Milliseconds of each decision."""
    faults: int = 0
    """Decisions lost to faults of the player's own code."""


@dataclass(frozen=True, slots=True)
class Fought:
    """One finished game. Games of one ``group`` are one table in all its seatings or, of one seat, one seed."""

    id: str
    group: str
    ticks: int
    ended_by: str
    seats: tuple[Seated, ...]

    @property
    def forfeited(self) -> bool:
        return self.ended_by in FORFEITS


@dataclass(frozen=True, slots=True)
class Meeting:
    """How two players did against each other in one game, or on one seed: ``score`` is 1, 1/2 or 0, A's share."""

    a: str
    b: str
    score: float
    group: str
    game: str


_EPISODES = """
select e.id, e.pair_id, e.ticks, e.ended_by from episodes e
where e.id in (select value from json_each(?)) order by e.pair_id, e.id
"""
_SEATS = """
select s.episode_id, s.seat, s.player, s.model, s.prompt_id, s.score, s.result, s.turns, s.illegal, s.unreadable,
    s.refused, s.timeouts, s.faults, s.tokens_in + s.tokens_out as tokens, s.cost_usd,
    (select json_group_array(t.latency_ms) from turns t where t.episode_id = s.episode_id and t.seat = s.seat)
        as latencies,
    (select count(*) from turns t where t.episode_id = s.episode_id and t.seat = s.seat and t.legal) as legal,
    (select count(*) from inputs i where i.episode_id = s.episode_id and i.seat = s.seat and i.fate = 'played')
        as started,
    exists (select 1 from inputs i where i.episode_id = s.episode_id) as real_time
from seats s where s.episode_id in (select value from json_each(?)) order by s.episode_id, s.seat
"""
_COUNTED = ("turns", "illegal", "unreadable", "refused", "timeouts", "faults", "tokens")


def fought(store: Store, ids: Iterable[str]) -> list[Fought]:
    """The games of these ids, in an order that depends on nothing but the ids."""
    wanted = json.dumps(list(ids))
    seats: dict[str, list[Seated]] = {}
    for row in store.db.query(_SEATS, [wanted]):
        seats.setdefault(row["episode_id"], []).append(_seated(row))
    return [
        Fought(row["id"], row["pair_id"], row["ticks"], row["ended_by"], tuple(seats[row["id"]]))
        for row in store.db.query(_EPISODES, [wanted])
    ]


def _seated(row: dict[str, Any]) -> Seated:
    return Seated(
        player=row["player"],
        model=row["model"],
        prompt_id=row["prompt_id"],
        score=row["score"],
        result=row["result"],
        moves=row["started"] if row["real_time"] else row["legal"],
        cost_usd=row["cost_usd"],
        latencies=tuple(json.loads(row["latencies"])),
        **{column: row[column] for column in _COUNTED},
    )


@dataclass(frozen=True, slots=True)
class Venue:
    """A game under a clock in which colosseums were held."""

    game: str
    clock: str
    ids: tuple[str, ...]
    """Of the episodes of whole groups."""


def venues(store: Store, game: str | None = None, clock: str | None = None) -> list[Venue]:
    """Every game and clock with colosseum games in the store, those played last first."""
    rows = store.db.query(
        "select e.game, e.clock, e.pair_id, e.id, (select count(*) from seats s where s.episode_id = e.id) as seats "
        "from episodes e where e.purpose = ? and e.pair_id is not null and e.game = ifnull(?, e.game) "
        "and e.clock = ifnull(?, e.clock) order by e.started desc, e.id",
        [PURPOSE, game, clock],
    )
    groups: dict[tuple[str, str], dict[str, list[str]]] = {}
    seats: dict[tuple[str, str], int] = {}
    for row in rows:
        key = (row["game"], row["clock"])
        seats[key] = row["seats"]
        groups.setdefault(key, {}).setdefault(row["pair_id"], []).append(row["id"])
    return [
        Venue(*key, tuple(one for ids in found.values() if len(ids) >= seats[key] for one in ids))
        for key, found in groups.items()
    ]


def meetings(games: Sequence[Fought]) -> Iterator[Meeting]:
    """Every two players of every game; of one seat, every two players of a seed, by their returns."""
    alone = [game for game in games if len(game.seats) == 1]
    for game in games:
        for (_, a), (_, b) in itertools.combinations(enumerate(game.seats), 2):
            yield Meeting(a.player, b.player, _ahead(game, a, b), game.group, game.id)
    for group, members in itertools.groupby(sorted(alone, key=lambda game: game.group), key=lambda game: game.group):
        # Of a player who played a seed more than once (under settings changed since) one game counts.
        once = {game.seats[0].player: game for game in members}
        for one, two in itertools.combinations(once.values(), 2):
            a, b = one.seats[0], two.seats[0]
            if a.player != b.player:
                yield Meeting(a.player, b.player, _share(a.result, b.result), group, one.id)


def _ahead(game: Fought, a: Seated, b: Seated) -> float:
    if game.ended_by == "limit":
        return 0.5
    return _share(a.result, b.result)


def _share(a: float, b: float) -> float:
    return 0.5 if a == b else float(a > b)
