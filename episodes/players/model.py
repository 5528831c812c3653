"""A language model as a player: observation to messages, reply to move.

Knows a prompt only as finished text; what went into it is the business of ``prompts``.
"""

import json
import time
from dataclasses import dataclass, replace
from typing import Literal

from episodes.game import Game, Move, Observation, PlanGame, grammar_game, plan_game
from episodes.games.variants import lists_moves
from episodes.player import Context, Decision, ReplyClass
from episodes.turn_text import turn_text
from models.chat import ChatModel, ChatRequest, Completion, Message, Usage, holds_of
from models.errors import Refused, TimedOut
from models.patience import time_limit
from models.refusals import looks_like_refusal
from models.retry import provider_fault
from models.thoughts import apart

Held = Literal["moves", "plans", "free"]
"""What a model is held to in its answers: to one legal move, to a plan of moves, or to nothing."""


def held_by_default(chat: ChatModel, game: Game) -> Held:
    """What ``chat`` is held to in ``game`` unless somebody says otherwise: as much as it can be."""
    can = holds_of(chat)
    if can == "nothing" or not game.moves or not lists_moves(game):
        return "free"
    return "plans" if can == "grammar" and game.capabilities.grammar else "moves"


@dataclass(frozen=True, slots=True)
class ModelPlayer:
    """Sends one system and one user message a decision and reads the move from the reply.

    ``turn`` is the template of the user message, see ``turn_text``.
    ``constrained`` is what the prompt says: it asks the model to answer with exactly one legal move, where it can be
    held to that. ``held`` is there where something else is asked. Where moves are free text, or are not shown, nobody
    is held to them. ``timed`` tells it its clock under a time control.
    ``time_limit`` is seconds a decision, of which waiting for limits and queues of our own does not count; past it the
    decision is a ``TIMEOUT``.
    """

    name: str
    chat: ChatModel
    system: str
    turn: str
    prompt_id: str | None = None
    constrained: bool = True
    held: Held | None = None
    temperature: float = 1.0
    max_tokens: int = 128
    time_limit: float = 60.0
    timed: bool = True

    @property
    def model(self) -> str:
        return self.chat.name

    @property
    def identity(self) -> str:
        """The model's endpoint, and what is asked of it in every request; the prompt has an id of its own, and says
        what the model is held to unless it is something else."""
        asked = {"temperature": self.temperature, "max_tokens": self.max_tokens}
        held = {"held": self.held} if self.held else {}
        return json.dumps({**self.chat.endpoint.facts(), **asked, **held})

    @property
    def asked(self) -> Held:
        """What the model is asked to be held to, whether it can be or not."""
        return self.held or ("moves" if self.constrained else "free")

    def held_in(self, game: Game) -> Held:
        """What the model is held to in ``game``."""
        return "free" if self.could_be_held_in(game) == "free" else self.asked

    def could_be_held_in(self, game: Game) -> Held:
        """What it would be held to, were it asked for as much as it can be."""
        return held_by_default(self.chat, game)

    def messages(self, observation: Observation, time_left: float | None = None) -> tuple[Message, ...]:
        """What is sent for one decision; ``time_left`` is seconds on the player's clock, if it has one."""
        return (Message("system", self.system), Message("user", turn_text(self.turn, observation, time_left)))

    async def act(self, observation: Observation, context: Context) -> Decision:
        messages = self.messages(observation, context.time_left if self.timed else None)
        held = self.asked if observation.listed and context.game.moves else "free"
        written = grammar_game(context.game) if held == "plans" else None
        grammar = written.plan_grammar(observation) if written else None
        choices = observation.legal_moves if held == "moves" else None
        plans = plan_game(context.game) if context.measured and choices is None else None
        early = None if plans is None else _Early(plans, context)
        started = time.perf_counter()
        try:
            async with time_limit(self.time_limit):
                asked = ChatRequest(messages, choices, self.max_tokens, self.temperature, context.seed, grammar=grammar)
                completion = await self._ask(asked, early)
        except (TimeoutError, TimedOut) as late:
            fault = provider_fault(late)
            if fault is not None:
                raise fault from None
            ended = time.perf_counter() - started
            decision = Decision(None, "", ended, ReplyClass.TIMEOUT, Usage(), 0.0, messages)
            return early.taken(decision, ended) if early else decision
        except Refused as refusal:
            spent = time.perf_counter() - started
            return Decision(None, str(refusal), spent, ReplyClass.REFUSED, Usage(), 0.0, messages)
        move, reply_class = classify(completion, observation, context)
        decision = Decision(
            move if reply_class is ReplyClass.MOVE else None,
            completion.text,
            completion.latency,
            reply_class,
            completion.usage,
            completion.cost,
            messages,
            thought=completion.thought,
        )
        return early.taken(decision, completion.latency) if early else decision

    async def _ask(self, request: ChatRequest, early: "_Early | None") -> Completion:
        on_text = early.read if early and self.chat.streams else None
        return await self.chat.complete(replace(request, on_text=on_text))


class _Early:
    """The first move of a plan, caught while the reply is still arriving.

    What follows in the reply can add to it and not take it back: a reply that goes on as no plan is that one move.
    """

    def __init__(self, game: PlanGame, context: Context) -> None:
        self._game = game
        self._context = context
        self._text = ""
        self._at = 0.0
        self.move: Move | None = None

    def read(self, text: str) -> None:
        """The reply so far, thoughts left out; it begins anew where the call is made again after a fault."""
        text, _ = apart(text)
        if not text.startswith(self._text):
            self.move = None
        self._text = text
        if self.move is None:
            move = self._game.first_move(text)
            if move is not None and self._context.state.accepts(self._context.seat, move):
                self.move, self._at = move, time.perf_counter()

    def taken(self, decision: Decision, ended: float) -> Decision:
        """``decision``, whose reply ended now, ``ended`` seconds after the request, with what was caught before."""
        if self.move is None or decision.reply_class is ReplyClass.REFUSED:
            return decision
        latency = max(ended - (time.perf_counter() - self._at), 0.0)
        move = decision.move or self.move
        return replace(
            decision,
            move=move,
            reply_class=ReplyClass.MOVE,
            latency=latency,
            ended=ended,
            first=self.move,
            raw=decision.raw or self._text,
        )


def classify(completion: Completion, observation: Observation, context: Context) -> tuple[str | None, ReplyClass]:
    """The move that a completion names, if any, and the class of the reply."""
    text = completion.text.strip()
    if completion.finish_reason == "refusal":
        return None, ReplyClass.REFUSED
    if not text:
        return None, ReplyClass.TRUNCATED if completion.finish_reason == "length" else ReplyClass.EMPTY
    move = context.game.read_move(text, observation)
    if move is not None:
        accepted = context.state.accepts(context.seat, move)
        return move, ReplyClass.MOVE if accepted else ReplyClass.ILLEGAL
    if completion.finish_reason == "length":
        return None, ReplyClass.TRUNCATED
    return None, ReplyClass.REFUSED if looks_like_refusal(text) else ReplyClass.UNPARSABLE
