"""The guidance of a prompt with its evidence, from the store."""

import json
from typing import Any

from cornerman.format import percent, points
from cornerman.report.view import Evidence, Guidance
from episodes.store.store import Store

MOST_EVIDENCE = 6
"""Turns shown for one rule."""


def guidance(store: Store, prompt_id: str | None, *, apart: bool = False) -> tuple[Guidance, ...]:
    """The items of a prompt in the order in which it has them; ``apart``: their effects were measured through
    opponents."""
    rows = store.db.query(
        "select g.* from prompt_guidance p join guidance g on g.id = p.guidance_id "
        "where p.prompt_id = ? order by p.position",
        [prompt_id],
    )
    return tuple(_item(store, row, apart) for row in list(rows))


def _item(store: Store, row: dict[str, Any], apart: bool) -> Guidance:
    effect, left, right = "effect not measured on its own", -1.0, -1.0
    if row["effect"] is not None:
        low, high = row["effect_low"], row["effect_high"]
        how = "against the opponents, more than" if apart else "against"
        effect = f"worth {points(row['effect'], low, high, apart=apart)} {how} the same prompt without it"
        left, right = (min(max(value + 0.5, 0.0), 1.0) for value in (low, high))
    return Guidance(
        id=row["id"],
        text=row["text"],
        remark="" if row["remark"] == row["text"] else row["remark"],
        origin=f"a person ({row['origin']})" if row["origin"].startswith("person:") else f"the {row['origin']}",
        status=row["status"],
        effect=effect,
        left=left,
        right=right,
        evidence=_evidence(store, row["id"]),
    )


def _evidence(store: Store, guidance_id: str) -> tuple[Evidence, ...]:
    rows = store.db.query(
        "select v.episode_id as episode, v.turn_n as turn, v.note as note, t.situation as situation, "
        "x.text as observation, t.move as move, t.reply as reply, s.player as player, s.score as score, "
        "o.player as other "
        "from guidance_evidence v join turns t on t.episode_id = v.episode_id and t.n = v.turn_n "
        "join texts x on x.id = t.observation_id "
        "join seats s on s.episode_id = v.episode_id and s.seat = t.seat "
        "left join seats o on o.episode_id = v.episode_id and o.seat = 1 - t.seat "
        "where v.guidance_id = ? order by v.episode_id, v.turn_n limit ?",
        [guidance_id, MOST_EVIDENCE],
    )
    return tuple(
        Evidence(
            anchor=f"turn-{guidance_id[:8]}-{row['episode']}-{row['turn']}",
            episode=row["episode"],
            turn=row["turn"],
            note=row["note"],
            situation=", ".join(f"{feature} {value}" for feature, value in json.loads(row["situation"]).items()),
            observation=row["observation"],
            move=row["move"] or "",
            reply=row["reply"],
            outcome=_outcome(row),
        )
        for row in rows
    )


def _outcome(row: dict[str, Any]) -> str:
    result = result_words(row["score"])
    return f"{row['player']} {result} this game against {row['other']}" if row["other"] else f"{row['player']} {result}"


def result_words(score: float) -> str:
    """What a score in a game is called; scores of games for one are graded."""
    return {1.0: "won", 0.5: "drew", 0.0: "lost"}.get(score) or f"took {percent(score)} of the points in"


def prompt_text(store: Store, prompt_id: str) -> str:
    """The system prompt as it was sent."""
    row = next(iter(store.db.query("select system_id from prompts where id = ?", [prompt_id])), None)
    return store.text(row["system_id"]) if row and row["system_id"] else ""
