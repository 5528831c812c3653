"""What a proposer hands to the race: candidates that are whole prompts, and what was refused with its reason."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from episodes.game import Game
from models.errors import BadInput
from prompts.base import Base
from prompts.held import NOTHING_HELD, Held
from prompts.prompt import DEFAULT_BUDGET, Budget, CountTokens, GuidanceItem, Prompt, compose, estimate_tokens

Items = tuple[GuidanceItem, ...]


@dataclass(frozen=True, slots=True)
class Scored:
    """A prompt that has played; ``score`` is its mean pair score in [0, 1] against one and the same opponent."""

    prompt: Prompt
    score: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """A proposal that is no candidate: its text as it came, and why."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Proposal:
    candidates: tuple[Prompt, ...]
    refused: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Workshop:
    """What every candidate is made for: the game, the base text, the room there is for guidance, and what a person
    decided about single items."""

    game: Game
    base: Base
    budget: Budget = DEFAULT_BUDGET
    count_tokens: CountTokens = field(default=estimate_tokens)
    held: Held = NOTHING_HELD

    def prompt(self, items: Sequence[GuidanceItem]) -> Prompt:
        """The candidate with these items, as far as a person allows them; raises ``BadInput`` if it cannot be or is
        over budget."""
        return compose(self.game, self.base, self.held.applied(items, self.budget), self.budget, self.count_tokens)

    def sift(self, texts: Iterable[str], read: Callable[[str], Items], past: Iterable[str]) -> Proposal:
        """Candidates from texts. What ``read`` or ``prompt`` refuses, or what is in ``past`` (ids), is refused."""
        seen, candidates, refused = set(past), [], []
        for text in texts:
            try:
                prompt = self.prompt(read(text))
            except BadInput as error:
                refused.append(Refusal(text, str(error)))
                continue
            if prompt.id in seen:
                refused.append(Refusal(text, "this set of rules was tried before or is proposed twice"))
                continue
            seen.add(prompt.id)
            candidates.append(prompt)
        return Proposal(tuple(candidates), tuple(refused))
