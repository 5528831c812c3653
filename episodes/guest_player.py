"""A player that is not ours, as the program uses it: what its code raises costs it the decision, and no more.

An exception of the player's, or an answer that is no decision, becomes a ``Decision`` without a move, of the class
``FAULT``, and the game's rules say what that costs, as for a reply that cannot be read. Errors of ours pass (a
provider's fault, bad input, an exhausted budget), and so does what ends the program.

The guard stands where plug-ins are opened. This program's own players have none: a fault of theirs is ours.
"""

import asyncio
import math
import time
from dataclasses import dataclass, replace

from episodes.fault import ContractBroken, checked_count, checked_text, checked_texts, raised
from episodes.game import Observation
from episodes.player import Context, Decision, Player, ReplyClass
from models.chat import Message, Usage
from models.errors import BadInput, CornermanError

MOST_SECONDS = 1e6
"""Longest latency that a decision may have: more is a mistake, and no clock could count its ticks."""


@dataclass(frozen=True, slots=True)
class GuestPlayer:
    """A player that is not ours, under the name that it had when it was opened; ``identity`` says what its code is."""

    player: Player
    name: str
    model: str
    prompt_id: str | None
    identity: str = ""

    async def act(self, observation: Observation, context: Context) -> Decision:
        """The player's decision, or one of class ``FAULT`` where there is none; a move must be one that fits."""
        started = time.perf_counter()
        try:
            return _fitting(checked(await self.player.act(observation, context)), context)
        except CornermanError:
            raise
        except asyncio.CancelledError as cancelled:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            error: BaseException = cancelled  # nobody called this decision off: the player's own call was
        except (Exception, SystemExit) as found:  # an author's code may raise anything
            error = found
        fault = raised("player", "act", error, context.seat)
        return Decision(None, "", time.perf_counter() - started, ReplyClass.FAULT, fault=fault)


def guest_player(player: Player, place: str, identity: str = "") -> GuestPlayer:
    """``player``, which was found at ``place``, as a guest; raises ``BadInput`` where it cannot say what it is."""
    try:
        prompt_id = None if player.prompt_id is None else checked_text(player.prompt_id)
        return GuestPlayer(player, checked_text(player.name), checked_text(player.model), prompt_id, identity)
    except Exception as error:  # as above
        fault = raised("player", "its name, model and prompt_id", error)
        raise BadInput(f"{place} cannot be opened: {fault.message}") from error


def checked(decision: object) -> Decision:
    """``decision``, if it is one that the contract allows and a store can hold; raises ``ContractBroken``."""
    if not isinstance(decision, Decision):
        raise ContractBroken(decision, "a Decision is wanted")
    if not isinstance(decision.reply_class, ReplyClass):
        raise ContractBroken(decision.reply_class, "a ReplyClass is wanted")
    if (decision.move is not None) != (decision.reply_class is ReplyClass.MOVE):
        raise ContractBroken(
            (decision.move, decision.reply_class.value), "there is a move if the class is 'move', and only then"
        )
    for text in (decision.move, decision.first):
        if text is not None:
            checked_text(text)
    if not isinstance(decision.raw, str):
        raise ContractBroken(decision.raw, "the reply is a text")
    _check_cost(decision)
    if not isinstance(decision.messages, tuple):
        raise ContractBroken(decision.messages, "a tuple of messages is wanted")
    for message in decision.messages:
        if not isinstance(message, Message):
            raise ContractBroken(message, "a Message is wanted")
        checked_texts((message.role, message.content))
    return decision


def _check_cost(decision: Decision) -> None:
    """Raise ``ContractBroken`` for times, tokens and dollars that cannot be."""
    for seconds in (decision.latency, decision.ended):
        if seconds is not None and not 0 <= seconds <= MOST_SECONDS:
            raise ContractBroken(seconds, f"a latency is seconds from 0 to {MOST_SECONDS:.0f}")
    if not (math.isfinite(decision.cost) and decision.cost >= 0):
        raise ContractBroken(decision.cost, "a cost is US dollars, 0 or more")
    usage = decision.usage
    if not isinstance(usage, Usage) or min(checked_count(usage.tokens_in), checked_count(usage.tokens_out)) < 0:
        raise ContractBroken(usage, "a Usage with counts of 0 or more is wanted")


def _fitting(decision: Decision, context: Context) -> Decision:
    """``decision``, whose move the game accepts; one that it does not is illegal, as a model's would be."""
    if decision.first is not None and (decision.ended is None or not context.game.capabilities.plans):
        raise ContractBroken(decision.first, "a first move is for plans, and comes before the reply's end")
    moves = [move for move in (decision.first, decision.move) if move is not None]
    if not all(context.state.accepts(context.seat, move) for move in moves):
        return replace(decision, move=None, reply_class=ReplyClass.ILLEGAL, raw=decision.raw or moves[-1])
    return decision
