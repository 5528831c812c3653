"""Weighing a model while it is trained: what its likeliest legal moves gained on held-out turns.

As ``worth`` does with a model that plays, in the tokens of training and without leaving it. Knows nothing about models.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import fmean

from distill.encode import IGNORED, Encoder, Example, TokenSequence
from distill.worth import Weighed
from episodes.game import Move


@dataclass(frozen=True, slots=True)
class Scale:
    """A question with every move that was legal in some turn as an answer, and what the moves of each kind of turn
    gained."""

    sequence: TokenSequence
    moves: tuple[Move, ...]
    turns: tuple[Mapping[Move, tuple[float, ...]], ...]


def scales_of(encoder: Encoder, weighed: Sequence[Weighed]) -> list[Scale]:
    """One scale for each question, whatever is legal in its turns."""
    questions: dict[tuple[str, str], list[Mapping[Move, tuple[float, ...]]]] = {}
    for one in weighed:
        questions.setdefault((one.system, one.user), []).append(one.gains)
    found = []
    for (system, user), turns in questions.items():
        moves = tuple(dict.fromkeys(chain.from_iterable(turns)))
        examples = [Example(system, user, move, 1.0) for move in moves]
        (sequence,) = encoder.sequences(examples, length=1, seed=0)
        found.append(Scale(sequence, moves, tuple(turns)))
    return found


def gains_of(scale: Scale, log_probs: Iterator[float]) -> list[float]:
    """What the likeliest legal move gained, one number a turn; takes from ``log_probs`` one for each learned token."""
    sums = dict.fromkeys(range(len(scale.moves)), 0.0)
    for label, answer in zip(scale.sequence.labels, scale.sequence.answers, strict=True):
        if label != IGNORED:
            sums[answer] += next(log_probs)
    likely = {move: sums[place] for place, move in enumerate(scale.moves)}
    return [gain for gains in scale.turns for gain in gains[max(gains, key=likely.__getitem__)]]


def mean_and_error(gains: Sequence[float]) -> tuple[float, float]:
    """The mean of ``gains`` and its standard error."""
    mean = fmean(gains)
    spread = math.fsum((gain - mean) ** 2 for gain in gains)
    return mean, math.sqrt(spread / max(len(gains) - 1, 1) / len(gains))
