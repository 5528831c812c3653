"""What a reflecting model answers, and whether it may count.

A model has read what opponents wrote, so its answer is checked like a stranger's: words that the game does not know,
turns that do not exist, items that are not in the prompt, and anything copied from an opponent are refused, each with
its reason. Knows nothing about models.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, Field

from episodes.game import Game
from models.errors import BadInput
from prompts.held import NOTHING_HELD, Held
from prompts.library import Citation
from prompts.prompt import DEFAULT_BUDGET, Budget, CountTokens, GuidanceItem, Prompt, estimate_tokens
from prompts.rule import Rule
from reflect.digest import Names, rule_fields
from reflect.edits import KINDS, WHERE, Edit, Place, apply_edits
from reflect.rejected import Rejected

COPIED_WORDS = 8
"""So many of an opponent's words in a row make a remark a copy; of a shorter text, all of them, if three at least."""


class CiteAnswer(BaseModel):
    """A turn of a game that was read."""

    episode: str
    turn: int


class NoteAnswer(BaseModel):
    """What one turn of a game teaches."""

    turn: int
    note: str


class RuleAnswer(BaseModel):
    """When every feature has its value, use the move."""

    when: dict[str, str] = Field(default_factory=dict)
    use: str


class EditAnswer(BaseModel):
    """One change to the guidance, as the model words it."""

    kind: str = Field(description="add, change, merge or retire")
    rule: RuleAnswer | None = None
    targets: list[str] = Field(default_factory=list, description="ids of guidance items: none to add, one to change")
    remark: str = ""
    cites: list[CiteAnswer] = Field(default_factory=list)
    reason: str = ""
    place: str = Field(default="", description="of what is put in: first, last, before ITEM or after ITEM")


class ProposalAnswer(BaseModel):
    """One candidate: edits that belong together."""

    idea: str = ""
    edits: list[EditAnswer] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Checker:
    """Checks the answers of one reflection.

    ``turn_exists`` looks a cited turn up by episode id and number; ``foreign`` are texts that opponents wrote;
    ``games`` and ``items`` are the short names that the model was given; ``origin`` is the model's name.
    """

    game: Game
    current: Prompt
    games: Names
    items: Names
    turn_exists: Callable[[str, int], bool]
    foreign: Sequence[str]
    origin: str
    budget: Budget = DEFAULT_BUDGET
    count_tokens: CountTokens = estimate_tokens
    held: Held = NOTHING_HELD

    def proposal(self, answer: ProposalAnswer) -> tuple[tuple[Edit, ...], list[Rejected]]:
        """The edits of a proposal that may count, and the others with the reason. Those that count fit together."""
        good: list[Edit] = []
        bad: list[Rejected] = []
        for one in answer.edits:
            try:
                edit = self.edit(one)
                apply_edits(self.current, [*good, edit], self.game, budget=self.budget, count_tokens=self.count_tokens)
            except BadInput as error:
                text = json.dumps(one.model_dump(exclude_defaults=True), ensure_ascii=False)
                bad.append(Rejected(text, str(error), self.origin))
            else:
                good.append(edit)
        return tuple(good), bad

    def edit(self, answer: EditAnswer) -> Edit:
        """One edit; raises ``BadInput`` that says what is wrong with it."""
        kind = next((kind for kind in KINDS if kind == answer.kind), None)
        if kind is None:
            raise BadInput(f"unknown kind of edit {answer.kind!r}: use {', '.join(KINDS)}")
        rule = None if answer.rule is None else Rule.of(self.game, answer.rule.when, answer.rule.use)
        cites = tuple(self._cited(cite) for cite in answer.cites)
        if kind != "retire":
            if not cites:
                raise BadInput("the edit cites no turn: what is put in needs evidence")
            if rule is None and not self.current.base.remarks:
                raise BadInput("the edit has no rule, and this player does not read remarks")
        self._own_words(answer.remark, rule)
        targets = tuple(self.items.full(target) for target in answer.targets)
        for target, name in zip(targets, answer.targets, strict=True):
            if self.held.pins(target):
                raise BadInput(f"the player's owner pinned {name}: it stays as it is")
        if kind != "retire" and (rule or answer.remark) and self.held.retires(GuidanceItem(rule, answer.remark)):
            raise BadInput("the player's owner retired this: it does not come back")
        return Edit(
            kind=kind,
            rule=rule,
            targets=targets,
            remark=answer.remark,
            cites=cites,
            reason=" ".join(answer.reason.split()),
            origin=self.origin,
            place=self._place(answer.place),
        )

    def _place(self, text: str) -> Place | None:
        """The place that a model names, an item by its short name; ``None`` where it names none."""
        said, _, target = " ".join(text.split()).partition(" ")
        if not said:
            return None
        where = next((where for where in WHERE if where == said.lower()), None)
        if where is None or bool(target) != (where in ("before", "after")):
            raise BadInput(f"no place can be read from {text!r}: write first, last, before ITEM or after ITEM")
        return Place(where, self.items.full(target) if target else "")

    def _cited(self, cite: CiteAnswer) -> Citation:
        episode = self.games.full(cite.episode)
        if not self.turn_exists(episode, cite.turn):
            raise BadInput(f"the cited turn {cite.turn} of {cite.episode} does not exist")
        return Citation(episode, cite.turn)

    def _own_words(self, remark: str, rule: Rule | None) -> None:
        """Raise ``BadInput`` for a remark or a rule that an opponent wrote, the rule as a sentence or as JSON."""
        sayings = [] if rule is None else [rule.sentence(self.game), json.dumps(rule_fields(rule))]
        for foreign in map(_words, self.foreign):
            copied = _copied(_words(remark), foreign, COPIED_WORDS)
            for saying in map(_words, sayings):
                copied = copied or (_copied(saying, foreign, len(saying)) if len(foreign) >= len(saying) else "")
            if copied:
                raise BadInput(f"copied from what an opponent wrote: {copied!r}")


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _copied(words: Sequence[str], foreign: Sequence[str], most: int) -> str:
    """The first run of ``most`` words that both have, or the whole of a shorter text if it stands in the other."""
    size = min(most, len(words), len(foreign))
    if size < 3:  # a move or two is a name, not a text
        return ""
    runs = {tuple(foreign[n : n + size]) for n in range(len(foreign) - size + 1)}
    found = next((words[n : n + size] for n in range(len(words) - size + 1) if tuple(words[n : n + size]) in runs), [])
    return " ".join(found)
