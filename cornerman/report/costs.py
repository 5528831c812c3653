"""What the night's players cost: decisions, tokens, dollars, time, from the turns that were stored."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from cornerman.format import dollars, listed, number
from cornerman.report import queries
from cornerman.report.names import Names
from cornerman.report.queries import SeatCosts
from cornerman.report.view import Cost
from episodes.store.lost import Lost
from episodes.store.runs import Runs
from episodes.store.store import Store


def costs(store: Store, night: str, names: Names) -> tuple[Cost, ...]:
    """One row for each player that is not a bot, the costliest in tokens first."""
    merged: dict[str, list[SeatCosts]] = {}
    for row in queries.seat_costs(store, night):
        merged.setdefault(names.player(row.player, row.model, row.prompt_id), []).append(row)
    lost: dict[str, Lost] = {}
    for who, its in queries.night_losses(store, night).items():
        name = names.player(*who)
        lost[name] = lost.get(name, Lost()) + its
    found = [_cost(name, parts, lost.get(name, Lost())) for name, parts in merged.items()]
    return tuple(sorted(found, key=lambda cost: (-cost.tokens_in - cost.tokens_out, cost.player)))


def _cost(name: str, parts: list[SeatCosts], lost: Lost) -> Cost:
    latencies = [value for part in parts for value in part.latencies]
    return Cost(
        player=name,
        episodes=sum(part.episodes for part in parts),
        turns=sum(part.turns for part in parts),
        tokens_in=sum(part.tokens_in for part in parts),
        tokens_out=sum(part.tokens_out for part in parts),
        usd=sum(part.usd for part in parts),
        latency_ms=statistics.median(latencies) if latencies else None,
        lost=lost,
    )


@dataclass(frozen=True, slots=True)
class Spent:
    """What hosted models took, reflection and all else that is no turn included; ``unpriced`` are counted as free."""

    usd: float
    tokens: int
    unpriced: tuple[str, ...]
    called: bool
    """Whether any was called at all."""


def spent(store: Store, night: str) -> Spent:
    """From the night's ledger, which knows calls that were not turns."""
    found = Runs(store).spending(night)
    return Spent(
        usd=sum(total.cost_usd for total in found.values()),
        tokens=sum(total.tokens_in + total.tokens_out for total in found.values()),
        unpriced=tuple(model for model, total in found.items() if not total.priced),
        called=bool(found),
    )


def total(found: Spent, rows: Iterable[Cost]) -> str:
    """A sentence about money and tokens."""
    local = sum(cost.tokens_in + cost.tokens_out for cost in rows)
    if not found.called:
        return f"No hosted model was called: US$ 0. The models on this machine read and wrote {number(local)} tokens."
    text = f"Hosted models cost {dollars(found.usd)} for {number(found.tokens)} tokens, reflection included."
    return text + (f" The price of {listed(found.unpriced)} is not known and not counted." if found.unpriced else "")
