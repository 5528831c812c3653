"""What a model is asked at one decision, in words: the only place that makes them, in play and in training alike.

A student learns from the very question that it will be asked. Knows a prompt only as the template of its turn.
"""

from episodes.game import Observation


def turn_text(turn: str, observation: Observation, time_left: float | None = None) -> str:
    """The user message of one decision.

    ``turn`` is a template with ``{situation}`` (the feature values in order), ``{text}`` and ``{legal}`` to fill;
    ``time_left`` is seconds on the player's clock, if it has one.
    """
    text = turn.format(
        situation=" ".join(observation.situation.values()),
        text=observation.text,
        legal=", ".join(observation.legal_moves) if observation.listed else "not shown; the rules say what they are",
    )
    return text if time_left is None else f"{text}\n\nYour clock: {max(time_left, 0):.1f} s left."
