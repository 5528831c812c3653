"""A prompt: a base text and an ordered list of guidance items, immutable and named by its content.

Rendering never cuts: guidance that does not fit its budget is an error. Knows nothing about storage.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from episodes.game import Game
from episodes.players.model import Held, ModelPlayer, held_by_default
from models.chat import ChatModel
from models.errors import BadInput
from models.ids import content_id
from prompts.base import STUDENT, Base
from prompts.rule import Rule

CountTokens = Callable[[str], int]

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
MAX_REMARK = 300
"""Characters of a remark."""


@dataclass(frozen=True, slots=True)
class GuidanceItem:
    """One piece of advice: a rule, a free remark, or a rule with a remark.

    The remark is one line without control codes; only models whose base says ``remarks`` are shown it. ``origin`` says
    who wrote it (``analyst``, ``person``, a model's name) and is not part of its identity.
    """

    rule: Rule | None
    remark: str = ""
    origin: str = field(default="person", compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "remark", " ".join(_CONTROL.sub(" ", self.remark).split()))
        if self.rule is None and not self.remark:
            raise BadInput("a guidance item needs a rule or a remark; this one has neither")
        if len(self.remark) > MAX_REMARK:
            raise BadInput(f"a remark has at most {MAX_REMARK} characters, this one has {len(self.remark)}: shorten it")

    @property
    def id(self) -> str:
        """Content hash, 20 hexadecimal digits."""
        conditions = [part for pair in self.rule.conditions for part in pair] if self.rule else []
        return content_id("guidance", [self.rule.move if self.rule else "", self.remark, *conditions])

    def line(self, game: Game, *, remarks: bool) -> str:
        """The item as one line of a system prompt; empty where there is nothing that this reader understands."""
        parts = [self.rule.sentence(game)] if self.rule else []
        if remarks and self.remark:
            parts.append(self.remark)
        return " ".join(parts)


def estimate_tokens(text: str) -> int:
    """A cautious guess where the model's tokenizer is not at hand: a token for every three characters."""
    return math.ceil(len(text) / 3)


@dataclass(frozen=True, slots=True)
class Budget:
    """What guidance may take of a prompt: so many items, and so many tokens for their lines together.

    The defaults fit the rookie, which was trained on up to eight rules.
    """

    items: int = 8
    tokens: int = 600


DEFAULT_BUDGET = Budget()


@dataclass(frozen=True, slots=True)
class Prompt:
    """A base and its guidance, first item first. Make one with ``compose``, which checks it."""

    base: Base
    items: tuple[GuidanceItem, ...] = ()

    @property
    def id(self) -> str:
        """Content hash, 20 hexadecimal digits."""
        return content_id("prompt", [self.base.id, *(item.id for item in self.items)])

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The structured rules, in order."""
        return tuple(item.rule for item in self.items if item.rule is not None)

    def lines(self, game: Game) -> list[str]:
        """One line an item that this prompt's reader understands."""
        lines = [item.line(game, remarks=self.base.remarks) for item in self.items]
        return [line for line in lines if line]

    def render(self, game: Game, budget: Budget = DEFAULT_BUDGET, count_tokens: CountTokens = estimate_tokens) -> str:
        """The system message: the base text, then a line ``- ...`` for each item. Raises ``BadInput`` over budget."""
        lines = self.lines(game)
        check_budget(lines, budget, count_tokens)
        heading = [self.base.heading] if lines and self.base.heading else []
        return "\n".join([self.base.text, *heading, *(f"- {line}" for line in lines)])


def check_budget(lines: Sequence[str], budget: Budget, count_tokens: CountTokens) -> None:
    """Raise ``BadInput`` if guidance lines are too many or too long."""
    if len(lines) > budget.items:
        raise BadInput(f"the prompt has {len(lines)} guidance items and may have {budget.items}: retire or merge some")
    tokens = sum(count_tokens(f"- {line}") for line in lines)
    if tokens > budget.tokens:
        raise BadInput(f"the guidance takes {tokens} tokens and may take {budget.tokens}: shorten or retire items")


def compose(
    game: Game,
    base: Base,
    items: Sequence[GuidanceItem] = (),
    budget: Budget = DEFAULT_BUDGET,
    count_tokens: CountTokens = estimate_tokens,
) -> Prompt:
    """A prompt for ``game``; raises ``BadInput`` for words the game does not know, repeated items and over budget."""
    if base.game != game.name:
        raise BadInput(f"the base text is for {base.game}, not for {game.name}: choose a base of that game")
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            raise BadInput(f"the guidance has {item.line(game, remarks=True)!r} twice: remove one")
        seen.add(item.id)
        if item.rule is not None:
            Rule.of(game, dict(item.rule.conditions), item.rule.move)
    prompt = Prompt(base, tuple(items))
    check_budget(prompt.lines(game), budget, count_tokens)
    return prompt


def player(
    model: ChatModel,
    prompt: Prompt,
    game: Game,
    name: str,
    *,
    free: bool = False,
    budget: Budget = DEFAULT_BUDGET,
    count_tokens: CountTokens = estimate_tokens,
) -> ModelPlayer:
    """``model`` playing ``game`` with ``prompt``, called ``name``.

    It is held to as much as it can be: to legal moves where the prompt asks for one, and to plans where the game has
    them. ``free``: to nothing.
    """
    constrained = prompt.base.constrained
    wanted: Held = "free" if free else "moves" if constrained else held_by_default(model, game)
    implied = "moves" if constrained else "free"
    return ModelPlayer(
        name=name,
        chat=model,
        system=prompt.render(game, budget, count_tokens),
        turn=prompt.base.turn,
        prompt_id=prompt.id,
        constrained=constrained,
        held=None if wanted == implied else wanted,
        timed=prompt.base.name != STUDENT,  # lessons are without a clock: a student never learned what one means
    )
