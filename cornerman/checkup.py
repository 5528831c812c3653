"""Three small questions to each model of the configuration, and what they show: whether it answers, how, at what cost.

A player and a teacher are asked for decisions of the game, as they will be when they play; a reflecting model for a
list. All of it is bounded in time and in money. Knows nothing about how it is shown.
"""

import asyncio
import json
import re
import statistics
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from cornerman.config import Config, ModelSection, PlayingSection, ReflectorSection, TeacherSection
from cornerman.format import dollars, duration, milliseconds, number, plain
from cornerman.losing import HELD, Answers
from cornerman.opening import ROLES, Role, model_options
from episodes.game import Game, closable
from episodes.games import load_game
from episodes.play import decision_seed
from episodes.player import Context, ReplyClass
from episodes.players.model import Held, ModelPlayer
from episodes.store.lost import FIELDS, Lost
from models.chat import ChatModel, ChatRequest, Completion, Message
from models.errors import BudgetExhausted, CornermanError, TimedOut
from models.ledger import Ledger, Total
from models.notes import Notes
from models.prices import Price
from models.registry import open_model, price_of
from prompts.base import default_base
from prompts.prompt import Prompt
from prompts.prompt import player as prompted

QUESTIONS = 3
MOST_USD = 0.25
MOST_TOKENS = 100_000
"""What all questions may cost together, at most."""
CALL_S = 30.0
ALL_S = 40.0
"""Seconds for one answer, and for all of one model."""
LIST_TOKENS = 1000
"""What a reflecting model may write for a list of three numbers, a thought included."""

NO_MODELS = frozenset({"analyst", "follower", "search"})
"""Names in the configuration behind which there is no language model."""
NOT_ASKED = {
    "manual": "a person answers: not asked",
    "vllm-batch": "vLLM starts when it is first asked: not asked",
}


@dataclass(frozen=True, slots=True)
class Checkup:
    """What three questions to one model of the configuration showed. ``problem`` says in a line why it does not answer,
    with the way out; ``asked`` is false for one that is not asked here.

    ``answered`` questions of ``QUESTIONS`` got a reply, ``readable`` ones one that says what was asked for; what came
    of the others is in ``lost``. ``latency_ms`` is the median. ``price`` is US dollars per million tokens, in and out,
    ``None`` where it is not known; ``device`` and ``precision`` are there for a model of this process. ``notes`` are
    what was told of the model meanwhile.
    """

    role: Role
    model: str
    asked: bool
    problem: str = ""
    answered: int = 0
    readable: int = 0
    lost: Lost = field(default_factory=Lost)
    held: Held | None = None
    latency_ms: float | None = None
    price: tuple[float, float] | None = None
    tokens: int = 0
    cost_usd: float = 0.0
    device: str = ""
    precision: str = ""
    notes: tuple[str, ...] = ()
    can: Held | None = field(default=None, metadata={"json": "hidden"})

    @property
    def hint(self) -> str:
        """What mends most of what could not be read."""
        return Answers(self.held, self.lost, self.can).hint


def check_up(config: Config) -> tuple[Checkup, ...]:
    """Every model of the configuration, in the order of its sections."""
    found = [(role, getattr(config, role)) for role in ROLES]
    return asyncio.run(_all([(role, section) for role, section in found if section.model not in NO_MODELS], config))


async def _all(sections: list[tuple[Role, ModelSection | TeacherSection]], config: Config) -> tuple[Checkup, ...]:
    """One after the other: two of them may share a server, and none should pay for another's time."""
    ledger = _ledger(config)
    return tuple([await _checked(role, section, config, ledger) for role, section in sections])


def _ledger(config: Config) -> Ledger:
    """The limits of the configuration, of which all but what the questions may cost is set aside."""
    usd, tokens = config.budget.usd, config.budget.tokens
    limited = usd != float("inf")
    aside = Total(tokens_in=max(tokens - MOST_TOKENS, 0), cost_usd=max(usd - MOST_USD, 0.0) if limited else 0.0)
    return Ledger(usd if limited else None, tokens, {"set aside": aside})


async def _checked(role: Role, section: ModelSection | TeacherSection, config: Config, ledger: Ledger) -> Checkup:
    kind = section.model.partition(":")[0]
    begun = Checkup(role, section.model, asked=kind not in NOT_ASKED)
    if not begun.asked:
        return replace(begun, notes=(NOT_ASKED[kind],))
    told: list[str] = []
    options = model_options(config, section.model, ledger, role=role, notes=Notes(told.append))
    try:
        model = open_model(section.model, replace(options, max_retries=0, timeout_s=min(options.timeout_s, CALL_S)))
    except ImportError as missing:
        way_out = "`make setup`, or pip install 'cornerman[distill]'"
        return replace(begun, problem=f"{missing.name} is not installed, which it needs: {way_out}")
    except CornermanError as problem:
        return replace(begun, problem=_said(problem, section.model), notes=tuple(told))
    try:
        begun = _described(begun, model, price_of(model.name, options))
        if isinstance(section, ReflectorSection):
            found = await _questioned(begun, _lists(model, section))
        else:
            game = load_game(config.game)
            player = _player(model, section, game)
            begun = replace(begun, held=player.held_in(game), can=player.could_be_held_in(game))
            found = await _questioned(begun, _decisions(player, game))
    except CornermanError as problem:
        found = replace(begun, problem=_said(problem, model.name))
    finally:
        await model.close()
    total = ledger.totals().get(model.name)
    if total is not None:
        found = replace(found, tokens=total.tokens_in + total.tokens_out, cost_usd=total.cost_usd)
    return replace(found, notes=tuple(note.removeprefix(f"{model.name}: ") for note in told))


def _said(problem: CornermanError, model: str) -> str:
    """What went wrong, without the name that stands before it anyway."""
    return str(problem).removeprefix(f"{model}: ")


def _described(begun: Checkup, model: ChatModel, price: Price | None) -> Checkup:
    """What is known of a model before it is asked."""
    rates = None if price is None else (price.usd_in, price.usd_out)
    return replace(begun, price=rates, device=model.endpoint.device, precision=model.endpoint.precision)


Answered = AsyncIterator[tuple[ReplyClass, float]]
"""How each answer is classed, and its latency in seconds."""


async def _questioned(begun: Checkup, answered: Answered) -> Checkup:
    """``begun`` with what came of the questions; they end early where time runs out or nothing comes."""
    kinds: list[ReplyClass] = []
    latencies: list[float] = []
    problem = ""
    try:
        async with asyncio.timeout(ALL_S):
            async for kind, latency in answered:
                kinds.append(kind)
                latencies.append(latency)
                if kind is ReplyClass.TIMEOUT:
                    break
    except (TimeoutError, TimedOut):
        kinds.append(ReplyClass.TIMEOUT)
    except BudgetExhausted:
        limit = f"{dollars(MOST_USD)} and {number(MOST_TOKENS)} tokens, or what [budget] leaves"
        problem = f"its answers might take more than doctor spends ({limit}): lower max_tokens, or --offline"
    came = [kind for kind in kinds if kind is not ReplyClass.TIMEOUT]
    if not came and not problem:
        problem = f"no answer within {duration(CALL_S)}: is the server busy? effort and max_tokens make answers shorter"
    counts = {FIELDS[kind]: kinds.count(kind) for kind in kinds if kind in FIELDS}
    return replace(
        begun,
        problem=problem,
        answered=len(came),
        readable=sum(kind in (ReplyClass.MOVE, ReplyClass.ILLEGAL) for kind in came),
        lost=Lost(turns=len(kinds), **counts),
        latency_ms=1000 * statistics.median(latencies) if came else None,
    )


def _player(model: ChatModel, section: ModelSection | TeacherSection, game: Game) -> ModelPlayer:
    """The model with the game's own text, asked as it will be when it plays."""
    free = isinstance(section, PlayingSection | TeacherSection) and section.free
    prompt = Prompt(default_base(game, model.name))
    player = prompted(model, prompt, game, section.model, free=free)
    player = replace(player, time_limit=min(player.time_limit, CALL_S))
    if not isinstance(section, ModelSection):
        return player
    limit = min(section.time_limit, CALL_S)
    return replace(player, temperature=section.temperature, max_tokens=section.max_tokens, time_limit=limit)


async def _decisions(player: ModelPlayer, game: Game) -> Answered:
    """Decisions of whoever is to act first, in different starts."""
    for seed in range(QUESTIONS):
        state = game.initial_state(seed)
        try:
            seat = next(iter(state.to_act()), 0)
            context = Context(game, seat, decision_seed(seed, seat, 0), 0, state)
            decision = await player.act(state.observe(seat), context)
        finally:
            if (kept := closable(game, state)) is not None:
                kept.close()
        yield decision.reply_class, decision.latency


async def _lists(model: ChatModel, section: ModelSection) -> Answered:
    """Lists in JSON, which is how a reflecting model answers."""
    for first in range(QUESTIONS):
        wanted = [first, first + 1, first + 2]
        asked = f"Write a JSON array with the numbers {wanted[0]}, {wanted[1]} and {wanted[2]}, and nothing else."
        messages = (Message("system", "You answer in JSON."), Message("user", asked))
        most = min(section.max_tokens, LIST_TOKENS)
        completion = await model.complete(ChatRequest(messages, max_tokens=most, temperature=section.temperature))
        yield _class_of(completion, wanted), completion.latency


def _class_of(completion: Completion, wanted: list[int]) -> ReplyClass:
    arrays = _ARRAY.findall(completion.text)
    if arrays and json.loads(arrays[-1]) == wanted:
        return ReplyClass.MOVE
    if completion.finish_reason == "refusal":
        return ReplyClass.REFUSED
    if completion.finish_reason == "length":
        return ReplyClass.TRUNCATED
    return ReplyClass.UNPARSABLE if completion.text.strip() else ReplyClass.EMPTY


_ARRAY = re.compile(r"\[\s*\d{1,9}(?:\s*,\s*\d{1,9})*\s*\]")


def line(found: Checkup) -> str:
    """What is said of one model."""
    parts = [found.problem] if found.problem else []
    if found.answered:
        parts.append(f"{found.readable} of {found.answered} answers readable")
        parts += [HELD[found.held]] if found.held else []
        parts += [f"{milliseconds(found.latency_ms)} an answer", _price(found)]
    if found.device:
        parts.append(f"computes on {found.device} in {found.precision}" if found.precision else f"on {found.device}")
    parts += [found.hint] if found.hint and not found.problem else []
    return "; ".join([*parts, *found.notes])


def _price(found: Checkup) -> str:
    if found.price is None:
        return "its price is not known"
    if not any(found.price):
        return "costs nothing"
    asked = f"{dollars(found.cost_usd)} for {number(found.tokens)} tokens"
    return f"US$ {plain(found.price[0])} and {plain(found.price[1])} per million tokens in and out, {asked}"
