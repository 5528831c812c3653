"""What turns stored by earlier versions say in words only, as the data that it is today.

A search used to write its values into its reply, ``jab (jab +0.121, guard +0.034)``: the move decided on, then each
legal move with its value, the best first. That a seat was not shown the legal moves followed from the game's name.
Only what brings older stores and files up to date may read this: no reply of today is parsed for values.
"""

import json
import re
from dataclasses import replace

from episodes.game import Move
from episodes.record import EpisodeRecord, TurnRecord

SEARCH = "search:"
"""How the names of the players began that wrote their values into their replies."""
UNLISTED = "+unlisted"
"""Part of the names of the games in which the legal moves were not shown."""

_WHOLE = re.compile(r"(?P<move>\S.*?) \((?P<values>[^()]*)\)")
_VALUE = re.compile(r"(?P<move>\S.*) (?P<value>[+-]\d\.\d{3})")


def values_in_reply(reply: str) -> dict[Move, float]:
    """The values in the reply of a search; nothing where there are none."""
    whole = _WHOLE.fullmatch(reply)
    if whole is None:
        return {}
    found = [_VALUE.fullmatch(part) for part in whole["values"].split(", ")]
    values = {match["move"]: float(match["value"]) for match in found if match}
    return values if len(values) == len(found) and whole["move"] in values else {}


def values_column(reply: str) -> str | None:
    """The same as the column of a stored turn."""
    values = values_in_reply(reply)
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")) if values else None


def brought_up(record: EpisodeRecord) -> EpisodeRecord:
    """An episode from a file without values and ``listed``, with both."""
    searches = {seat.seat for seat in record.seats if seat.player.startswith(SEARCH)}
    listed = UNLISTED not in record.game

    def turn(one: TurnRecord) -> TurnRecord:
        values = values_in_reply(one.reply) if one.seat in searches else {}
        return replace(one, values=values, listed=listed)

    return replace(record, turns=tuple(map(turn, record.turns)))
