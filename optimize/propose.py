"""Our own search: new candidates by small edits of good ones.

This is no language model: it adds, removes, changes and reorders rules at random, within what reflection suggested, and
crosses two parents. It proposes where no strong model is configured, and beside one where it is. Knows nothing about
why a rule might be good; whoever reflects says so by suggesting it, first the most promising.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from models.errors import BadInput
from optimize.proposal import Items, Proposal, Scored, Workshop
from prompts.prompt import GuidanceItem, Prompt
from reflect.edits import Edit

ORIGIN = "search"
T = TypeVar("T")
_TRIES = 60
"""Draws for each candidate wanted, before a small space is taken to be exhausted."""


@dataclass(frozen=True, slots=True)
class Search:
    """The proposer. ``suggestions`` are the items that edits draw from, the most promising first."""

    workshop: Workshop
    suggestions: Sequence[GuidanceItem]

    @classmethod
    def of(cls, workshop: Workshop, edits: Sequence[Edit]) -> "Search":
        """The search over what reflection's ``edits`` would put into a prompt, in their order."""
        items = [edit.item() for edit in edits if edit.kind != "retire"]
        return cls(workshop, list({item.id: item for item in items}.values()))

    def propose(self, past: Sequence[Scored], champion: Prompt, seed: int, count: int = 8) -> Proposal:
        """Up to ``count`` candidates, all different from each other, from ``past`` and from ``champion``.

        The first takes the best suggestions as they are; the others are edits of a parent, drawn by rank from the
        champion and ``past``. Fewer come back where there is nothing else to try.
        """
        rng = random.Random(seed)
        parents = [champion, *(s.prompt for s in sorted(past, key=lambda s: -s.score) if s.prompt.id != champion.id)]
        seen = {prompt.id for prompt in parents}
        candidates: list[Prompt] = []
        drafts = [self._best(champion)]
        for _ in range(_TRIES * count):
            if len(candidates) == count:
                break
            items = drafts.pop() if drafts else self._draw(rng, parents)
            try:
                prompt = self.workshop.prompt(items)
            except BadInput:
                continue  # a random edit may repeat a rule or outgrow the budget: draw again
            if prompt.id not in seen:
                seen.add(prompt.id)
                candidates.append(prompt)
        return Proposal(tuple(candidates))

    def _best(self, champion: Prompt) -> Items:
        """The champion's items below as many of the best suggestions as fit."""
        items = champion.items
        fresh = [item for item in self.suggestions if item not in items]
        room = self.workshop.budget.items - len(items)
        return (*fresh[: max(room, 1)], *items)[: self.workshop.budget.items]

    def _draw(self, rng: random.Random, parents: Sequence[Prompt]) -> Items:
        """A parent, better ones more often, after one to three edits."""
        items = _by_rank(rng, parents).items
        for _ in range(rng.choice((1, 1, 2, 3))):
            items = rng.choice(_EDITS)(self, rng, items, parents)
        return items

    def _add(self, rng: random.Random, items: Items, parents: Sequence[Prompt]) -> Items:
        fresh = [item for item in self.suggestions if item not in items]
        if not fresh:
            return items
        at = rng.randint(0, len(items))
        return (*items[:at], _by_rank(rng, fresh), *items[at:])[: self.workshop.budget.items]

    def _remove(self, rng: random.Random, items: Items, parents: Sequence[Prompt]) -> Items:
        at = rng.randrange(max(len(items), 1))
        return (*items[:at], *items[at + 1 :])

    def _change(self, rng: random.Random, items: Items, parents: Sequence[Prompt]) -> Items:
        """Another item in place of one, if there is one on the same situation."""
        if not items:
            return items
        at = rng.randrange(len(items))
        fresh = [item for item in self.suggestions if item not in items]
        same = [item for item in fresh if item.rule and items[at].rule and _when(item) == _when(items[at])]
        return (*items[:at], _by_rank(rng, same or fresh), *items[at + 1 :]) if fresh else items

    def _reorder(self, rng: random.Random, items: Items, parents: Sequence[Prompt]) -> Items:
        """One item moves elsewhere: the first rule that holds decides."""
        if not items:
            return items
        at = rng.randrange(len(items))
        rest = (*items[:at], *items[at + 1 :])
        to = rng.randint(0, len(rest))
        return (*rest[:to], items[at], *rest[to:])

    def _cross(self, rng: random.Random, items: Items, parents: Sequence[Prompt]) -> Items:
        """The head of these items, then what another parent has beyond it."""
        other = _by_rank(rng, parents).items
        head = items[: rng.randint(0, len(items))]
        return (*head, *(item for item in other if item not in head))[: self.workshop.budget.items]


_Edit = Callable[[Search, random.Random, Items, Sequence[Prompt]], Items]
_EDITS: tuple[_Edit, ...] = (Search._add, Search._add, Search._change, Search._remove, Search._reorder, Search._cross)


def _when(item: GuidanceItem) -> tuple[tuple[str, str], ...]:
    return item.rule.conditions if item.rule else ()


def _by_rank(rng: random.Random, options: Sequence[T]) -> T:
    """One of ``options``, the n-th with a weight of 1/n."""
    return rng.choices(options, [1 / n for n in range(1, len(options) + 1)])[0]
