"""What the report shows, as plain values: ``gather`` fills it from the store, the page lays it out."""

from dataclasses import dataclass, field

from cornerman.losing import lost_words
from cornerman.report.charts import Bar, EvidenceChart, IntervalChart
from cornerman.report.stage import Staged
from distill.train import Point
from episodes.store.lost import Lost


@dataclass(frozen=True, slots=True)
class Fact:
    """One of the figures at the top: ``value`` is large, ``note`` small below it."""

    label: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class Duel:
    """A comparison as the page shows it; ``role`` says what it decided."""

    role: str
    a: str
    b: str
    counts: tuple[int, ...]
    pairs: int
    e_value: str
    verdict: str
    gain: str
    through: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A turn that a rule cites; the page has it under ``anchor``."""

    anchor: str
    episode: str
    turn: int
    note: str
    situation: str
    observation: str
    move: str
    reply: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Guidance:
    id: str
    text: str
    remark: str
    origin: str
    status: str
    effect: str
    left: float
    """Where the effect's interval begins and ends, as shares of a scale from -50 to +50 points; negative if not
    measured."""
    right: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    value: float | None
    note: str


@dataclass(frozen=True, slots=True)
class Matrix:
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


@dataclass(frozen=True, slots=True)
class Student:
    id: str
    base_model: str
    bars: tuple[Bar, ...]
    words: str
    training: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    player: str
    episodes: int
    turns: int
    tokens_in: int
    tokens_out: int
    usd: float
    latency_ms: float | None
    """The median over its games of a decision's median time; ``None`` where no time was recorded."""
    lost: Lost
    """Decisions that came to nothing."""

    @property
    def kinds(self) -> str:
        """The lost decisions by what was wrong with them; nothing where there are none."""
        return lost_words(self.lost) if self.lost.all else ""


@dataclass(frozen=True, slots=True)
class View:
    """Everything on the page."""

    night: str
    title: str
    when: str
    story: tuple[str, ...]
    facts: tuple[Fact, ...]
    strength: IntervalChart | None
    curves: EvidenceChart | None
    comparisons: tuple[Duel, ...]
    guidance: tuple[Guidance, ...]
    matrix: Matrix | None
    student: Student | None
    costs: tuple[Cost, ...]
    total_cost: str
    game: Staged | None
    undo: tuple[tuple[str, str], ...]
    """Commands and what they do."""
    prompts: tuple[tuple[str, str, str], ...] = ()
    """Name, id and text of the prompts the page speaks of."""
    notes: tuple[str, ...] = field(default=())
    opponents: tuple[str, ...] = ()
    """Whom the night was about, if anybody."""
