"""What-ifs in the store: one row of the table ``whatifs`` for each alternative of a turn."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from episodes.game import Game
from episodes.store.store import Store
from models.ids import content_id
from reflect.evidence import Z95
from reflect.whatif import Effect, WhatIf


def save_what_ifs(store: Store, game: Game, what_ifs: Sequence[WhatIf], night_id: str | None = None) -> None:
    """Keep what-ifs; the same ones again change nothing."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    rows = [
        (
            content_id("what-if", [night_id or "", found.episode, str(found.turn), move]),
            night_id,
            game.name,
            found.episode,
            found.turn,
            found.seat,
            found.move_played,
            move,
            effect.n,
            effect.difference,
            effect.difference - Z95 * effect.error,
            effect.difference + Z95 * effect.error,
            now,
            found.weight,
        )
        for found in what_ifs
        for move, effect in found.alternatives.items()
    ]
    with store.transaction() as connection:
        connection.executemany(
            "insert or ignore into whatifs (id, night_id, game, episode_id, turn_n, seat, move, alternative, samples, "
            "effect, effect_low, effect_high, created, weight) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )


def load_what_ifs(store: Store, game: Game, episodes: Sequence[str]) -> list[WhatIf]:
    """The what-ifs of some stored episodes, by episode and turn; of one made twice, the later."""
    rows = store.db.query(
        "select w.episode_id, w.turn_n, w.seat, w.move, w.alternative, w.samples, w.effect, w.effect_high, w.weight, "
        "t.situation from whatifs w join turns t on t.episode_id = w.episode_id and t.n = w.turn_n "
        "where w.game = ?1 and w.episode_id in (select value from json_each(?2)) "
        "order by w.episode_id, w.turn_n, w.created, w.rowid",
        [game.name, json.dumps(list(episodes))],
    )
    found: dict[tuple[str, int], WhatIf] = {}
    alternatives: dict[tuple[str, int], dict[str, Effect]] = {}
    for row in rows:
        key = (row["episode_id"], row["turn_n"])
        error = (row["effect_high"] - row["effect"]) / Z95
        alternatives.setdefault(key, {})[row["alternative"]] = Effect(row["effect"], error, row["samples"])
        found[key] = WhatIf(
            *key, row["seat"], json.loads(row["situation"]), row["move"], alternatives[key], row["weight"]
        )
    return list(found.values())
