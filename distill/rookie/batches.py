"""Lessons as tensors, and what a model loses on them.

Where no turn of a conversation may see another, each is the first after the system prompt, as it is in play.
"""

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import torch

from distill.rookie.lessons import LEVELS, TURN, Encoded, Lesson, draw_lesson, encode_lesson, target_of
from distill.rookie.vocabulary import END, vocabulary
from episodes.games.duel.words import MOVES

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

UNDECIDED_WEIGHT = 0.3
"""Weight of a turn that no rule decides, against 1 for one that a rule decides."""
END_WEIGHT = 0.1


@dataclass(frozen=True, slots=True)
class Batch:
    """Lessons as tensors: ids (B, T) padded right, and for each of N turns its place and its target."""

    ids: torch.Tensor
    row: torch.Tensor
    at: torch.Tensor
    target: torch.Tensor
    """(N, moves) probabilities."""
    decided: torch.Tensor
    """(N,) whether a rule decides the turn."""
    mask: torch.Tensor | None
    positions: torch.Tensor | None


def star(encoded: list[Encoded], width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Mask (B, 1, T, T) and positions (B, T) under which each turn sees the system prompt and itself only.

    Every turn is then the first after the system prompt, as it is in play.
    """
    place = torch.arange(width)
    prefix = torch.tensor([one.prefix for one in encoded])[:, None]
    after = place[None, :] - prefix
    turn = torch.where(after < 0, -1, after // TURN)
    positions = torch.where(after < 0, place[None, :], prefix + after % TURN)
    same = (turn[:, None, :] == turn[:, :, None]) | (turn[:, None, :] < 0)
    return (same & (place[None, :, None] >= place[None, None, :]))[:, None], positions


def batch_of(lessons: list[Lesson], *, alone: bool) -> Batch:
    """Tensors of ``lessons``; ``alone``: no turn sees another."""
    encoded = [encode_lesson(lesson) for lesson in lessons]
    width = max(len(one.ids) for one in encoded)
    mask, positions = star(encoded, width) if alone else (None, None)
    turns = [
        (row, at, turn)
        for row, one in enumerate(encoded)
        for at, turn in zip(one.asked, lessons[row].turns, strict=True)
    ]
    return Batch(
        ids=torch.tensor([one.ids + [0] * (width - len(one.ids)) for one in encoded]),
        row=torch.tensor([row for row, _, _ in turns]),
        at=torch.tensor([at for _, at, _ in turns]),
        target=torch.tensor([target_of(turn.rule, turn.situation) for _, _, turn in turns]),
        decided=torch.tensor([turn.rule is not None for _, _, turn in turns]),
        mask=mask,
        positions=positions,
    )


def lesson_batch(draw: Random, rows: int, level: int, *, alone: bool) -> Batch:
    """The batch of one step."""
    turns = draw.randint(12, 18)
    return batch_of([draw_lesson(draw, LEVELS[level], turns) for _ in range(rows)], alone=alone)


def lesson_loss(model: "LlamaForCausalLM", batch: Batch) -> tuple[torch.Tensor, float]:
    """Cross-entropy against the targets, and the share of decided turns whose likeliest token is the rule's move."""
    words = vocabulary()
    moves = torch.tensor([words[move] for move in MOVES])
    hidden = model.model(
        batch.ids, attention_mask=batch.mask, position_ids=batch.positions, use_cache=False
    ).last_hidden_state
    scores = model.lm_head(hidden[batch.row, batch.at]).float().log_softmax(-1)
    loss = -(batch.target * scores[:, moves]).sum(-1)
    weight = torch.where(batch.decided, 1.0, UNDECIDED_WEIGHT)
    ends = model.lm_head(hidden[batch.row, batch.at + 1]).float().log_softmax(-1)[:, words[END]]
    right = moves[batch.target.argmax(-1)] == scores.detach().argmax(-1)
    share = right[batch.decided].float().mean().item() if batch.decided.any() else 1.0
    return (loss * weight).sum() / weight.sum() - END_WEIGHT * ends.mean(), share
