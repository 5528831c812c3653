"""What a colosseum reads from a store: all its SQL, with a type for every row. Knows nothing about ratings."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from episodes.store.store import Store


class GroupGame(NamedTuple):
    """A finished game and the group of games that it belongs to."""

    id: str
    group: str
    ticks: int
    ended_by: str


def games_of(store: Store, ids: Sequence[str]) -> list[GroupGame]:
    """The games of these ids, by group and id."""
    found = store.db.execute(
        "select id, pair_id, ticks, ended_by from episodes where id in (select value from json_each(?)) "
        "order by pair_id, id",
        [json.dumps(ids)],
    )
    return [GroupGame._make(row) for row in found]


class GameSeat(NamedTuple):
    """A seat of a game. ``latencies`` is a JSON list; ``legal`` decisions gave a legal move, ``started`` inputs took
    effect, of which there are some in a ``real_time`` game only."""

    episode_id: str
    player: str
    model: str
    prompt_id: str | None
    score: float
    result: float
    turns: int
    illegal: int
    unreadable: int
    refused: int
    timeouts: int
    faults: int
    tokens: int
    cost_usd: float
    empty: int
    truncated: int
    latencies: str
    legal: int
    started: int
    real_time: int


_SEATS = """
select s.episode_id, s.player, s.model, s.prompt_id, s.score, s.result, s.turns, s.illegal, s.unreadable,
    s.refused, s.timeouts, s.faults, s.tokens_in + s.tokens_out, s.cost_usd,
    (select count(*) from turns t where t.episode_id = s.episode_id and t.seat = s.seat and t.reply_class = 'empty'),
    (select count(*) from turns t where t.episode_id = s.episode_id and t.seat = s.seat
        and t.reply_class = 'truncated'),
    (select json_group_array(t.latency_ms) from turns t where t.episode_id = s.episode_id and t.seat = s.seat),
    (select count(*) from turns t where t.episode_id = s.episode_id and t.seat = s.seat and t.legal),
    (select count(*) from inputs i where i.episode_id = s.episode_id and i.seat = s.seat and i.fate = 'played'),
    exists (select 1 from inputs i where i.episode_id = s.episode_id)
from seats s where s.episode_id in (select value from json_each(?)) order by s.episode_id, s.seat
"""


def seats_of(store: Store, ids: Sequence[str]) -> list[GameSeat]:
    """The seats of the games of these ids, by game and seat."""
    return [GameSeat._make(row) for row in store.db.execute(_SEATS, [json.dumps(ids)])]


class HeldGame(NamedTuple):
    """A game of a colosseum, of so many ``seats``."""

    game: str
    clock: str
    group: str
    id: str
    seats: int


def games_held(store: Store, purpose: str, game: str | None = None, clock: str | None = None) -> list[HeldGame]:
    """Every game in a group that was played for ``purpose``, those played last first."""
    found = store.db.execute(
        "select e.game, e.clock, e.pair_id, e.id, (select count(*) from seats s where s.episode_id = e.id) "
        "from episodes e where e.purpose = ? and e.pair_id is not null and e.game = ifnull(?, e.game) "
        "and e.clock = ifnull(?, e.clock) order by e.started desc, e.id",
        [purpose, game, clock],
    )
    return [HeldGame._make(row) for row in found]
