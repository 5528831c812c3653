"""What the night's players cost: decisions, tokens, dollars, time, from the turns that were stored."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cornerman.format import dollars, listed, number
from cornerman.report.names import Names
from cornerman.report.view import Cost
from episodes.store.store import Store


def costs(store: Store, night: str, names: Names) -> tuple[Cost, ...]:
    """One row for each player that is not a bot, the costliest in tokens first."""
    rows = store.db.query(
        "select s.player as player, s.model as model, s.prompt_id as prompt, count(*) as episodes, "
        "sum(s.turns) as turns, sum(s.tokens_in) as tokens_in, sum(s.tokens_out) as tokens_out, "
        "sum(s.cost_usd) as usd, sum(s.illegal + s.unreadable + s.refused + s.timeouts) as bad, "
        "group_concat(s.latency_p50_ms) as latencies "
        "from seats s join episodes e on e.id = s.episode_id "
        "where e.night_id = ? and s.player not like 'bot:%' group by s.player, s.model, s.prompt_id",
        [night],
    )
    merged: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        merged.setdefault(names.player(row["player"], row["model"], row["prompt"]), []).append(row)
    found = [_cost(name, parts) for name, parts in merged.items()]
    return tuple(sorted(found, key=lambda cost: (-cost.tokens_in - cost.tokens_out, cost.player)))


def _cost(name: str, parts: list[dict[str, Any]]) -> Cost:
    latencies = [float(value) for part in parts for value in (part["latencies"] or "").split(",") if value]
    return Cost(
        player=name,
        episodes=sum(part["episodes"] for part in parts),
        turns=sum(part["turns"] for part in parts),
        tokens_in=sum(part["tokens_in"] for part in parts),
        tokens_out=sum(part["tokens_out"] for part in parts),
        usd=sum(part["usd"] for part in parts),
        latency_ms=statistics.median(latencies) if latencies else None,
        bad=sum(part["bad"] for part in parts),
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
    rows = list(store.db.query("select * from spending where night_id = ?", [night]))
    return Spent(
        usd=sum(row["cost_usd"] for row in rows),
        tokens=sum(row["tokens_in"] + row["tokens_out"] for row in rows),
        unpriced=tuple(row["model"] for row in rows if not row["priced"]),
        called=bool(rows),
    )


def total(found: Spent, rows: Iterable[Cost]) -> str:
    """A sentence about money and tokens."""
    local = sum(cost.tokens_in + cost.tokens_out for cost in rows)
    if not found.called:
        return f"No hosted model was called: US$ 0. The models on this machine read and wrote {number(local)} tokens."
    text = f"Hosted models cost {dollars(found.usd)} for {number(found.tokens)} tokens, reflection included."
    return text + (f" The price of {listed(found.unpriced)} is not known and not counted." if found.unpriced else "")
