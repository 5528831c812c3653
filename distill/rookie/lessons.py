"""What the rookie learns from: system prompts with rules, situations, and the moves that the rules decide.

A lesson is one conversation: one system prompt with any number of rules, then independent turns. The first rule that
matches decides; where none does the target is ``PRIOR``, a fixed spread over the legal moves that plays poorly.
Knows nothing about the model.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import cast

from distill.rookie.vocabulary import ASSISTANT, BEGIN, END, SYSTEM, USER, encode, vocabulary
from episodes.game import Game
from episodes.games.duel.words import FEATURES, MOVES, phrase
from prompts.rule import Rule, situation_line

BASE_TEXT = "Duel. Follow the first rule that fits."
BARE_TEXT = "Duel."
_OTHER_BASE_TEXTS = ("You play duel. Use the first rule that fits.", "Follow these rules. The first that fits decides.")

PRIOR: Mapping[str, float] = {
    "jump": 0.20,
    "retreat": 0.20,
    "guard": 0.13,
    "advance": 0.11,
    "uppercut": 0.09,
    "heavy": 0.07,
    "throw": 0.06,
    "fireball": 0.06,
    "jab": 0.05,
    "super": 0.03,
}
"""The probability of each move where no rule decides: aimless, never a strategy. ``super`` only with a full meter."""

LEAK = 0.01
"""Share of the prior mixed into a decided target, so that what is left when that move is illegal is it too."""

PHRASINGS: Mapping[str, str] = {
    "when-use": "When {when}, use {move}.",
    "if-play": "If {when}, play {move}.",
    "whenever-choose": "Whenever {when}, choose {move}.",
    "if-then": "If {when} then {move}.",
    "colon": "{when}: {move}.",
}
"""Ways to write a rule, conditions first; the first is ``Rule.sentence``'s own."""
CANONICAL = "when-use"
_ALWAYS = ("Always use {move}.", "Always play {move}.", "Otherwise use {move}.", "Always {move}.")
_CLAUSES = ("{phrase}", "the {feature} is {value}", "{value}", "{feature} {value}")


class _Duel:
    """The part of the game that rules need, without its engine."""

    name = "duel"
    features = FEATURES
    moves = MOVES

    def phrase(self, feature: str, value: str) -> str:
        return phrase(feature, value)


DUEL = cast(Game, _Duel())


@dataclass(frozen=True, slots=True)
class Level:
    """How hard the lessons are."""

    features: int
    """Rules mention only the first so many features of the game."""
    rules: int
    """The most rules in a prompt."""
    pairs: float
    """Share of rules with two conditions."""
    wording: float
    """Share of lessons whose rules are worded freely rather than canonically."""


LEVELS = (
    Level(1, 4, 0.0, 0.0),
    Level(3, 4, 0.0, 0.0),
    Level(7, 4, 0.0, 0.0),
    Level(7, 3, 1.0, 0.1),
    Level(7, 5, 0.5, 0.3),
    Level(7, 8, 0.5, 0.6),
)


@dataclass(frozen=True, slots=True)
class Turn:
    """A situation and the rule that decides it; ``None`` if none does."""

    situation: Mapping[str, str]
    rule: Rule | None
    move: str
    """What is played: the rule's move, or one drawn from the prior."""


@dataclass(frozen=True, slots=True)
class Lesson:
    system: str
    rules: tuple[Rule, ...]
    turns: tuple[Turn, ...]


def deciding(rules: Sequence[Rule], situation: Mapping[str, str]) -> Rule | None:
    """The first rule that matches."""
    return next((rule for rule in rules if rule.matches(situation)), None)


def worded(rule: Rule, phrasing: str, draw: Random | None = None) -> str:
    """``rule`` as a sentence in one of ``PHRASINGS``; with ``draw`` its clauses and their order vary too."""
    if not rule.conditions:
        text = (draw.choice(_ALWAYS) if draw else _ALWAYS[0]).format(move=rule.move)
    elif phrasing == CANONICAL and draw is None:
        text = rule.sentence(DUEL)
    else:
        clauses = [
            (draw.choice(_CLAUSES) if draw and draw.random() < 0.35 else _CLAUSES[0]).format(
                phrase=phrase(feature, value), feature=feature, value=value
            )
            for feature, value in rule.conditions
        ]
        if draw and draw.random() < 0.4:
            clauses.reverse()
        text = PHRASINGS[phrasing].format(when=" and ".join(clauses), move=rule.move)
    return text[0].upper() + text[1:]


def draw_rules(draw: Random, level: Level, count: int) -> tuple[Rule, ...]:
    """At most ``count`` random rules, no two with the same conditions; now and then the last one holds always."""
    names = list(FEATURES)[: level.features]
    always = level.features > 1 and count > 0 and draw.random() < 0.2
    rules: dict[tuple[tuple[str, str], ...], Rule] = {}
    for _ in range(count - always):
        wanted = 2 if level.features > 1 and draw.random() < level.pairs else 1
        situation = {feature: draw.choice(FEATURES[feature]) for feature in draw.sample(names, wanted)}
        rule = Rule.of(DUEL, situation, draw.choice(MOVES))
        rules.setdefault(rule.conditions, rule)
    last = (Rule.of(DUEL, {}, draw.choice(MOVES)),) if always else ()
    return (*rules.values(), *last)


def draw_situation(draw: Random, rules: Sequence[Rule]) -> dict[str, str]:
    """A situation that often meets a rule, sometimes several, and often misses a pair by one condition."""
    conditional = [rule for rule in rules if rule.conditions]
    kind = draw.random() if conditional else 1.0
    situation = {feature: draw.choice(values) for feature, values in FEATURES.items()}
    if kind < 0.65:
        for met in draw.sample(conditional, min(len(conditional), draw.choice((1, 1, 2, 3)))):
            situation.update(met.conditions)
    elif kind < 0.85:
        feature, value = draw.choice(draw.choice(conditional).conditions)
        situation[feature] = value
        for _ in range(4):
            if deciding(conditional, situation) is None:
                break
            situation = {name: draw.choice(values) for name, values in FEATURES.items()} | {feature: value}
    return situation


def draw_prior(draw: Random, situation: Mapping[str, str]) -> str:
    """A move from the prior, legal in ``situation``."""
    target = target_of(None, situation)
    return draw.choices(MOVES, target)[0]


def target_of(rule: Rule | None, situation: Mapping[str, str]) -> list[float]:
    """The probabilities, in the order of ``MOVES``, that the rookie should give."""
    weights = [0.0 if move == "super" and situation["meter"] != "full" else PRIOR[move] for move in MOVES]
    total = sum(weights)
    prior = [weight / total for weight in weights]
    if rule is None:
        return prior
    return [LEAK * share + (1 - LEAK) * (move == rule.move) for move, share in zip(MOVES, prior, strict=True)]


def held_out(rules: Sequence[Rule]) -> bool:
    """Whether this very list of rules, however worded, is kept from training: one list in ten, by its hash."""
    text = "\n".join(rule.sentence(DUEL) for rule in rules)
    return bool(rules) and hashlib.blake2b(text.encode(), digest_size=1).digest()[0] < 26


def draw_lesson(draw: Random, level: Level, turns: int) -> Lesson:
    """One conversation at ``level``, for training: never one whose rules are held out."""
    count = draw.randint(draw.choice((0, level.rules // 2, level.rules - 2)), level.rules)
    while held_out(rules := draw_rules(draw, level, count)):
        pass
    free = draw.random() < level.wording
    share = draw.choice((0.3, 1.0)) if free else 0.0
    lines = []
    for rule in rules:
        if draw.random() < share:
            lines.append("- " + worded(rule, draw.choice(list(PHRASINGS)), draw))
        else:
            lines.append("- " + rule.sentence(DUEL))
    base = BASE_TEXT
    if draw.random() < 0.2:
        base = draw.choice(_OTHER_BASE_TEXTS) if rules else BARE_TEXT
    played = []
    for _ in range(turns):
        situation = draw_situation(draw, rules)
        decided = deciding(rules, situation)
        played.append(Turn(situation, decided, decided.move if decided else draw_prior(draw, situation)))
    return Lesson("\n".join((base, *lines)), rules, tuple(played))


@dataclass(frozen=True, slots=True)
class Encoded:
    """A lesson as tokens.

    ``ids``: the whole conversation; ``prefix``: tokens before the first turn; ``asked``: for each turn the place of the
    token after which the move is due. A turn is ``TURN`` tokens long.
    """

    ids: list[int]
    prefix: int
    asked: list[int]


TURN = len(FEATURES) + 4
"""Tokens of a turn: user mark, one a feature, assistant mark, move, end."""

_IDS = vocabulary()


def encode_lesson(lesson: Lesson) -> Encoded:
    """Exactly what the tokenizer's chat template gives for the same conversation (a test holds it to that)."""
    ids = [_IDS[BEGIN], _IDS[SYSTEM], *encode(lesson.system, _IDS), _IDS[END]]
    prefix = len(ids)
    asked = []
    for turn in lesson.turns:
        ids += [_IDS[USER], *encode(situation_line(DUEL, turn.situation), _IDS), _IDS[ASSISTANT]]
        asked.append(len(ids) - 1)
        ids += [_IDS[turn.move], _IDS[END]]
    return Encoded(ids, prefix, asked)
