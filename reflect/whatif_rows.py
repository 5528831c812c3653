"""What-ifs as they are kept: one row for each alternative of a turn (see ``rows``)."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from episodes.game import Game
from episodes.store.store import Store
from models.ids import content_id
from reflect.evidence import Z95
from reflect.rows import WhatIfRow, put_what_ifs, what_if_rows
from reflect.whatif import Effect, WhatIf


def save_what_ifs(store: Store, game: Game, what_ifs: Sequence[WhatIf], night_id: str | None = None) -> None:
    """Keep what-ifs; the same ones again change nothing."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    rows = [
        WhatIfRow(
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
    put_what_ifs(store, rows)


def load_what_ifs(store: Store, game: Game, episodes: Sequence[str]) -> list[WhatIf]:
    """The what-ifs of some stored episodes, by episode and turn; of one made twice, the later."""
    found: dict[tuple[str, int], WhatIf] = {}
    alternatives: dict[tuple[str, int], dict[str, Effect]] = {}
    for row, situation in what_if_rows(store, game.name, episodes):
        key = (row.episode_id, row.turn_n)
        error = (row.effect_high - row.effect) / Z95
        alternatives.setdefault(key, {})[row.alternative] = Effect(row.effect, error, row.samples)
        found[key] = WhatIf(*key, row.seat, json.loads(situation), row.move, alternatives[key], row.weight)
    return list(found.values())
