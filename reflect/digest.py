"""What a reflecting model reads beside games: evidence, what-ifs, guidance, rejected ideas; all as text.

Whatever a player wrote, the opponent above all, is quoted as a JSON string in a line of its own, so that it cannot pass
for anything else. Episodes and guidance items get short names (``g1``, ``r1``), which answers use. Knows nothing about
who reads.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from episodes.game import Game
from prompts.library import GuidanceRow
from prompts.prompt import Prompt
from prompts.rule import Rule
from reflect.evidence import Cell
from reflect.whatif import WhatIf


@dataclass
class Names:
    """Short names and what they stand for. ``name`` makes one, ``full`` finds it again or gives the word back."""

    prefix: str
    ids: list[str] = field(default_factory=list)

    def name(self, full: str) -> str:
        if full not in self.ids:
            self.ids.append(full)
        return f"{self.prefix}{self.ids.index(full) + 1}"

    def full(self, word: str) -> str:
        number = word.removeprefix(self.prefix)
        if word.startswith(self.prefix) and number.isdecimal() and 0 < int(number) <= len(self.ids):
            return self.ids[int(number) - 1]
        return word


def quoted(value: object) -> str:
    """JSON in ASCII on one line, without ``[[``, with which DSPy marks the fields of a prompt."""
    return json.dumps(value).replace("[[", "[\\u005b")


def line(fields: dict[str, object]) -> str:
    """A JSON object whose strings are safe to stand in a prompt."""
    return "{" + ",".join(f"{quoted(key)}:{_value(value)}" for key, value in fields.items()) + "}"


def _value(value: object) -> str:
    if isinstance(value, dict):
        return line(value)
    if isinstance(value, list):
        return "[ " + ",".join(map(_value, value)) + " ]"
    return quoted(value)


def vocabulary(game: Game) -> str:
    """Every feature with its values, and every move."""
    return line({"features": {name: list(values) for name, values in game.features.items()}, "moves": list(game.moves)})


def guidance_lines(
    prompt: Prompt, rows: Iterable[GuidanceRow], names: Names, reached: Mapping[str, dict[str, object]]
) -> str:
    """The current items in order, with what is known of their effect on the mean pair score and, in ``reached`` by id,
    of what they decide."""
    known = {row.item.id: row for row in rows}
    lines = []
    for item in prompt.items:
        fields: dict[str, object] = {"id": names.name(item.id), **rule_fields(item.rule)}
        if item.remark:
            fields["remark"] = item.remark
        row = known.get(item.id)
        if row is not None and row.effect is not None:
            low, high = row.effect_low or 0.0, row.effect_high or 0.0
            fields |= {"effect": round(row.effect, 3), "effect_95": [round(low, 3), round(high, 3)]}
        if row is not None and row.pinned:
            fields["pinned"] = True
        lines.append(line(fields | reached.get(item.id, {})))
    return "\n".join(lines) or "none yet"


def rule_fields(rule: Rule | None) -> dict[str, object]:
    """A rule as it stands in guidance and answers."""
    return {} if rule is None else {"when": dict(rule.conditions), "use": rule.move}


def evidence_lines(cells: Sequence[Cell], most: int) -> str:
    """The cells that say most: those whose interval is clear of 0, then by how much they weigh over all turns."""
    ranked = sorted(cells, key=lambda cell: (cell.low <= 0 <= cell.high, -abs(cell.shrunken) * cell.share))
    return (
        "\n".join(
            line(
                {
                    "when": dict(cell.situation),
                    "move": cell.move,
                    "turns": cell.n,
                    "share_of_all_turns": round(cell.share, 4),
                    "advantage": round(cell.shrunken, 4),
                    "advantage_95": [round(cell.low, 4), round(cell.high, 4)],
                    "mean_final_score": round(cell.score, 3),
                }
            )
            for cell in ranked[:most]
        )
        or "none"
    )


def what_if_lines(what_ifs: Sequence[WhatIf], names: Names, most: int) -> str:
    """Turns replayed with other moves, those with the largest differences first."""

    def size(found: WhatIf) -> float:
        return max((abs(effect.difference) for effect in found.alternatives.values()), default=0.0)

    ranked = sorted(what_ifs, key=lambda found: (-size(found), found.episode, found.turn))
    return (
        "\n".join(
            line(
                {
                    "episode": names.name(found.episode),
                    "turn": found.turn,
                    "situation": dict(found.situation),
                    "played": found.move_played,
                    "instead": {
                        move: f"{effect.difference:+.3f} ± {effect.error:.3f}"
                        for move, effect in sorted(found.alternatives.items(), key=lambda one: -one[1].difference)
                    },
                }
            )
            for found in ranked[:most]
        )
        or "none"
    )
