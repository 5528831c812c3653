"""The contract test of a chat model, for its author: ``await check_model(model)`` asks it and says what it breaks.

Each problem is one line that names the rule, what was seen, and what to do. Knows nothing about any provider.
"""

import asyncio
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import get_args

from models.chat import ChatModel, ChatRequest, Completion, FinishReason, Message, holds_of
from models.endpoint import Endpoint
from models.grammar import Either, Row, UpTo, Walker, regex

MESSAGES = (Message("system", "You fight. Answer with one word."), Message("user", "The opponent is far."))
MOVES = ("jab", "guard")
"""Choices for a model that cannot be held to any: it answers all the same."""
PLANS = Row((Either(MOVES), UpTo(1, Row(("; ", Either(MOVES))))))
"""A grammar for a model that says that it can be held to any."""
AT_ONCE = 5
MOST = 64
FEW = 4
"""Tokens of an answer: what is enough, and what is soon used up."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a model says of itself beside its properties.

    ``choices`` are some that it can be held to; none if it cannot. ``repeats``: the same request with the same seed
    gives the same text. ``least_tokens`` is the smallest limit of an answer that its provider takes. ``secrets`` are
    known to it, and may be seen in nothing that it says of itself.
    """

    choices: tuple[str, ...] = ()
    repeats: bool = False
    least_tokens: int = 0
    secrets: tuple[str, ...] = ()


async def check_model(model: ChatModel, claims: Claims | None = None) -> list[str]:
    """Problems found, each at most once and the earliest first; empty if the model keeps the contract.

    The model is asked some twenty times and closed in the end, also where something is amiss.
    """
    claims = claims or Claims()
    problems: list[str] = []
    for check in _CHECKS:
        try:
            problems += await check(model, claims)
        except Exception as error:  # an author's code may raise anything, and saying what is this tool's work
            rule = (check.__doc__ or "").strip().rstrip(".")
            said = " ".join(f"{type(error).__name__}: {error}".split())
            problems.append(f"while checking that {rule}: the model raised {said}")
    return list(dict.fromkeys(problems))


async def _declarations(model: ChatModel, claims: Claims) -> list[str]:
    """its name and its endpoint are declared well."""
    problems = []
    if not model.name or not model.name.isprintable():
        problems.append(f"name is {model.name!r}: it is recorded and shown, so give one line of printable text")
    if model.streams not in (True, False):
        problems.append(f"streams is {model.streams!r}: say True or False")
    endpoint = model.endpoint
    if not isinstance(endpoint, Endpoint) or not endpoint.kind:
        return [*problems, f"endpoint is {endpoint!r}: give an Endpoint with a kind, for matches are told apart by it"]
    if model.endpoint != endpoint:
        problems.append("endpoint differs from one look to the next: it says what the model is, not how it does")
    shown = [model.name, repr(model), *map(str, endpoint.facts().values())]
    if any(secret in text for secret in claims.secrets for text in shown):
        problems.append("a secret is seen in the name, the endpoint or repr(model): these are recorded and shown")
    return problems


async def _answer(model: ChatModel, claims: Claims) -> list[str]:
    """a plain request is answered, and what it took is counted."""
    return _flaws(await model.complete(ChatRequest(MESSAGES, max_tokens=MOST)))


async def _many(model: ChatModel, claims: Claims) -> list[str]:
    """many tasks can ask at once."""
    requests = [ChatRequest(MESSAGES, max_tokens=MOST, temperature=1.0, seed=seed) for seed in range(AT_ONCE)]
    completions = await asyncio.gather(*(model.complete(request) for request in requests))
    return [flaw for completion in completions for flaw in _flaws(completion)]


async def _length(model: ChatModel, claims: Claims) -> list[str]:
    """an answer is no longer than is allowed."""
    completion = await model.complete(ChatRequest(MESSAGES, max_tokens=FEW, temperature=1.0, seed=1))
    count, most = completion.usage.tokens_out, max(FEW, claims.least_tokens)
    return [] if count <= most else [f"{count} tokens came where max_tokens allows {most}: more was not set aside"]


async def _choices(model: ChatModel, claims: Claims) -> list[str]:
    """a request with choices is answered, with one of them where the model says that it can be held to them."""
    problems = []
    for seed in range(3):
        request = ChatRequest(MESSAGES, claims.choices or MOVES, max_tokens=MOST, temperature=1.0, seed=seed)
        completion = await model.complete(request)
        problems += _flaws(completion)
        text = completion.text
        if claims.choices and text not in claims.choices:
            problems.append(f"{text!r} is none of {claims.choices}: claim choices only of a model that is held to them")
    return problems


async def _grammar(model: ChatModel, claims: Claims) -> list[str]:
    """a request with a grammar is answered, with a text of it where the model says that it can be held to one."""
    problems = []
    for seed in range(3):
        request = ChatRequest(MESSAGES, grammar=PLANS, max_tokens=MOST, temperature=1.0, seed=seed)
        completion = await model.complete(request)
        problems += _flaws(completion)
        if holds_of(model) == "grammar" and not Walker(PLANS).knows(completion.text.strip()):
            problems.append(f"{completion.text!r} is none of {regex(PLANS)}: hold only what is held")
    return problems


async def _reading_along(model: ChatModel, claims: Claims) -> list[str]:
    """on_text gets the text as it grows or, from a model that does not stream, once and whole."""
    problems = []
    for choices in dict.fromkeys((None, claims.choices or None)):
        shown: list[str] = []
        request = ChatRequest(MESSAGES, choices, max_tokens=MOST, seed=1, on_text=shown.append)
        completion = await model.complete(request)
        whole = [completion.text] if completion.text else []
        if shown[-1:] != whole and completion.finish_reason != "refusal":
            problems.append(f"on_text got {shown[-1:]} last, the text is {completion.text!r}: give it all in the end")
        if not model.streams and len(shown) > 1:
            problems.append(f"on_text got {len(shown)} texts of a model that does not stream: give the whole text once")
        if any(not later.startswith(sooner) or later == sooner for sooner, later in pairwise(shown)):
            problems.append(f"on_text got {shown}: each text must go on where the one before it ended")
    return problems


async def _repeating(model: ChatModel, claims: Claims) -> list[str]:
    """the same request with the same seed gives the same text, where the model says so."""
    problems = []
    for choices in dict.fromkeys((None, claims.choices or None)) if claims.repeats else ():
        request = ChatRequest(MESSAGES, choices, max_tokens=MOST, temperature=1.0, seed=7)
        one, other = [(await model.complete(request)).text for _ in range(2)]
        if one != other:
            problems.append(f"seed 7 gave {one!r} and then {other!r}: draw every random number from the request's seed")
    return problems


async def _closing(model: ChatModel, claims: Claims) -> list[str]:
    """closing it twice is harmless."""
    await model.close()
    await model.close()
    return []


def _flaws(completion: Completion) -> list[str]:
    """What a completion lacks, in lines."""
    usage = completion.usage
    flaws = []
    for what, text in (("text", completion.text), ("thought", completion.thought)):
        if not isinstance(text, str):
            flaws.append(f"{what} is {text!r}: give a text, an empty one if there is none")
    if not all(isinstance(count, int) and count >= 0 for count in (usage.tokens_in, usage.tokens_out)):
        flaws.append(f"usage is {usage}: count tokens in whole numbers from 0 on")
    for what, number in (("latency", completion.latency), ("cost", completion.cost)):
        if not (math.isfinite(number) and number >= 0):
            flaws.append(f"{what} is {number}: give a number from 0 on")
    if completion.finish_reason not in get_args(FinishReason):
        flaws.append(f"finish_reason is {completion.finish_reason!r}: it is one of {', '.join(get_args(FinishReason))}")
    return flaws


_CHECKS = (_declarations, _answer, _many, _length, _choices, _grammar, _reading_along, _repeating, _closing)
