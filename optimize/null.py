"""Simulated nights: how often does the real trial promote candidates that are truly equal to the champion?

Pairs are drawn and not played; everything else is the night's own code (``optimize.trial``). The same simulation with
truly better candidates measures power. Knows nothing about games: a candidate is its true five-count distribution.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from episodes.pairs import PairResult
from episodes.record import Purpose
from optimize.seeds import derive
from optimize.stats.elo import score_of_elo
from optimize.stats.pairs import SCORES, mean
from optimize.trial import Trial, TrialRule, trial

Distribution = tuple[float, ...]

SHAPES: dict[str, Distribution] = {
    "decisive": (0.20, 0.06, 0.48, 0.06, 0.20),
    "mixed": (0.10, 0.20, 0.40, 0.20, 0.10),
    "drawish": (0.02, 0.13, 0.70, 0.13, 0.02),
    "sided": (0.05, 0.02, 0.86, 0.02, 0.05),
}
"""Pair results of equal players, from few drawn games to many, and one where the side decides most games."""

SHARED = 0.3
"""The share of seeds on which all candidates have the same luck, since they play the same starts."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """A player whose pairs against the champion have the results ``distribution``; ``name`` tells equal ones apart."""

    name: str
    distribution: Distribution


@dataclass(frozen=True, slots=True)
class SimulatedSource:
    """A pair source that draws; the second player's distribution is not used. Same seed, same result."""

    async def play(self, a: Simulated, b: Simulated, seeds: Sequence[int], purpose: Purpose) -> list[PairResult]:
        return [PairResult(seed, f"{a.name} {b.name} {seed}", ("", ""), self._draw(a, seed)) for seed in seeds]

    def _draw(self, a: Simulated, seed: int) -> int:
        shared = derive("shared", seed) < SHARED * 2**63
        u = derive("luck", seed, "" if shared else a.name) / 2**63
        for k, share in enumerate(a.distribution):
            u -= share
            if u < 0:
                return k
        return len(a.distribution) - 1


def moved(shape: Distribution, elo: float) -> Distribution:
    """``shape`` tilted exponentially so that its mean is L(``elo``): the nearest distribution in relative entropy."""
    target, low, high = score_of_elo(elo), 1e-9, 1e9
    while high / low > 1 + 1e-13:
        tilt = (low * high) ** 0.5
        weights = [share * tilt**a for share, a in zip(shape, SCORES, strict=True)]
        low, high = (tilt, high) if mean(weights) < target else (low, tilt)
    return tuple(weight / sum(weights) for weight in weights)


@dataclass(frozen=True, slots=True)
class NullNight:
    """The plan of a simulated night; the defaults are those of ``--size demo``.

    The gate counts all candidates of all rounds. ``elos`` are the candidates' true gains, 0 for the rest.
    """

    rounds: int = 2
    candidates: int = 6
    rule: TrialRule = field(default_factory=TrialRule)
    elos: tuple[float, ...] = ()

    @property
    def counted(self) -> TrialRule:
        return replace(self.rule, gate=replace(self.rule.gate, candidates=self.rounds * self.candidates))


@dataclass(frozen=True, slots=True)
class NightResult:
    shape: str
    trials: list[Trial]

    @property
    def promoted(self) -> list[Trial]:
        return [trial for trial in self.trials if trial.promoted is not None]


def simulate_night(plan: NullNight, seed: int, number: int) -> NightResult:
    """Night ``number``: its rounds one after the other, as in life until something is promoted."""
    shape = list(SHAPES)[number % len(SHAPES)]
    source, champion = SimulatedSource(), Simulated("champion", SHAPES[shape])
    trials: list[Trial] = []
    for at in range(plan.rounds):
        elos = [*plan.elos, *[0.0] * plan.candidates][: plan.candidates]
        candidates = [
            Simulated(f"{at}.{n}", moved(SHAPES[shape], elo) if elo else SHAPES[shape]) for n, elo in enumerate(elos)
        ]
        root = f"null {seed} {number} {at}"
        trials.append(asyncio.run(trial(source, candidates, champion, plan.counted, root)))
        if trials[-1].promoted is not None:
            break
    return NightResult(shape, trials)


@dataclass(frozen=True, slots=True)
class NullReport:
    """``false_promotions`` counts nights that promoted anything, ``by_shape`` splits them by how results fall.

    ``working_moves`` counts nights whose working champion moved, which it is meant to do easily; ``candidates`` is the
    number a night, ``pairs`` the mean number of pairs a night.
    """

    nights: int
    false_promotions: int
    alpha: float
    candidates: int
    working_moves: int
    pairs: float
    by_shape: dict[str, int]


@dataclass(frozen=True, slots=True)
class PowerReport:
    """``promoted`` counts nights that promoted the better candidate, ``wrong`` those that promoted an equal one.

    Gains are mean pair scores above 1/2: ``true`` the truth, ``stopping`` what race and gate show at the moment of
    promotion, ``confirmed`` what the confirmation shows; ``None`` where nothing was promoted.
    """

    elo: float
    nights: int
    promoted: int
    wrong: int
    pairs: float
    true: float
    stopping: float | None
    confirmed: float | None


def bench_null(nights: int = 300, seed: int = 0, plan: NullNight | None = None) -> NullReport:
    """Simulate ``nights`` nights of candidates that are all equal to the champion."""
    plan = plan or NullNight()
    results = [simulate_night(plan, seed, number) for number in range(nights)]
    false = sum(bool(night.promoted) for night in results)
    return NullReport(
        nights=nights,
        false_promotions=false,
        alpha=plan.rule.gate.alpha,
        candidates=plan.rounds * plan.candidates,
        working_moves=sum(any(trial.working is not None for trial in night.trials) for night in results),
        pairs=sum(map(_pairs, results)) / nights if nights else 0.0,
        by_shape={shape: sum(bool(night.promoted) for night in results if night.shape == shape) for shape in SHAPES},
    )


def bench_power(elo: float, nights: int = 200, seed: int = 0, plan: NullNight | None = None) -> PowerReport:
    """Simulate nights in which one candidate a round is truly ``elo`` better and the others are equal."""
    plan = replace(plan or NullNight(), elos=(elo,))
    results = [simulate_night(plan, seed, number) for number in range(nights)]
    right = [trial for night in results for trial in night.promoted if trial.promoted == 0]
    wrong = sum(trial.promoted != 0 for night in results for trial in night.promoted)
    stopping = [trial.evidence(0).counts.mean - 0.5 for trial in right]
    confirmed = [trial.confirmation.gain for trial in right if trial.confirmation is not None]
    return PowerReport(
        elo=elo,
        nights=nights,
        promoted=len(right),
        wrong=wrong,
        pairs=sum(map(_pairs, results)) / nights if nights else 0.0,
        true=score_of_elo(elo) - 0.5,
        stopping=sum(stopping) / len(stopping) if stopping else None,
        confirmed=sum(confirmed) / len(confirmed) if confirmed else None,
    )


def _pairs(night: NightResult) -> int:
    """All pairs of a night, the confirmation's included."""
    total = 0
    for one in night.trials:
        total += sum(entrant.own.counts.total for entrant in one.entrants)
        total += sum(result.own.counts.total for result in one.gates.values())
        total += one.confirmation.counts.total if one.confirmation else 0
    return total
