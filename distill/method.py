"""The numbers of one training run, and which suit a base of some size and a lesson of some length.

A pass meets every question once, so what a run costs is passes times questions. A base needs some hundreds of steps to
learn anything: few questions are passed over more often than many, in smaller steps. Knows nothing about models.
"""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from models.errors import BadInput

SMALL = 20_000_000
"""Parameters below which a base is small: it needs a larger adapter and learning rate, and trains in float32."""

STEPS = 360
"""About as many steps as a large base trains for."""
STEPS_A_PASS = 16
"""More than that in one pass, and a step takes more turns."""
FEWEST, MOST = 4, 40
"""Passes over the questions: fewer teach too little even of many, more only what one has learned."""
LARGEST_BATCH = 16
LENGTH = 256
"""Tokens of a sequence: what attention costs grows with it, and turns share no more than the system prompt."""
RATE, RATE_SIZE, RATE_FALL = 1e-3, 135e6, 0.4
"""The peak rate for a base of that many parameters, and the power by which it falls: 2e-4 at 7 billion."""

Optimizer = Literal["muon", "adamw"]


@dataclass(frozen=True, slots=True)
class Lesson:
    """How much there is to learn: different ``questions``, in so many ``sequences`` of about ``LENGTH`` tokens."""

    questions: int
    sequences: int


@dataclass(frozen=True, slots=True)
class Method:
    """The numbers of one training run; with the base and the dataset they decide the student.

    ``rank``, ``alpha``: of the adapter, on every linear layer; ``rate``: the peak learning rate, cosine down to 0;
    ``epochs``: passes over the questions at most; ``length``: tokens of a training sequence; ``batch``: sequences a
    step; ``patience``: checks in a row in which moves on held-out turns are worth clearly less than before, after which
    it stops and goes back, 0 for never; ``optimizer``: Muon learns in half the steps but keeps to no scale that larger
    models are used to; ``bits``: 4 where the frozen base is held in 4 bits, 0 where it is held as it is.
    """

    rank: int = 64
    alpha: int = 128
    rate: float = 5e-3
    epochs: int = 60
    length: int = 128
    batch: int = 4
    patience: int = 0
    optimizer: Optimizer = "muon"
    seed: int = 1
    bits: Literal[0, 4] = 0

    @classmethod
    def suited(cls, parameters: int, lesson: Lesson, seed: int = 1) -> "Method":
        """A method for a base of this size and a lesson of this length."""
        if parameters < SMALL:
            return cls(seed=seed)
        batch = min(max(1, lesson.sequences // STEPS_A_PASS), LARGEST_BATCH)
        steps = -(-lesson.sequences // batch)
        return cls(
            rank=16,
            alpha=32,
            rate=float(f"{RATE * (RATE_SIZE / parameters) ** RATE_FALL:.1e}"),
            epochs=min(max(-(-STEPS // steps), FEWEST), MOST),
            length=LENGTH,
            batch=batch,
            patience=3,
            optimizer="adamw",
            seed=seed,
        )

    def stated(self) -> dict[str, Any]:
        """As JSON; a number that came later is left out where it is not set, so that older students keep their ids."""
        return {name: value for name, value in asdict(self).items() if name not in YOUNGER or value}


YOUNGER = frozenset({"bits"})


@dataclass(frozen=True, slots=True)
class Wishes:
    """Numbers of a method that somebody chose; ``None`` is what suits. ``alpha`` stays twice the rank."""

    passes: int | None = None
    rank: int | None = None
    learning_rate: float | None = None
    length: int | None = None
    batch: int | None = None
    patience: int | None = None
    optimizer: Optimizer | None = None
    bits: Literal[4] | None = None

    def __post_init__(self) -> None:
        if self.learning_rate is not None and not 0 < self.learning_rate < math.inf:
            raise BadInput(f"a learning rate of {self.learning_rate:g} teaches nothing: set one above 0, e.g. 1e-3")

    def over(self, others: "Wishes") -> "Wishes":
        """These wishes, and those of ``others`` where there is none here."""
        mine = {name: wish for name, wish in asdict(self).items() if wish is not None}
        return replace(others, **mine)

    def applied(self, method: Method) -> Method:
        """``method`` with these numbers in place of its own."""
        named: dict[str, Any] = {name: wish for name, wish in asdict(self).items() if wish is not None}
        if self.rank is not None:
            named["alpha"] = 2 * self.rank
        return replace(method, **{FIELDS.get(name, name): wish for name, wish in named.items()})


FIELDS = {"passes": "epochs", "learning_rate": "rate"}
"""What a wish is called in a method, where it has another name."""
