"""What the stages of a night give: typed records, kept as the results of its steps.

Field names are the keys of the stored JSON. Knows nothing about how a stage comes to its result.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from distill.check import Kept, StudentCheck
from distill.train import Fit
from optimize.guard import Ground
from optimize.stats.pairs import Counts

Interval = tuple[float, float, float]
"""An estimate with the bounds of its 95 % interval: (estimate, low, high)."""

LeagueScores = dict[str, dict[str, float | None]]
"""The mean pair score of each player against each member of the league; ``None`` where they did not meet."""


@dataclass(frozen=True, slots=True)
class Opponents:
    """The players that the night is about, by names that stay the same all night."""

    opponents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Began:
    """The ids of the champions that the night starts from; ``past`` were certified before, the newest first."""

    working: str
    certified: str
    past: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LeaguePlayed:
    """A round's games against the league. ``score`` is the mean over all pairs, ``scores`` by opponent."""

    prompt: str
    episodes: tuple[str, ...]
    score: float
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class WhatIfsReplayed:
    """How many turns were replayed with other moves."""

    what_ifs: int


@dataclass(frozen=True, slots=True)
class Candidates:
    """Ids of the candidate prompts of a round."""

    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GroundLost:
    """A candidate that beat the champion and does worse than it against a group: mean pair scores of both."""

    prompt: str
    group: str
    candidate: float
    champion: float

    @classmethod
    def of(cls, prompt: str, group: str, ground: Ground) -> "GroundLost":
        return cls(prompt, group, ground.candidate, ground.champion)


@dataclass(frozen=True, slots=True)
class TrialOutcome:
    """A round's trial: the champions after it and its comparisons, all by id.

    ``promoted`` is the comparison by which a candidate became the certified champion, and ``gain`` its measured gain in
    mean pair score above one half; both are ``None`` where nothing was promoted.
    """

    working: str
    certified: str
    promoted: str | None
    comparisons: tuple[str, ...]
    gain: Interval | None
    refused: tuple[GroundLost, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """The mean pair score of one prompt against another on pairs that decided nothing, with its 95 % interval."""

    comparison: str
    score: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Controlled:
    """The champion against itself: ``evidence`` is the e-value that one side is better, whichever it is."""

    pairs: int
    evidence: float
    verdict: str


@dataclass(frozen=True, slots=True)
class Effects:
    """What each rule is worth in mean pair score, by the id of its guidance item."""

    effects: Mapping[str, Interval]


@dataclass(frozen=True, slots=True)
class Trained:
    """A student and its dataset, by id: learned from ``turns``, of which ``practised`` come from its own practice."""

    student: str
    dataset: str
    turns: int
    practised: int
    before: Fit
    after: Fit


@dataclass(frozen=True, slots=True)
class Checked:
    """The student against the certified champion, and what it keeps of its teacher's score.

    ``confirmation_counts`` are the five counts of its fresh pairs; ``faster`` is how many of its decisions fit into one
    of the teacher's.
    """

    verdict: str
    comparison_id: str
    confirmation_counts: tuple[int, ...]
    kept: Kept
    faster: float

    @classmethod
    def of(cls, check: StudentCheck) -> "Checked":
        counts = tuple(check.confirmation.counts)
        return cls(check.gate.verdict, check.comparison_id, counts, check.kept, check.faster)

    @property
    def score(self) -> float:
        """The mean pair score of the fresh pairs."""
        return Counts(*self.confirmation_counts).mean
