"""What a reflecting model reads: whole games in windows, evidence, what-ifs, guidance, rejected ideas; all as text.

Whatever a player wrote, the opponent above all, is quoted as a JSON string in a line of its own, so that it cannot pass
for anything else. Episodes and guidance items get short names (``g1``, ``r1``), which answers use. Knows nothing about
who reads.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from episodes.game import Game
from episodes.record import EpisodeRecord, TurnRecord
from prompts.library import GuidanceRow
from prompts.prompt import Prompt, estimate_tokens
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


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of one game: ``turns`` are the numbers of its turns, ``text`` its JSON lines under a first one."""

    episode: str
    turns: tuple[int, ...]
    text: str


def quoted(value: object) -> str:
    """JSON in ASCII on one line, without ``[[``, with which DSPy marks the fields of a prompt."""
    return json.dumps(value).replace("[[", "[\\u005b")


def windows(record: EpisodeRecord, game: Game, seat: int, name: str, tokens: int) -> list[Window]:
    """The whole game as ``seat`` lived through it, in windows of about ``tokens`` tokens at most."""
    head = {
        "episode": name,
        "you": f"seat {seat}",
        "your_score": record.seats[seat].score,
        "opponents": [one.player for one in record.seats if one.seat != seat],
        "ended_by": record.ended_by,
        "turns": len(record.turns),
    }
    first = _line(head)
    found: list[Window] = []
    turns: list[int] = []
    lines: list[str] = [first]
    used = estimate_tokens(first)
    for turn in record.turns:
        line = _line(_turn(turn, game, seat))
        size = estimate_tokens(line)
        if turns and used + size > tokens:
            found.append(Window(record.id, tuple(turns), "\n".join(lines)))
            turns, lines, used = [], [first], estimate_tokens(first)
        turns.append(turn.n)
        lines.append(line)
        used += size
    if turns:
        found.append(Window(record.id, tuple(turns), "\n".join(lines)))
    return found


def _line(fields: dict[str, object]) -> str:
    """A JSON object whose strings are safe to stand in a prompt."""
    return "{" + ", ".join(f"{quoted(key)}: {_value(value)}" for key, value in fields.items()) + "}"


def _value(value: object) -> str:
    if isinstance(value, dict):
        return _line(value)
    if isinstance(value, list):
        return "[ " + ", ".join(map(_value, value)) + " ]"
    return quoted(value)


def _turn(turn: TurnRecord, game: Game, seat: int) -> dict[str, object]:
    mine = turn.seat == seat
    line: dict[str, object] = {"turn": turn.n, "who": "you" if mine else "opponent"}
    if game.tick_rate is not None:
        line["second"] = round(turn.tick / game.tick_rate, 2)
    if mine:
        line |= {"situation": dict(turn.situation), "saw": turn.observation}
    line["move"] = turn.move
    if turn.move is None:
        line["failed"] = turn.reply_class.value
    if turn.reply.strip() != (turn.move or ""):
        line["said"] = turn.reply
    if mine:
        line |= {"took_ms": round(turn.latency_ms, 1), "return": round(turn.reward, 4)}
    return line


def vocabulary(game: Game) -> str:
    """Every feature with its values, and every move."""
    return _line(
        {"features": {name: list(values) for name, values in game.features.items()}, "moves": list(game.moves)}
    )


def guidance_lines(prompt: Prompt, rows: Iterable[GuidanceRow], game: Game, names: Names) -> str:
    """The current items in order, with what is known of their effect on the mean pair score."""
    known = {row.item.id: row for row in rows}
    lines = []
    for item in prompt.items:
        fields: dict[str, object] = {"id": names.name(item.id), **rule_fields(item.rule)}
        if item.remark:
            fields["remark"] = item.remark
        row = known.get(item.id)
        if row is not None and row.effect is not None:
            fields |= {"effect": row.effect, "effect_95": [row.effect_low, row.effect_high]}
        lines.append(_line(fields))
    return "\n".join(lines) or "none yet"


def rule_fields(rule: Rule | None) -> dict[str, object]:
    """A rule as it stands in guidance and answers."""
    return {} if rule is None else {"when": dict(rule.conditions), "use": rule.move}


def evidence_lines(cells: Sequence[Cell], most: int) -> str:
    """The cells that say most: those whose interval is clear of 0, then by how much they weigh over all turns."""
    ranked = sorted(cells, key=lambda cell: (cell.low <= 0 <= cell.high, -abs(cell.shrunken) * cell.share))
    return (
        "\n".join(
            _line(
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
            _line(
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
