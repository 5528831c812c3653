"""What the night's players cost: decisions, tokens, dollars, time, from the turns that were stored."""

import statistics
from collections.abc import Iterable
from typing import Any

from cornerman.report.names import Names
from cornerman.report.view import Cost
from episodes.store.store import Store


def costs(store: Store, night: str, names: Names) -> tuple[Cost, ...]:
    """One row for each player that is not a bot, the costliest in tokens first."""
    rows = store.db.query(
        "select s.player as player, s.model as model, s.prompt_id as prompt, count(*) as episodes, "
        "sum(s.turns) as turns, sum(s.tokens_in) as tokens_in, sum(s.tokens_out) as tokens_out, "
        "sum(s.cost_usd) as usd, sum(s.illegal + s.unreadable + s.refused + s.timeouts + s.faults) as bad, "
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
        latency=milliseconds(statistics.median(latencies)) if latencies else "",
        bad=sum(part["bad"] for part in parts),
    )


def total(store: Store, night: str, rows: Iterable[Cost]) -> str:
    """A sentence about money and tokens; the ledger knows calls that were not turns, such as reflections."""
    spent = list(store.db.query("select * from spending where night_id = ?", [night]))
    usd = sum(row["cost_usd"] for row in spent)
    called = sum(row["tokens_in"] + row["tokens_out"] for row in spent)
    local = sum(cost.tokens_in + cost.tokens_out for cost in rows)
    if not spent:
        return f"No hosted model was called: US$ 0. The models on this machine read and wrote {local:,} tokens."
    unknown = [row["model"] for row in spent if not row["priced"]]
    text = f"Hosted models cost US$ {usd:.4f} for {called:,} tokens, reflection included."
    return text + (f" The price of {', '.join(unknown)} is not known and not counted." if unknown else "")


def milliseconds(value: float) -> str:
    """A latency as people read it."""
    if value >= 1000:
        return f"{value / 1000:.2f} s"
    return f"{value:.0f} ms" if value >= 10 else f"{value:.2f} ms"
