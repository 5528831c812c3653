"""A language model as a player: observation to messages, reply to move.

Knows a prompt only as finished text; what went into it is the business of ``prompts``.
"""

import asyncio
import re
import time
from dataclasses import dataclass

from episodes.game import Observation
from episodes.player import Context, Decision, ReplyClass
from models.chat import ChatModel, Completion, Message, Usage
from models.errors import Refused, TimedOut
from models.retry import provider_fault

REFUSAL = re.compile(
    r"\b(i(?: a|')m sorry|i can(?:no|')t (?:help|assist|do|comply|participate|play)|i won't|i'm unable|i am unable|"
    r"as an ai|i must decline|i refuse|i decline)\b",
    re.IGNORECASE,
)
"""Phrases that mark a reply without a move as a refusal rather than as unparsable."""


@dataclass(frozen=True, slots=True)
class ModelPlayer:
    """Sends one system and one user message a decision and reads the move from the reply.

    ``turn`` is the user message with ``{situation}`` (the feature values in order), ``{text}`` and ``{legal}`` to fill.
    ``constrained`` asks the model to answer with exactly one legal move, where it can be held to that.
    ``time_limit`` is seconds a decision; past it the decision is a ``TIMEOUT``.
    """

    name: str
    chat: ChatModel
    system: str
    turn: str
    prompt_id: str | None = None
    constrained: bool = True
    temperature: float = 1.0
    max_tokens: int = 128
    time_limit: float = 60.0

    @property
    def model(self) -> str:
        return self.chat.name

    def messages(self, observation: Observation) -> tuple[Message, ...]:
        turn = self.turn.format(
            situation=" ".join(observation.situation.values()),
            text=observation.text,
            legal=", ".join(observation.legal_moves),
        )
        return (Message("system", self.system), Message("user", turn))

    async def act(self, observation: Observation, context: Context) -> Decision:
        messages = self.messages(observation)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self.time_limit):
                completion = await self.chat.complete(
                    messages,
                    choices=observation.legal_moves if self.constrained else None,
                    max_tokens=self.max_tokens,
                    temperature=self.temperature,
                    seed=context.seed,
                )
        except (TimeoutError, TimedOut) as late:
            fault = provider_fault(late)
            if fault is not None:
                raise fault from None
            return Decision(None, "", time.perf_counter() - started, ReplyClass.TIMEOUT, Usage(), 0.0, messages)
        except Refused as refusal:
            spent = time.perf_counter() - started
            return Decision(None, str(refusal), spent, ReplyClass.REFUSED, Usage(), 0.0, messages)
        move, reply_class = classify(completion, observation, context)
        return Decision(
            move if reply_class is ReplyClass.MOVE else None,
            completion.text,
            completion.latency,
            reply_class,
            completion.usage,
            completion.cost,
            messages,
        )


def classify(completion: Completion, observation: Observation, context: Context) -> tuple[str | None, ReplyClass]:
    """The move that a completion names, if any, and the class of the reply."""
    text = completion.text.strip()
    if completion.finish_reason == "refusal":
        return None, ReplyClass.REFUSED
    if not text:
        return None, ReplyClass.EMPTY
    move = context.game.read_move(text, observation)
    if move is not None:
        accepted = context.state.accepts(context.seat, move)
        return move, ReplyClass.MOVE if accepted else ReplyClass.ILLEGAL
    if completion.finish_reason == "length":
        return None, ReplyClass.TRUNCATED
    return None, ReplyClass.REFUSED if REFUSAL.search(text) else ReplyClass.UNPARSABLE
