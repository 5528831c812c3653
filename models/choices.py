"""Choices of several tokens as one tree after their question: what is common to them is computed once, in one row.

A row is a question and, behind it, the tokens of its tree; each of these sees the question and those that it goes on
from. Rows are padded on the left, so that all questions end at one place. Knows nothing about models.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

Tokens = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """After ``place`` (0: the end of the question, n: token n - 1 of the tree) comes one of ``tokens``."""

    place: int
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class Tree:
    """``tokens``: of all choices, each after the one that it goes on from, whose place is in ``parents`` (as in
    ``Step``). ``choices``: the steps of each, the last of them to an end token."""

    tokens: Tokens
    parents: Tokens
    choices: tuple[tuple[Step, ...], ...]

    @property
    def depths(self) -> list[int]:
        """How many tokens of its choice come before each token."""
        found: list[int] = []
        for parent in self.parents:
            found.append(found[parent - 1] + 1 if parent else 0)
        return found


@lru_cache(maxsize=1024)
def tree_of(choices: tuple[Tokens, ...], ends: Tokens) -> Tree:
    """The tree of ``choices``, after each of which comes one of ``ends``."""
    tokens: list[int] = []
    parents: list[int] = []
    places: dict[tuple[int, int], int] = {}
    walked = []
    for choice in choices:
        place, steps = 0, []
        for token in choice:
            steps.append(Step(place, (token,)))
            if (place, token) not in places:
                tokens.append(token)
                parents.append(place)
                places[place, token] = len(tokens)
            place = places[place, token]
        walked.append((*steps, Step(place, ends)))
    return Tree(tuple(tokens), tuple(parents), tuple(walked))


@lru_cache(maxsize=1024)
def _sight(tree: Tree, size: int) -> "torch.Tensor":
    """Which tokens of the tree each of them sees: itself and those before it; (size, size), what is beyond it blank."""
    import torch

    sight = torch.zeros(size, size, dtype=torch.bool)
    for at, parent in enumerate(tree.parents):
        if parent:
            sight[at] = sight[parent - 1]
        sight[at, at] = True
    return sight


@dataclass(frozen=True, slots=True)
class Rows:
    """What a model is given for some questions with their trees: tokens and positions (rows, width), and what each
    token sees (rows, 1, width, prefix + width). Counted from ``start``, column n is place n of every tree."""

    tokens: "torch.Tensor"
    positions: "torch.Tensor"
    seen: "torch.Tensor"
    start: int


def rows_of(prefix: int, asked: Sequence[tuple[Tokens, Tree]]) -> Rows:
    """The rows of questions that all come after the same ``prefix`` tokens."""
    import torch

    width = max(len(question) for question, _ in asked)
    size = max(len(tree.tokens) for _, tree in asked)
    tokens = torch.zeros(len(asked), width + size, dtype=torch.long)
    positions = torch.zeros(len(asked), width + size, dtype=torch.long)
    seen = torch.zeros(len(asked), width + size, width + size, dtype=torch.bool)
    causal = torch.ones(width, width, dtype=torch.bool).tril()
    for row, (question, tree) in enumerate(asked):
        blank, end = width - len(question), width + len(tree.tokens)
        tokens[row, blank:end] = torch.tensor([*question, *tree.tokens])
        depths = [prefix + len(question) + depth for depth in tree.depths]
        positions[row, blank:end] = torch.tensor([*range(prefix, prefix + len(question)), *depths])
        seen[row, :width, blank:width] = causal[:, blank:]
        seen[row, width:, blank:width] = True
        seen[row, width:, width:] = _sight(tree, size)
    # What is blank sees itself: a token that sees nothing is no number, and neither is what is computed from it.
    seen |= torch.eye(width + size, dtype=torch.bool)
    before = torch.ones(len(asked), width + size, prefix, dtype=torch.bool)
    return Rows(tokens, positions, torch.cat([before, seen], 2)[:, None], width - 1)


def log_sum(logs: Sequence[float]) -> float:
    """The logarithm of the sum of what ``logs`` are the logarithms of."""
    top = max(logs)
    return top if len(logs) == 1 or top == -math.inf else top + math.log(math.fsum(math.exp(log - top) for log in logs))
