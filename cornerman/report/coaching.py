"""The guidance of a prompt with its evidence, from the store."""

import json

from cornerman.format import percent, points
from cornerman.report import queries
from cornerman.report.queries import CitedTurn, RuleRow
from cornerman.report.view import Evidence, Guidance
from episodes.store.store import Store

MOST_EVIDENCE = 6
"""Turns shown for one rule."""


def guidance(store: Store, prompt_id: str | None, *, apart: bool = False) -> tuple[Guidance, ...]:
    """The items of a prompt in the order in which it has them; ``apart``: their effects were measured through
    opponents."""
    return tuple(_item(store, row, apart) for row in queries.rules_of(store, prompt_id))


def _item(store: Store, row: RuleRow, apart: bool) -> Guidance:
    effect, left, right = "effect not measured on its own", -1.0, -1.0
    if row.effect is not None and row.effect_low is not None and row.effect_high is not None:
        low, high = row.effect_low, row.effect_high
        how = "against the opponents, more than" if apart else "against"
        effect = f"worth {points(row.effect, low, high, apart=apart)} {how} the same prompt without it"
        left, right = (min(max(value + 0.5, 0.0), 1.0) for value in (low, high))
    return Guidance(
        id=row.id,
        text=row.text,
        remark="" if row.remark == row.text else row.remark,
        origin=f"a person ({row.origin})" if row.origin.startswith("person:") else f"the {row.origin}",
        status=row.status,
        effect=effect,
        left=left,
        right=right,
        evidence=_evidence(store, row.id),
    )


def _evidence(store: Store, guidance_id: str) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            anchor=f"turn-{guidance_id[:8]}-{row.episode}-{row.turn}",
            episode=row.episode,
            turn=row.turn,
            note=row.note,
            situation=", ".join(f"{feature} {value}" for feature, value in json.loads(row.situation).items()),
            observation=row.observation,
            move=row.move or "",
            reply=row.reply,
            outcome=_outcome(row),
        )
        for row in queries.cited_turns(store, guidance_id, MOST_EVIDENCE)
    )


def _outcome(row: CitedTurn) -> str:
    result = result_words(row.score)
    return f"{row.player} {result} this game against {row.other}" if row.other else f"{row.player} {result}"


def result_words(score: float) -> str:
    """What a score in a game is called; scores of games for one are graded."""
    return {1.0: "won", 0.5: "drew", 0.0: "lost"}.get(score) or f"took {percent(score)} of the points in"
