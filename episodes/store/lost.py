"""Decisions that came to nothing, by how their replies were classed, from the stored turns.

Turns of what-ifs are no turns of stored episodes, so what was lost in them is not here.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from typing import TypeVar

from episodes.player import ReplyClass
from episodes.store.store import Store

Key = TypeVar("Key")
SeatOf = tuple[str, int]
"""An episode and a seat of it."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Decisions in all (``turns``), and those that gave no move that the game takes, by what was wrong with them.

    ``unparsable``: words without a move; ``empty``: nothing at all; ``truncated``: cut off at the limit of tokens;
    ``faulted``: lost to faults of the player's own code.
    """

    turns: int = 0
    illegal: int = 0
    unparsable: int = 0
    empty: int = 0
    truncated: int = 0
    refused: int = 0
    timeouts: int = 0
    faulted: int = 0

    def __add__(self, other: "Lost") -> "Lost":
        return Lost(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))

    @property
    def all(self) -> int:
        """Every decision that came to nothing."""
        return self.illegal + self.unreadable + self.refused + self.timeouts + self.faulted

    @property
    def unreadable(self) -> int:
        """Replies in which there was no move to be read."""
        return self.unparsable + self.empty + self.truncated


FIELDS: Mapping[str, str] = {
    ReplyClass.ILLEGAL: "illegal",
    ReplyClass.UNPARSABLE: "unparsable",
    ReplyClass.EMPTY: "empty",
    ReplyClass.TRUNCATED: "truncated",
    ReplyClass.REFUSED: "refused",
    ReplyClass.TIMEOUT: "timeouts",
    ReplyClass.FAULT: "faulted",
}
"""What each class of replies is counted as; a move is none of them."""


def lost_in(store: Store, episodes: Iterable[str]) -> dict[SeatOf, Lost]:
    """What was lost in each seat of these episodes; a seat without a turn is not there."""
    found = store.db.execute(
        "select episode_id, seat, reply_class, count(*) from turns "
        "where episode_id in (select value from json_each(?)) group by episode_id, seat, reply_class",
        [json.dumps(list(episodes))],
    )
    return _by_key(((episode, seat), kind, n) for episode, seat, kind, n in found)


PlayerOf = tuple[str, str, str | None]
"""Name, model and prompt of a player."""


def lost_by_player(store: Store, episodes: Iterable[str]) -> dict[PlayerOf, Lost]:
    """What each player lost in these episodes."""
    found = store.db.execute(
        "select s.player, s.model, s.prompt_id, t.reply_class, count(*) from turns t "
        "join seats s on s.episode_id = t.episode_id and s.seat = t.seat "
        "where t.episode_id in (select value from json_each(?)) "
        "group by s.player, s.model, s.prompt_id, t.reply_class",
        [json.dumps(list(episodes))],
    )
    return _by_key(((player, model, prompt), kind, n) for player, model, prompt, kind, n in found)


def _by_key(rows: Iterable[tuple[Key, str, int]]) -> dict[Key, Lost]:
    lost: dict[Key, Lost] = {}
    for key, kind, n in rows:
        counted = {FIELDS[kind]: n} if kind in FIELDS else {}
        lost[key] = lost.get(key, Lost()) + Lost(turns=n, **counted)
    return lost
