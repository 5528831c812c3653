"""What reflection reads from a store and keeps there: all its SQL, with a type for every row.

Turns as evidence, the tables ``whatifs``, ``reflections`` and ``rejected``. Knows nothing about what rows mean.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from episodes.game import Move
from episodes.store.store import Store


class TurnRow(NamedTuple):
    """One decision of the player whose evidence is gathered; ``score`` and ``result`` are its seat's final score and
    return, ``legal_id`` names the text with its legal moves."""

    episode: str
    n: int
    seat: int
    situation: str
    move: Move | None
    legal_id: str
    reward: float
    score: float
    result: float
    prompt_id: str | None


_TURNS = """
select t.episode_id, t.n, t.seat, t.situation, t.move, t.legal_moves_id, t.reward, s.score, s.result, s.prompt_id
from seats s join episodes e on e.id = s.episode_id
join turns t on t.episode_id = s.episode_id and t.seat = s.seat
where e.game = ?1 and (?2 is null or s.player = ?2)
    and (?3 is null or e.id in (select value from json_each(?3)))
    and (?4 is null or s.model = ?4) and (?5 is null or e.purpose = ?5)
order by t.episode_id, t.seat, t.n
"""


def turn_rows(
    store: Store,
    game: str,
    *,
    player: str | None = None,
    episodes: Sequence[str] | None = None,
    model: str | None = None,
    purpose: str | None = None,
) -> Iterator[TurnRow]:
    """All stored turns in ``game`` that fit every filter given, in the order of episode, seat and turn."""
    chosen = None if episodes is None else json.dumps(list(episodes))
    return map(TurnRow._make, store.db.execute(_TURNS, [game, player, chosen, model, purpose]))


def turn_exists(store: Store, episode_id: str, n: int) -> bool:
    """Whether an episode has a turn with this number."""
    rows = store.db.execute("select 1 from turns where episode_id = ? and n = ?", [episode_id, n])
    return rows.fetchone() is not None


def replies_of_others(store: Store, player: str, episodes: Sequence[str]) -> list[str]:
    """What others than ``player`` replied in these episodes where it was not a bare move, without repeats."""
    rows = store.db.execute(
        "select distinct t.reply from turns t join seats s on s.episode_id = t.episode_id and s.seat = t.seat "
        "where s.player != ?1 and t.reply != ifnull(t.move, '') "
        "and t.episode_id in (select value from json_each(?2)) order by t.reply",
        [player, json.dumps(list(episodes))],
    )
    return [reply for (reply,) in rows]


class WhatIfRow(NamedTuple):
    """One alternative of a turn: the effect of ``alternative`` in place of ``move``, and its 95 % interval."""

    id: str
    night_id: str | None
    game: str
    episode_id: str
    turn_n: int
    seat: int
    move: Move
    alternative: Move
    samples: int
    effect: float
    effect_low: float
    effect_high: float
    created: str
    weight: float


class StudiedRow(NamedTuple):
    """A stored alternative with the situation of its turn, a JSON object."""

    what_if: WhatIfRow
    situation: str


def put_what_ifs(store: Store, found: Iterable[WhatIfRow]) -> None:
    """Keep alternatives; an id that is there stays as it is."""
    with store.transaction() as connection:
        connection.executemany(_insert("whatifs", WhatIfRow._fields), list(found))


def what_if_rows(store: Store, game: str, episodes: Sequence[str]) -> list[StudiedRow]:
    """The alternatives of some episodes in the order of episode, turn, and when they were made."""
    rows = store.db.execute(
        f"select {', '.join(f'w.{column}' for column in WhatIfRow._fields)}, t.situation "
        "from whatifs w join turns t on t.episode_id = w.episode_id and t.n = w.turn_n "
        "where w.game = ?1 and w.episode_id in (select value from json_each(?2)) "
        "order by w.episode_id, w.turn_n, w.created, w.rowid",
        [game, json.dumps(list(episodes))],
    )
    return [StudiedRow(WhatIfRow._make(columns), situation) for *columns, situation in rows]


class ReflectionRow(NamedTuple):
    """One call of a reflecting model; ``request_id`` and ``reply_id`` name texts."""

    id: str
    night_id: str | None
    game: str
    origin: str
    request_id: str
    reply_id: str
    created: str


def put_reflection(store: Store, call: ReflectionRow, *, texts: Iterable[str]) -> None:
    """Keep a call with the texts that it names; an id that is there stays as it is."""
    with store.transaction() as connection:
        for text in texts:
            store.put_text(text)
        connection.execute(_insert("reflections", ReflectionRow._fields), call)


def reply_id(store: Store, night_id: str, request_id: str) -> str | None:
    """The text that answered this request in a night, or ``None``."""
    row = store.db.execute(
        "select reply_id from reflections where night_id = ? and request_id = ?", [night_id, request_id]
    ).fetchone()
    return None if row is None else str(row[0])


class RejectedRow(NamedTuple):
    """An idea that was rejected, and why."""

    id: str
    game: str
    night_id: str | None
    text: str
    reason: str
    origin: str
    created: str


def put_rejected(store: Store, ideas: Iterable[RejectedRow]) -> None:
    """Log rejected ideas; an id that is there stays as it is."""
    with store.transaction() as connection:
        connection.executemany(_insert("rejected", RejectedRow._fields), list(ideas))


def rejected_rows(store: Store, game: str, limit: int) -> list[RejectedRow]:
    """The ideas rejected last in ``game``, the newest first."""
    rows = store.db.execute(
        "select id, game, night_id, text, reason, ifnull(origin, ''), created from rejected where game = ? "
        "order by created desc, rowid desc limit ?",
        [game, limit],
    )
    return [RejectedRow._make(row) for row in rows]


def _insert(table: str, columns: Sequence[str]) -> str:
    return f"insert or ignore into {table} ({', '.join(columns)}) values ({', '.join('?' * len(columns))})"
