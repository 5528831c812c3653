"""A stored episode as it is listed: its seats with the totals of their turns, and no turns."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SeatSummary:
    """A seat of a listed episode, with the totals of its turns."""

    player: str
    model: str
    prompt_id: str | None
    score: float
    turns: int
    illegal: int
    unreadable: int
    refused: int
    timeouts: int
    latency_p50_ms: float | None
    tokens_in: int
    tokens_out: int
    cost_usd: float
    result: float
    faults: int


@dataclass(frozen=True, slots=True)
class EpisodeSummary:
    """An episode without its turns. ``seats`` are in seat order."""

    id: str
    game: str
    seed: int
    clock: str
    purpose: str
    pair_id: str | None
    night_id: str | None
    started: str
    seconds: float
    ticks: int
    ended_by: str
    seats: tuple[SeatSummary, ...]
