"""What a move is worth on average over the turns that look alike to a student.

A student sees less of a position than a search does, and one continuation of a game is mostly luck: what it needs to
know is which move is best on average where it is asked the same question. A question that was seldom seen is drawn
towards what a regression over its situation expects (``reflect.advantage``). Knows nothing about stores or tokens.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from distill.judged import Judged
from episodes.game import Game, Move
from reflect.advantage import AdvantageModel, Samples, Subsets, fit

Floats = NDArray[np.float64]

TRUST = 0.3
"""What a value that the teacher expected counts against a what-if, which is what truly came of the move."""
PULL = 4.0
"""How many what-ifs of a question weigh as much as the regression."""


@dataclass(frozen=True)
class Pooled:
    """``sums`` and ``counts``: by question, (M,) weighted advantages of each move and their weights."""

    game: Game
    model: AdvantageModel
    sums: Mapping[str, Floats]
    counts: Mapping[str, Floats]
    _known: dict[str, dict[Move, float]] = field(default_factory=dict)

    def advantages(self, question: str, situation: Mapping[str, str]) -> dict[Move, float]:
        """How much better than the mean of what is legal each move of the game is."""
        if question not in self._known:
            expected = self.model.means(_indices(self.game, [situation]))[0]
            nothing = np.zeros(len(self.game.moves))
            total, count = self.sums.get(question, nothing), self.counts.get(question, nothing)
            found = (total + PULL * expected) / (count + PULL)
            self._known[question] = dict(zip(self.game.moves, found.tolist(), strict=True))
        return self._known[question]


def pool(game: Game, turns: Sequence[Judged]) -> Pooled:
    """The average over ``turns``, which all have values of more than one move."""
    sums: dict[str, Floats] = {}
    counts: dict[str, Floats] = {}
    sources = []
    for source, trust in (("values", TRUST), ("what-if", 1.0)):
        own = [turn for turn in turns if turn.source == source]
        if not own:
            continue
        advantages = _advantages(game, own)
        weights = np.array([turn.weight for turn in own])
        sources.append(Samples(_indices(game, [turn.situation for turn in own]), advantages, weights))
        for turn, row, weight in zip(own, advantages, weights * trust, strict=True):
            known = ~np.isnan(row)
            sums[turn.question] = sums.get(turn.question, 0.0) + np.where(known, row, 0.0) * weight
            counts[turn.question] = counts.get(turn.question, 0.0) + known * weight
    return Pooled(game, fit(Subsets(game), sources), sums, counts)


def _advantages(game: Game, turns: Sequence[Judged]) -> Floats:
    """(N, M): each move's value less the mean of the turn's values; NaN where there is none."""
    table = np.full((len(turns), len(game.moves)), np.nan)
    index = {move: place for place, move in enumerate(game.moves)}
    for row, turn in zip(table, turns, strict=True):
        for move, value in turn.values.items():
            if move in index:  # a plan of moves is none of the game's single ones
                row[index[move]] = value
    return np.asarray(table - np.nanmean(table, axis=1, keepdims=True))


def _indices(game: Game, situations: Sequence[Mapping[str, str]]) -> NDArray[np.int64]:
    """(N, F): the values of situations as places in the game's features."""
    places = [{value: place for place, value in enumerate(values)} for values in game.features.values()]
    rows = [[known[one[name]] for name, known in zip(game.features, places, strict=True)] for one in situations]
    return np.array(rows, dtype=np.int64).reshape(len(situations), len(places))
