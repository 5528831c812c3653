"""Ratings of many players at once: Bradley-Terry by maximum likelihood, with bootstrap intervals.

Bradley and Terry, Biometrika 39 (1952); a tie is half a win for each side. Every player also has one virtual draw of
weight 1/2 against a virtual average player whose rating is fixed at 0. That anchors the scale, keeps an undefeated
player finite and compares players who never met through anyone. Results are never replayed in order: an online Elo
depends on the order of the games, this does not.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimize.stats.elo import ELO_PER_LOGIT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]
    Vector = NDArray[np.float64]

VIRTUAL_WEIGHT = 0.5
_STEPS = 100
_CONVERGED = 1e-10
_LONGEST_STEP = 4.0


@dataclass(frozen=True, slots=True)
class Result:
    """One game, or several summed up: ``score`` in [0, games] is what A got. Results that share a ``pair`` of a
    comparison depend on each other and are drawn together by the bootstrap; ``None`` stands alone."""

    a: str
    b: str
    score: float
    games: float = 1.0
    pair: Hashable = None

    def __post_init__(self) -> None:
        if self.a == self.b or not 0 <= self.score <= self.games:
            raise ValueError(f"a result is between two players and its score is between 0 and its games: {self}")


@dataclass(frozen=True, slots=True)
class Rating:
    """``elo`` is relative to the virtual average player; ``score`` and ``games`` are the player's own totals."""

    player: str
    elo: float
    elo_low: float
    elo_high: float
    games: float
    score: float


def rate(results: Sequence[Result], *, samples: int = 400, alpha: float = 0.05, seed: int = 0) -> list[Rating]:
    """Rate everybody in ``results``, best first; with ``samples`` 0 the intervals are the ratings themselves.

    Intervals are percentiles over ``samples`` resamplings of whole pairs, widened to hold the rating where need be.
    They measure the luck of the draw of games and say little where a player never lost or never won.
    """
    import numpy as np

    if not results:
        return []
    players = sorted({name for result in results for name in (result.a, result.b)})
    table = _Table.of(results, players)
    wins = table.wins(table.counts)
    ratings = fit(wins)
    rng = np.random.default_rng(seed)
    fits = [fit(table.wins(table.draw(rng)), ratings) for _ in range(samples)] or [ratings]
    low, high = np.quantile(np.array(fits), [alpha / 2, 1 - alpha / 2], axis=0)
    rows = [
        Rating(
            player=name,
            elo=ELO_PER_LOGIT * float(ratings[i]),
            elo_low=ELO_PER_LOGIT * float(min(low[i], ratings[i])),
            elo_high=ELO_PER_LOGIT * float(max(high[i], ratings[i])),
            games=float(wins[i].sum() + wins[:, i].sum()),
            score=float(wins[i].sum()),
        )
        for i, name in enumerate(players)
    ]
    return sorted(rows, key=lambda row: (-row.elo, row.player))


def fit(wins: "Matrix", start: "Vector | None" = None) -> "Vector":
    """Maximum likelihood ratings in logits; ``wins[i, j]`` is what i scored against j (shape n x n, zero diagonal).

    The likelihood with its virtual draws is strictly concave, so Newton's method with shortened steps always arrives.
    """
    import numpy as np

    played = wins + wins.T
    ratings = np.zeros(len(wins)) if start is None else start.copy()
    for _ in range(_STEPS):
        expected = _sigmoid(ratings[:, None] - ratings[None, :])
        average = _sigmoid(ratings)
        gradient = (wins - played * expected).sum(axis=1) + VIRTUAL_WEIGHT * (0.5 - average)
        weight = played * expected * (1 - expected)
        hessian = np.diag(weight.sum(axis=1) + VIRTUAL_WEIGHT * average * (1 - average)) - weight
        step = np.linalg.solve(hessian, gradient)
        step *= min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), 1e-300))
        best = _log_likelihood(wins, ratings)
        while _log_likelihood(wins, ratings + step) < best - 1e-12 * abs(best):
            step /= 2
        ratings = ratings + step
        if float(np.abs(step).max()) < _CONVERGED:
            break
    return ratings


def _sigmoid(x: "Matrix") -> "Matrix":
    import numpy as np

    return 0.5 * (1 + np.tanh(x / 2))


def _log_likelihood(wins: "Matrix", ratings: "Vector") -> float:
    import numpy as np

    games = -(wins * np.logaddexp(0, ratings[None, :] - ratings[:, None])).sum()
    virtual = -VIRTUAL_WEIGHT / 2 * (np.logaddexp(0, ratings) + np.logaddexp(0, -ratings)).sum()
    return float(games + virtual)


@dataclass(frozen=True, slots=True)
class _Table:
    """Results grouped into units that are drawn as a whole; equal units are kept once, with their count.

    ``units``, ``cells`` and ``scores`` are parallel: unit ``units[r]`` adds ``scores[r]`` to flat cell ``cells[r]``.
    """

    size: int
    counts: "Vector"
    units: "NDArray[np.intp]"
    cells: "NDArray[np.intp]"
    scores: "Vector"

    @classmethod
    def of(cls, results: Sequence[Result], players: Sequence[str]) -> "_Table":
        import numpy as np

        index = {name: i for i, name in enumerate(players)}
        size = len(players)
        grouped: dict[Hashable, dict[int, float]] = {}
        for n, result in enumerate(results):
            key = ("alone", n) if result.pair is None else ("pair", result.pair)
            cells = grouped.setdefault(key, {})
            a, b = index[result.a], index[result.b]
            for cell, score in ((a * size + b, result.score), (b * size + a, result.games - result.score)):
                cells[cell] = cells.get(cell, 0.0) + score
        counts: dict[tuple[tuple[int, float], ...], int] = {}
        for cells in grouped.values():
            unit = tuple(sorted(cells.items()))
            counts[unit] = counts.get(unit, 0) + 1
        rows = [(n, cell, score) for n, unit in enumerate(sorted(counts)) for cell, score in unit]
        return cls(
            size,
            np.array([counts[unit] for unit in sorted(counts)], dtype=np.float64),
            np.array([row[0] for row in rows], dtype=np.intp),
            np.array([row[1] for row in rows], dtype=np.intp),
            np.array([row[2] for row in rows], dtype=np.float64),
        )

    def wins(self, counts: "Vector") -> "Matrix":
        """The n x n table of scores when each unit occurred ``counts`` times."""
        import numpy as np

        flat = np.bincount(self.cells, weights=self.scores * counts[self.units], minlength=self.size**2)
        return np.asarray(flat, dtype=np.float64).reshape(self.size, self.size)

    def draw(self, rng: "np.random.Generator") -> "Vector":
        """As many units as there are, drawn with replacement."""
        import numpy as np

        total = int(self.counts.sum())
        return rng.multinomial(total, self.counts / total).astype(np.float64)
