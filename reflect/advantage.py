"""A model of how much better each move is in each situation, fitted to evidence and what-ifs together.

For each move a Bayesian linear regression on the values of the situation and their pairs, with prior variances chosen
by the evidence (empirical Bayes; Bishop, Pattern Recognition and Machine Learning, 2006, section 3.5). What is seldom
seen is drawn towards what is seen often. Knows nothing about rules.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from episodes.game import Game

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Likelihood = Callable[[float, float], float]
"""The logarithm of the targets' likelihood given the prior variances of single values and of pairs."""

_MAIN = (1e-5, 1e-4, 1e-3, 1e-2)
_PAIR = (1e-6, 1e-5, 1e-4, 1e-3)
_OVERALL = 1e-2
"""Prior variances tried for single values and for pairs, and the one of a move's overall advantage; returns run from
-1 to 1."""


@dataclass(frozen=True)
class Subsets:
    """The situations that a rule may name: none, one or two feature values, S of them.

    ``members`` are tuples of (feature index, value index).
    """

    game: Game

    @cached_property
    def _values(self) -> list[tuple[int, int]]:
        return [(f, v) for f, known in enumerate(self.game.features.values()) for v in range(len(known))]

    @cached_property
    def members(self) -> list[tuple[tuple[int, int], ...]]:
        pairs = [(a, b) for a, b in combinations(self._values, 2) if a[0] != b[0]]
        return [(), *((value,) for value in self._values), *pairs]

    @cached_property
    def sizes(self) -> Ints:
        """How many conditions each subset has."""
        return np.array([len(member) for member in self.members])

    @cached_property
    def _columns(self) -> Ints:
        """(2, S): the two columns of each subset in ``holds``' table of single conditions, whose first always holds."""
        column = {value: n for n, value in enumerate(self._values, start=1)}
        padded = [[0] * (2 - len(member)) + [column[value] for value in member] for member in self.members]
        return np.array(padded).T

    def holds(self, values: Ints) -> Bools:
        """(N, S): whether each of N situations, given as (N, F) value indices, is in each subset."""
        always = np.ones((len(values), 1), dtype=bool)
        known = [values[:, f, None] == np.arange(len(words)) for f, words in enumerate(self.game.features.values())]
        table = np.concatenate([always, *known], axis=1)
        first, second = self._columns
        return np.ascontiguousarray(table[:, first] & table[:, second])

    def situation(self, subset: int) -> dict[str, str]:
        """The conditions of a subset by name."""
        names = list(self.game.features)
        return {names[f]: self.game.features[names[f]][v] for f, v in self.members[subset]}


@dataclass(frozen=True, slots=True)
class Samples:
    """Measured advantages: ``values`` (N, F) situations, ``advantages`` (N, M) with NaN where a move was not tried.

    An advantage is against the mean of what the player does there by itself. ``weights`` (N,) have mean 1 for samples
    that count in full.
    """

    values: Ints
    advantages: Floats
    weights: Floats


@dataclass(frozen=True, slots=True)
class Posterior:
    """For one move: mean (S,) and covariance (S, S) of the regression's coefficients."""

    mean: Floats
    covariance: Floats


@dataclass(frozen=True)
class AdvantageModel:
    subsets: Subsets
    moves: tuple[Posterior, ...]

    def means(self, values: Ints) -> Floats:
        """(N, M): the expected advantage of each move in each of N situations."""
        design = self.subsets.holds(values).astype(float)
        return np.stack([design @ posterior.mean for posterior in self.moves], axis=1)

    def draw(self, values: Ints, generator: np.random.Generator) -> Floats:
        """(N, M): advantages from one draw of the coefficients, for Thompson sampling."""
        design = self.subsets.holds(values).astype(float)
        drawn = [
            generator.multivariate_normal(posterior.mean, posterior.covariance, method="cholesky", check_valid="ignore")
            for posterior in self.moves
        ]
        return np.stack([design @ coefficients for coefficients in drawn], axis=1)

    def interval(self, values: Ints, weights: Floats, move: int) -> tuple[float, float]:
        """Mean and standard deviation of a move's advantage averaged over situations with ``weights``."""
        mean_row = (weights @ self.subsets.holds(values)) / weights.sum()
        posterior = self.moves[move]
        return float(mean_row @ posterior.mean), float(np.sqrt(max(mean_row @ posterior.covariance @ mean_row, 0.0)))


def fit(subsets: Subsets, sources: Sequence[Samples]) -> AdvantageModel:
    """The model given samples of several kinds, each with its own noise level, estimated from it."""
    designs = [subsets.holds(source.values).astype(float) for source in sources]
    posteriors = []
    for move in range(len(subsets.game.moves)):
        rows: list[Floats] = [np.zeros((0, len(subsets.members)))]
        targets: list[Floats] = [np.zeros(0)]
        precisions: list[Floats] = [np.zeros(0)]
        for source, design in zip(sources, designs, strict=True):
            known = ~np.isnan(source.advantages[:, move]) & (source.weights > 0)
            if known.any():
                target, weight = source.advantages[known, move], source.weights[known]
                rows.append(design[known])
                targets.append(target)
                precisions.append(weight / _noise(target, weight))
        posteriors.append(
            _regress(np.concatenate(rows), np.concatenate(targets), np.concatenate(precisions), subsets.sizes)
        )
    return AdvantageModel(subsets, tuple(posteriors))


def _noise(target: Floats, weight: Floats) -> float:
    """The variance of the targets: an upper bound on their noise, and the value of it where effects are small."""
    mean = np.average(target, weights=weight)
    few = 1e-2 / len(target)  # one sample shows no spread: assume returns vary by a tenth
    return float(np.average((target - mean) ** 2, weights=weight) + few)


def smooth(subsets: Subsets, values: Ints, targets: Floats) -> Floats:
    """Each target's expected value given its situation: the same regression, for the baseline of evidence."""
    design = subsets.holds(values).astype(float)
    centre = targets.mean()
    precision = np.full(len(targets), 1 / _noise(targets, np.ones(len(targets))))
    return np.asarray(centre + design @ _regress(design, targets - centre, precision, subsets.sizes).mean)


def _regress(design: Floats, targets: Floats, precisions: Floats, sizes: Ints) -> Posterior:
    """Posterior of the coefficients under the pair of prior variances with the highest marginal likelihood."""
    gram = design.T @ (design * precisions[:, None])
    moment = design.T @ (targets * precisions)
    if len(design) < len(sizes):
        likelihood = _by_samples(design, targets, precisions, sizes)
    else:
        likelihood = _by_coefficients(gram, moment, sizes)
    _, main, pair = max(
        ((likelihood(main, pair), main, pair) for main in _MAIN for pair in _PAIR if pair <= main),
        key=lambda tried: tried[0],
    )
    scale = _scale(sizes, main, pair)
    covariance = scale[:, None] * np.linalg.inv(np.eye(len(scale)) + scale[:, None] * gram * scale) * scale
    return Posterior(covariance @ moment, covariance)


def _scale(sizes: Ints, main: float, pair: float) -> Floats:
    """(S,): the prior standard deviation of each coefficient."""
    scale: Floats = np.sqrt(np.select([sizes == 0, sizes == 1], [_OVERALL, main], pair))
    return scale


def _by_samples(design: Floats, targets: Floats, precisions: Floats, sizes: Ints) -> Likelihood:
    """log N(targets; 0, noise + design prior design') for N samples: (N, N) matrices, scaled by the noise."""
    root = np.sqrt(precisions)
    target, rows = root * targets, root[:, None] * design
    overall, single, paired = (rows[:, sizes == size] @ rows[:, sizes == size].T for size in range(3))

    def likelihood(main: float, pair: float) -> float:
        factor = np.linalg.cholesky(np.eye(len(rows)) + _OVERALL * overall + main * single + pair * paired)
        reduced = np.linalg.solve(factor, target)
        return float(-reduced @ reduced / 2 - np.log(np.diag(factor)).sum())

    return likelihood


def _by_coefficients(gram: Floats, moment: Floats, sizes: Ints) -> Likelihood:
    """The same up to what does not depend on the prior, for S coefficients: (S, S) matrices."""

    def likelihood(main: float, pair: float) -> float:
        scale = _scale(sizes, main, pair)
        factor = np.linalg.cholesky(np.eye(len(scale)) + scale[:, None] * gram * scale)
        reduced = np.linalg.solve(factor, scale * moment)
        return float(reduced @ reduced / 2 - np.log(np.diag(factor)).sum())

    return likelihood
