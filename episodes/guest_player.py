"""A player that is not ours, as the program uses it: what its code raises costs it the decision, and no more.

An exception of the player's, or an answer that is no decision, becomes a ``Decision`` without a move, of the class
``FAULT``, and the game's rules say what that costs, as for a reply that cannot be read. Errors of ours pass (a
provider's fault, bad input, an exhausted budget), and so does what ends the program.

The guard stands where plug-ins are opened. This program's own players have none: a fault of theirs is ours.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import get_args

from episodes.fault import ContractBroken, checked_count, checked_text, opening, raised
from episodes.game import Observation
from episodes.player import Context, Decision, Player, ReplyClass
from models.chat import Message, Role, Usage
from models.errors import CornermanError

ROLES: tuple[Role, ...] = get_args(Role)
MOST_SECONDS = 1e6
"""Longest latency that a decision may have: more is a mistake, and no clock could count its ticks."""
MOST_DOLLARS = 1e6
MOST_TOKENS = 10**9
"""What a decision may cost, and tokens of either kind: more is a mistake, and no sum of a game's could be kept."""


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
            # What it does to the situation that it is shown is not what the record says.
            seen = replace(observation, situation=dict(observation.situation))
            return _fitting(checked(await self.player.act(seen, context)), context)
        except (CornermanError, KeyboardInterrupt, GeneratorExit):
            raise
        except asyncio.CancelledError as cancelled:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            error: BaseException = cancelled  # nobody called this decision off: the player's own call was
        except BaseException as found:  # an author's code may raise anything
            error = found
        fault = raised("player", "act", error, context.seat)
        return Decision(None, "", time.perf_counter() - started, ReplyClass.FAULT, fault=fault)


def guest_player(player: Player, place: str, identity: str = "") -> GuestPlayer:
    """``player``, which was found at ``place``, as a guest; raises ``BadInput`` where it cannot say what it is."""
    with opening(f"{place} cannot be opened: in its name, model and prompt_id"):
        prompt_id = None if player.prompt_id is None else checked_text(player.prompt_id)
        return GuestPlayer(player, checked_text(player.name), checked_text(player.model), prompt_id, identity)


def checked(decision: object) -> Decision:
    """``decision`` in plain values, if the contract allows it and a store can hold it; raises ``ContractBroken``."""
    if not isinstance(decision, Decision):
        raise ContractBroken(decision, "a Decision is wanted")
    if not isinstance(decision.reply_class, ReplyClass):
        raise ContractBroken(decision.reply_class, "a ReplyClass is wanted")
    if (decision.move is not None) != (decision.reply_class is ReplyClass.MOVE):
        raise ContractBroken(
            (decision.move, decision.reply_class.value), "there is a move if the class is 'move', and only then"
        )
    if decision.fault is not None or decision.reply_class is ReplyClass.FAULT:
        raise ContractBroken(decision.fault, "a player that breaks raises: no decision of its own says so")
    for text in (decision.move, decision.first):
        if text is not None:
            checked_text(text)
    for what, text in (("reply", decision.raw), ("thought", decision.thought)):
        if not isinstance(text, str):
            raise ContractBroken(text, f"the {what} is a text")
    _check_messages(decision.messages)
    if not isinstance(decision.values, Mapping):
        raise ContractBroken(decision.values, "the returns that are expected, by move, are wanted")
    return replace(
        decision,
        latency=_real(decision.latency, MOST_SECONDS, "a latency is seconds"),
        ended=_ended(decision),
        cost=_real(decision.cost, MOST_DOLLARS, "a cost is US dollars"),
        usage=_usage(decision.usage),
        values={checked_text(move): float(value) for move, value in decision.values.items()},
    )


def _check_messages(found: object) -> None:
    if not isinstance(found, tuple):
        raise ContractBroken(found, "a tuple of messages is wanted")
    for message in found:
        if not isinstance(message, Message):
            raise ContractBroken(message, "a Message is wanted")
        if message.role not in ROLES:
            raise ContractBroken(message.role, f"a role is one of {', '.join(ROLES)}")
        checked_text(message.content)


def _real(found: float, most: float, wanted: str) -> float:
    if not 0 <= found <= most:
        raise ContractBroken(found, f"{wanted} from 0 to {most:.0f}")
    return float(found)


def _ended(decision: Decision) -> float | None:
    if decision.ended is None:
        return None
    ended = _real(decision.ended, MOST_SECONDS, "a latency is seconds")
    if ended < decision.latency:
        raise ContractBroken(ended, f"a reply whose move was there after {decision.latency} s cannot end before")
    return ended


def _usage(found: Usage) -> Usage:
    """The tokens as plain numbers."""
    if not isinstance(found, Usage):
        raise ContractBroken(found, "a Usage is wanted")
    counts = checked_count(found.tokens_in), checked_count(found.tokens_out)
    if not all(0 <= count <= MOST_TOKENS for count in counts):
        raise ContractBroken(found, f"a Usage with counts of 0 or more is wanted, up to {MOST_TOKENS}")
    return Usage(*counts)


def _fitting(decision: Decision, context: Context) -> Decision:
    """``decision``, whose move the game accepts; one that it does not is illegal, as a model's would be."""
    if decision.first is not None and (decision.ended is None or not context.game.capabilities.plans):
        raise ContractBroken(decision.first, "a first move is for plans, and comes before the reply's end")
    moves = [move for move in (decision.first, decision.move) if move is not None]
    if not all(context.state.accepts(context.seat, move) for move in moves):
        return replace(decision, move=None, reply_class=ReplyClass.ILLEGAL, raw=decision.raw or moves[-1])
    return decision
