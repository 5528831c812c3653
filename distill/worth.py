"""What a model's moves are worth on turns that it did not learn from.

A held-out turn says little about which move was best, for one continuation is mostly luck; but the mean over many turns
of what the chosen moves truly gained is without bias. Knows nothing about training.
"""

from collections.abc import Sequence
from statistics import fmean

from distill.judged import Judged
from episodes.game import Move
from models.chat import ChatModel, ChatRequest, Message
from models.together import together
from prompts.base import Base


async def worth(chat: ChatModel, turns: Sequence[Judged], base: Base) -> float | None:
    """The mean gain of the model's likeliest move over the mean of its turn's moves, in returns (a game is -1 to 1).

    Turns whose moves have no values say nothing; ``None`` if all are such.
    """
    valued = [turn for turn in turns if len(turn.values) > 1]

    async def answer(question: str, moves: tuple[Move, ...]) -> Move:
        messages = (Message("system", base.text), Message("user", question))
        return (await chat.complete(ChatRequest(messages, moves, max_tokens=16, temperature=0.0, seed=0))).text

    asked = list(dict.fromkeys((turn.question, tuple(turn.values)) for turn in valued))
    answers = await together(answer(question, moves) for question, moves in asked)
    chosen = dict(zip(asked, answers, strict=True))
    gains = [turn.values[chosen[turn.question, tuple(turn.values)]] - fmean(turn.values.values()) for turn in valued]
    return fmean(gains) if gains else None
