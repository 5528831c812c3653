"""How well a rookie follows rules that it never saw, one turn a conversation as in play.

Rules are drawn from those held out of training, and situations from another seed. Each prompt is worded in one way
throughout, so that the figures can be told by wording. Knows nothing about how the model was trained.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import torch

from distill.rookie.batches import batch_of
from distill.rookie.lessons import (
    BASE_TEXT,
    CANONICAL,
    LEVELS,
    PHRASINGS,
    Lesson,
    Turn,
    deciding,
    draw_prior,
    draw_rules,
    draw_situation,
    held_out,
    target_of,
    worded,
)
from distill.rookie.vocabulary import vocabulary
from episodes.games.duel.words import MOVES
from models.ids import hash64

MOST_RULES = 8
TURNS = 12
"""Situations asked under each prompt."""


@dataclass(frozen=True, slots=True)
class Case:
    """One question and the answer. ``expected`` is ``None`` where no rule decides.

    ``likeliest`` is the likeliest of all tokens (a move, or "" for anything else); ``given``: the probability of the
    expected move; ``top``: that of the likeliest move; ``distance``: total variation between the probabilities given
    to the moves and those wanted.
    """

    rules: int
    phrasing: str
    conditions: int
    expected: str | None
    likeliest: str
    given: float
    top: float
    distance: float

    @property
    def right(self) -> bool:
        return self.expected == self.likeliest


def draw_prompt(draw: Random, count: int, phrasing: str) -> Lesson:
    """A held-out prompt with ``count`` rules and ``TURNS`` situations."""
    rules = draw_rules(draw, LEVELS[-1], count)
    while rules and not held_out(rules):
        rules = draw_rules(draw, LEVELS[-1], count)
    lines = ["- " + worded(rule, phrasing, None if phrasing == CANONICAL else draw) for rule in rules]
    turns = []
    for _ in range(TURNS):
        situation = draw_situation(draw, rules)
        rule = deciding(rules, situation)
        turns.append(Turn(situation, rule, rule.move if rule else draw_prior(draw, situation)))
    return Lesson("\n".join((BASE_TEXT, *lines)), rules, tuple(turns))


def measure(model: Any, *, seed: int, prompts: int, canonical: float = 0.5) -> list[Case]:
    """Ask ``model`` about ``prompts`` held-out prompts, equally many of each number of rules from 0 to 8.

    ``canonical`` is the share of prompts worded as ``Rule.sentence`` does; the rest are shared by the other phrasings.
    """
    draw = Random(hash64(f"check {seed}"))
    others = [phrasing for phrasing in PHRASINGS if phrasing != CANONICAL]
    drawn = []
    for index in range(prompts):
        phrasing = CANONICAL if draw.random() < canonical else draw.choice(others)
        drawn.append((draw_prompt(draw, index % (MOST_RULES + 1), phrasing), phrasing))
    cases: list[Case] = []
    for start in range(0, prompts, 32):
        cases += _asked(model, drawn[start : start + 32])
    return cases


def _asked(model: Any, drawn: Sequence[tuple[Lesson, str]]) -> list[Case]:
    """Every turn of every prompt in one pass, each seeing its system prompt and itself only."""
    batch = batch_of([lesson for lesson, _ in drawn], alone=True)
    words = vocabulary()
    names = list(words)
    with torch.inference_mode():
        hidden = model.model(
            batch.ids, attention_mask=batch.mask, position_ids=batch.positions, use_cache=False
        ).last_hidden_state
        shares = model.lm_head(hidden[batch.row, batch.at]).float().softmax(-1)
    moves = shares[:, torch.tensor([words[move] for move in MOVES])]
    best = [names[index] for index in shares.argmax(-1).tolist()]
    cases = []
    asked = [(lesson, phrasing, turn) for lesson, phrasing in drawn for turn in lesson.turns]
    for (lesson, phrasing, turn), found, likeliest in zip(asked, moves.tolist(), best, strict=True):
        wanted = target_of(turn.rule, turn.situation)
        cases.append(
            Case(
                rules=len(lesson.rules),
                phrasing=phrasing,
                conditions=len(turn.rule.conditions) if turn.rule else 0,
                expected=turn.rule.move if turn.rule else None,
                likeliest=likeliest if likeliest in MOVES else "",
                given=found[MOVES.index(turn.rule.move)] if turn.rule else 0.0,
                top=max(found),
                distance=sum(abs(a - b) for a, b in zip(found, wanted, strict=True)) / 2 + (1 - sum(found)) / 2,
            )
        )
    return cases


def decided(cases: Iterable[Case]) -> list[Case]:
    """Those that a rule decides."""
    return [case for case in cases if case.expected is not None]


def accuracy(cases: Sequence[Case]) -> float:
    """Share of decided cases whose likeliest token is the rule's move; NaN where there is none."""
    found = decided(cases)
    return sum(case.right for case in found) / len(found) if found else float("nan")


def undecided(cases: Iterable[Case]) -> list[Case]:
    """Those that no rule decides: the prior is wanted."""
    return [case for case in cases if case.expected is None]
