"""What the night's players cost: decisions, tokens, dollars, time, from the turns that were stored."""

import statistics
from collections.abc import Iterable

from cornerman.report import queries
from cornerman.report.names import Names
from cornerman.report.queries import SeatCosts
from cornerman.report.view import Cost
from episodes.store.runs import Runs
from episodes.store.store import Store


def costs(store: Store, night: str, names: Names) -> tuple[Cost, ...]:
    """One row for each player that is not a bot, the costliest in tokens first."""
    merged: dict[str, list[SeatCosts]] = {}
    for row in queries.seat_costs(store, night):
        merged.setdefault(names.player(row.player, row.model, row.prompt_id), []).append(row)
    found = [_cost(name, parts) for name, parts in merged.items()]
    return tuple(sorted(found, key=lambda cost: (-cost.tokens_in - cost.tokens_out, cost.player)))


def _cost(name: str, parts: list[SeatCosts]) -> Cost:
    latencies = [value for part in parts for value in part.latencies]
    return Cost(
        player=name,
        episodes=sum(part.episodes for part in parts),
        turns=sum(part.turns for part in parts),
        tokens_in=sum(part.tokens_in for part in parts),
        tokens_out=sum(part.tokens_out for part in parts),
        usd=sum(part.usd for part in parts),
        latency=milliseconds(statistics.median(latencies)) if latencies else "",
        bad=sum(part.bad for part in parts),
    )


def total(store: Store, night: str, rows: Iterable[Cost]) -> str:
    """A sentence about money and tokens; the ledger knows calls that were not turns, such as reflections."""
    spent = Runs(store).spending(night)
    usd = sum(total.cost_usd for total in spent.values())
    called = sum(total.tokens_in + total.tokens_out for total in spent.values())
    local = sum(cost.tokens_in + cost.tokens_out for cost in rows)
    if not spent:
        return f"No hosted model was called: US$ 0. The models on this machine read and wrote {local:,} tokens."
    unknown = [model for model, total in spent.items() if not total.priced]
    text = f"Hosted models cost US$ {usd:.4f} for {called:,} tokens, reflection included."
    return text + (f" The price of {', '.join(unknown)} is not known and not counted." if unknown else "")


def milliseconds(value: float) -> str:
    """A latency as people read it."""
    if value >= 1000:
        return f"{value / 1000:.2f} s"
    return f"{value:.0f} ms" if value >= 10 else f"{value:.2f} ms"
