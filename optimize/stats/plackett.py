"""Ratings from rankings of more than two players: Plackett-Luce by maximum likelihood, with bootstrap intervals.

Plackett, Applied Statistics 24 (1975): the best of a ranking is chosen among all with a chance in proportion to its
worth, then the next among the rest, and so on. Hunter, Annals of Statistics 32 (2004), shows that the likelihood is
that of Bradley and Terry's model grown to more players, and has one maximum; it is found here by Newton's method,
because Hunter's own algorithm needs thousands of steps where a player never lost (the tests use it as a check).

A tie stands for every order of the tied players, each with the same weight. So a ranking of two is exactly a result of
``ratings.rate``, a tie of two is half a win for each, and the virtual draws are the same as there.
"""

import itertools
import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimize.stats.elo import ELO_PER_LOGIT
from optimize.stats.ratings import VIRTUAL_WEIGHT, Rating

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]
    Vector = NDArray[np.float64]

MOST_TIED = 16
"""Players in one tie: every subset of them is looked at, 65,536 of so many."""
_STEPS = 100
_CONVERGED = 1e-10
_LONGEST_STEP = 4.0


@dataclass(frozen=True, slots=True)
class Ranking:
    """One game: ``places`` from the best to the last, players who tied in one place. Rankings that share a ``group``
    (one table in all its seatings) depend on each other and are drawn together; ``None`` stands alone."""

    places: tuple[tuple[str, ...], ...]
    group: Hashable = None

    def __post_init__(self) -> None:
        players = self.players
        if len(players) < 2 or len(set(players)) < len(players) or not all(self.places):
            raise ValueError(f"a ranking has two players or more, each once: {self.places}")
        if max(map(len, self.places)) > MOST_TIED:
            raise ValueError(f"a tie of more than {MOST_TIED} players cannot be rated")

    @classmethod
    def of(cls, values: Sequence[tuple[str, float]], group: Hashable = None) -> "Ranking":
        """From each player's result, higher is better; equal results tie."""
        places: dict[float, list[str]] = {}
        for player, value in values:
            places.setdefault(value, []).append(player)
        return cls(tuple(tuple(places[value]) for value in sorted(places, reverse=True)), group)

    @property
    def players(self) -> tuple[str, ...]:
        return tuple(itertools.chain.from_iterable(self.places))

    def points(self) -> dict[str, float]:
        """The share of the others that each player was ahead of, a tie counting half: in [0, 1]."""
        shares: dict[str, float] = {}
        behind = others = len(self.players) - 1
        for place in self.places:
            behind -= len(place) - 1
            for player in place:
                shares[player] = (behind + (len(place) - 1) / 2) / others
            behind -= 1
        return shares


def rate_rankings(
    rankings: Sequence[Ranking], *, samples: int = 400, alpha: float = 0.05, seed: int = 0
) -> list[Rating]:
    """Rate everybody in ``rankings``, best first, on the scale of ``ratings.rate``.

    ``score`` is the sum of ``Ranking.points``. Intervals are percentiles over ``samples`` resamplings of whole groups,
    widened to hold the rating where need be; with ``samples`` 0 they are the ratings themselves.
    """
    import numpy as np

    if not rankings:
        return []
    players = sorted({player for ranking in rankings for player in ranking.players})
    table = _Table.of(rankings, players)
    ratings = table.fit(table.counts)
    rng = np.random.default_rng(seed)
    fits = [table.fit(table.draw(rng), ratings) for _ in range(samples)] or [ratings]
    low, high = np.quantile(np.array(fits), [alpha / 2, 1 - alpha / 2], axis=0)
    games, scores = dict.fromkeys(players, 0), dict.fromkeys(players, 0.0)
    for ranking in rankings:
        for player, share in ranking.points().items():
            games[player] += 1
            scores[player] += share
    rows = [
        Rating(
            player=name,
            elo=ELO_PER_LOGIT * float(ratings[i]),
            elo_low=ELO_PER_LOGIT * float(min(low[i], ratings[i])),
            elo_high=ELO_PER_LOGIT * float(max(high[i], ratings[i])),
            games=float(games[name]),
            score=scores[name],
        )
        for i, name in enumerate(players)
    ]
    return sorted(rows, key=lambda row: (-row.elo, row.player))


Terms = tuple[dict[int, float], dict[frozenset[int], float]]


def terms(ranking: Ranking, index: dict[str, int]) -> Terms:
    """The log-likelihood of a ranking as sum_i chosen[i] r_i - sum_S weights[S] log(sum over S of exp r).

    ``chosen`` maps a player to how often it was chosen, ``weights`` a set of players to how often a choice was among
    them. Averaged over the orders of a tie of m, k of the tied are left at one stage, every k of them alike.
    """
    chosen: dict[int, float] = {}
    weights: dict[frozenset[int], float] = {}
    below: frozenset[int] = frozenset()
    for place in reversed(ranking.places):
        tied = sorted(index[player] for player in place)
        for player in tied:
            chosen[player] = chosen.get(player, 0.0) + 1.0
        for k in range(1, len(tied) + 1):
            share = 1 / math.comb(len(tied), k)
            for left in itertools.combinations(tied, k):
                among = below.union(left)
                weights[among] = weights.get(among, 0.0) + share
        below = below.union(tied)
    return chosen, weights


@dataclass(frozen=True, slots=True)
class _Table:
    """Rankings summed up by group; equal groups are kept once, with their count.

    ``chosen`` has shape groups x players and ``members`` sets x players, with 1 for a member. ``units``, ``sets`` and
    ``times`` are parallel: in group ``units[r]`` there were ``times[r]`` choices among set ``sets[r]``.
    """

    counts: "Vector"
    chosen: "Matrix"
    members: "Matrix"
    units: "NDArray[np.intp]"
    sets: "NDArray[np.intp]"
    times: "Vector"

    @classmethod
    def of(cls, rankings: Sequence[Ranking], players: Sequence[str]) -> "_Table":
        import numpy as np

        index = {name: i for i, name in enumerate(players)}
        grouped: dict[Hashable, Terms] = {}
        for n, ranking in enumerate(rankings):
            key = ("alone", n) if ranking.group is None else ("group", ranking.group)
            chosen, weights = grouped.setdefault(key, ({}, {}))
            picked, weighed = terms(ranking, index)
            for player, often in picked.items():
                chosen[player] = chosen.get(player, 0.0) + often
            for among, often in weighed.items():
                weights[among] = weights.get(among, 0.0) + often
        # Sorted, so that the order of the rankings cannot change what the bootstrap draws.
        counts = Counter(
            (tuple(sorted(chosen.items())), tuple(sorted((tuple(sorted(one)), n) for one, n in weights.items())))
            for chosen, weights in grouped.values()
        )
        groups = sorted(counts)
        members = sorted({one for _, parts in groups for one, _ in parts})
        at = {one: n for n, one in enumerate(members)}
        triples = [(row, at[one], often) for row, (_, parts) in enumerate(groups) for one, often in parts]
        picks, inside = np.zeros((len(groups), len(players))), np.zeros((len(members), len(players)))
        for row, (parts, _) in enumerate(groups):
            for column, value in parts:
                picks[row, column] = value
        for one, row in at.items():
            inside[row, list(one)] = 1.0
        return cls(
            np.array([counts[group] for group in groups], dtype=np.float64),
            picks,
            inside,
            np.array([row for row, _, _ in triples], dtype=np.intp),
            np.array([column for _, column, _ in triples], dtype=np.intp),
            np.array([often for _, _, often in triples], dtype=np.float64),
        )

    def draw(self, rng: "np.random.Generator") -> "Vector":
        """As many groups as there are, drawn with replacement."""
        import numpy as np

        total = int(self.counts.sum())
        return rng.multinomial(total, self.counts / total).astype(np.float64)

    def fit(self, counts: "Vector", start: "Vector | None" = None) -> "Vector":
        """The ratings in logits that are most likely when each group occurred ``counts`` times.

        With its virtual draws the likelihood is strictly concave, so Newton's method with shortened steps arrives.
        """
        import numpy as np

        chosen = counts @ self.chosen
        weights = np.asarray(
            np.bincount(self.sets, weights=self.times * counts[self.units], minlength=len(self.members)), np.float64
        )
        ratings = np.zeros(self.members.shape[1]) if start is None else start.copy()
        for _ in range(_STEPS):
            shares = self._shares(ratings)
            average = 0.5 * (1 + np.tanh(ratings / 2))
            gradient = chosen - weights @ shares + VIRTUAL_WEIGHT * (0.5 - average)
            weighted = weights[:, None] * shares
            curve = weighted.sum(axis=0) + VIRTUAL_WEIGHT * average * (1 - average)
            step = np.linalg.solve(np.diag(curve) - shares.T @ weighted, gradient)
            step *= min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), 1e-300))
            best = self._log_likelihood(chosen, weights, ratings)
            while self._log_likelihood(chosen, weights, ratings + step) < best - 1e-12 * abs(best):
                step /= 2
            ratings = ratings + step
            if float(np.abs(step).max()) < _CONVERGED:
                break
        return ratings

    def _shares(self, ratings: "Vector") -> "Matrix":
        """The chance of each player to be chosen from each set, shape sets x players."""
        import numpy as np

        worth = self.members * np.exp(ratings - ratings.max())
        return np.asarray(worth / worth.sum(axis=1, keepdims=True))

    def _log_likelihood(self, chosen: "Vector", weights: "Vector", ratings: "Vector") -> float:
        import numpy as np

        top = ratings.max()
        games = chosen @ ratings - weights @ (np.log(self.members @ np.exp(ratings - top)) + top)
        virtual = -VIRTUAL_WEIGHT / 2 * (np.logaddexp(0, ratings) + np.logaddexp(0, -ratings)).sum()
        return float(games + virtual)
