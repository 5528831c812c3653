"""What a reflecting model's proposals are answered with, so that it can revise them: each list as it would stand, how
many of the stored turns each rule would decide, why a rule would decide none, and how the list did in rehearsal.

Knows nothing about models.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from episodes.game import Game
from models.errors import BadInput
from prompts.held import Held
from prompts.prompt import Budget, CountTokens, Prompt, compose
from reflect.digest import Names, line, rule_fields
from reflect.edits import Edit, apply_edits, placings
from reflect.evidence import Turns
from reflect.reach import Reach, reach
from reflect.rehearsal import Rules, Stage
from reflect.rejected import Rejected


@dataclass(frozen=True, slots=True)
class Draft:
    """One proposal: the edits that may count, and those that may not with the reason."""

    edits: tuple[Edit, ...]
    refused: tuple[Rejected, ...] = ()


@dataclass(frozen=True, slots=True)
class Drawing:
    """Makes lists of drafts: for which game, from which prompt, within which bounds."""

    game: Game
    current: Prompt
    budget: Budget
    count_tokens: CountTokens
    held: Held

    def ways(self, edits: tuple[Edit, ...]) -> list[tuple[tuple[Edit, ...], Prompt]]:
        """The prompts that ``edits`` make: one, or where they leave places open one for each that is tried."""
        found = []
        for way in placings(self.current, edits, self.game):
            with suppress(BadInput):  # with what a person pinned it may be more than fits
                found.append((way, self.prompt(way)))
        return found

    def prompt(self, edits: Sequence[Edit]) -> Prompt:
        """The prompt that ``edits`` make, as far as a person allows it; raises ``BadInput`` where there is none."""
        made = apply_edits(self.current, edits, self.game, budget=self.budget, count_tokens=self.count_tokens)
        items = self.held.applied(made.items, self.budget)
        return compose(self.game, self.current.base, items, self.budget, self.count_tokens)


def answered(drafts: Sequence[Draft], drawing: Drawing, turns: Turns, items: Names, stage: Stage | None = None) -> str:
    """A JSON line for each list that each draft makes, and one for what was refused in it."""
    lines = []
    for number, draft in enumerate(drafts, start=1):
        ways = drawing.ways(draft.edits) if draft.edits else []
        for at, (_, prompt) in enumerate(ways):
            told: dict[str, object] = {"proposal": number}
            if len(ways) > 1:
                told["place_left_open"] = ("as usual", "in front")[at]
            told["list"] = list_fields(prompt, turns, items, {item.id for item in drawing.current.items})
            if stage is not None and prompt.rules in stage.results:
                told["rehearsed"] = rehearsal_fields(stage, prompt.rules)
            lines.append(line(told))
        if draft.refused:
            refused: list[object] = [{"edit": one.text, "why": one.reason} for one in draft.refused]
            lines.append(line({"proposal": number, "refused": refused}))
    return "\n".join(lines)


def list_fields(prompt: Prompt, turns: Turns, items: Names, known: set[str]) -> list[object]:
    """The items of a list with what each would decide in ``turns``; ``known`` are ids that the model knows."""
    said = reach_fields(prompt, turns, items, known)
    fields: list[object] = []
    for number, item in enumerate(prompt.items, start=1):
        name = items.name(item.id) if item.id in known else f"new, number {number}"
        told: dict[str, object] = {"id": name, **rule_fields(item.rule)}
        if item.remark:
            told["remark"] = item.remark
        fields.append(told | said.get(item.id, {}))
    return fields


def reach_fields(prompt: Prompt, turns: Turns, items: Names, known: set[str]) -> Mapping[str, dict[str, object]]:
    """For each item with a rule, by its id, what the rule decides and gains in ``turns``."""
    named = [
        (item, items.name(item.id) if item.id in known else f"number {number}")
        for number, item in enumerate(prompt.items, start=1)
    ]
    ruled = [(item, name) for item, name in named if item.rule is not None]
    names = [name for _, name in ruled]
    found = reach(turns, prompt.rules)
    return {item.id: _reach_fields(one, names) for (item, _), one in zip(ruled, found, strict=True)}


def _reach_fields(one: Reach, names: Sequence[str]) -> dict[str, object]:
    told: dict[str, object] = {"decides_turns": one.decides, "holds_in_turns": one.holds}
    if not one.holds:
        told["never_decides"] = "its situation is in none of the stored turns"
    elif not one.decides:
        told["never_decides"] = f"never reached, because of {', '.join(names[place] for place in one.behind)}"
    if one.gain is not None:
        told |= {"its_move_played_there": one.followed, "gain": round(one.gain.mean, 4)}
        if one.gain.low > -float("inf"):
            told["gain_95"] = [round(one.gain.low, 4), round(one.gain.high, 4)]
    return told


def rehearsal_fields(stage: Stage, rules: Rules) -> dict[str, object]:
    """How a list did in rehearsal, beside the current one."""
    return {
        "points": round(stage.score(rules), 3),
        "current_list": round(stage.score(stage.me.rules), 3),
        "pairs": len(stage.results[rules]),
    }
