"""What a person decided about single guidance items, and holds for whatever is proposed: retired ones stay out, pinned
ones stay in. Knows nothing about who proposes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from prompts.prompt import DEFAULT_BUDGET, Budget, GuidanceItem, Prompt


@dataclass(frozen=True, slots=True)
class Held:
    """``pinned`` are items of the current prompt, in its order; ``order`` are the ids of all of its items; ``retired``
    is what must not come back (``advice``)."""

    pinned: tuple[GuidanceItem, ...] = ()
    order: tuple[str, ...] = ()
    retired: frozenset[object] = frozenset()

    @classmethod
    def of(cls, current: Prompt, pinned: Iterable[str], retired: Iterable[GuidanceItem]) -> "Held":
        """What holds for prompts made of ``current``; ``pinned`` are ids of items, of which only its own count."""
        ids = set(pinned)
        return cls(
            tuple(item for item in current.items if item.id in ids),
            tuple(item.id for item in current.items),
            frozenset(map(advice, retired)),
        )

    def facts(self) -> list[str]:
        """What is held, the same for the same decisions; empty where nothing is."""
        return [*(f"pinned {item.id}" for item in self.pinned), *sorted(f"retired {one!r}" for one in self.retired)]

    def retires(self, item: GuidanceItem) -> bool:
        """Whether a person retired what ``item`` says."""
        return advice(item) in self.retired

    def pins(self, item_id: str) -> bool:
        """Whether a person pinned the item with this id."""
        return any(item.id == item_id for item in self.pinned)

    def applied(self, items: Sequence[GuidanceItem], budget: Budget = DEFAULT_BUDGET) -> tuple[GuidanceItem, ...]:
        """``items`` as a person allows them.

        Retired ones go. A pinned one takes the place of another on exactly its situation, or goes before what comes
        after it in the current prompt; in front of a rule that would keep it from ever deciding, unless that rule has
        stood before it all along. Where pinned ones make it too many, the last that are not pinned go.
        """
        kept = [item for item in items if not self.retires(item)]
        most = max(budget.items, len(kept))
        for pin in self.pinned:
            at, kept = self._place(pin, kept)
            kept.insert(at, pin)
        for item in reversed([one for one in kept if not self.pins(one.id)]):
            if len(kept) > most:
                kept.remove(item)
        return tuple(kept)

    def _place(self, pin: GuidanceItem, items: Sequence[GuidanceItem]) -> tuple[int, list[GuidanceItem]]:
        """Where ``pin`` goes, and the others without what is on exactly its situation."""
        twins = [n for n, item in enumerate(items) if item.id == pin.id or _situation(item) == _situation(pin)]
        others = [item for n, item in enumerate(items) if n not in twins]
        after = set(self.order[self.order.index(pin.id) + 1 :])
        follower = next((n for n, item in enumerate(others) if item.id in after), len(others))
        at = twins[0] if twins else follower
        before = set(self.order[: self.order.index(pin.id)])
        hiding = (n for n, item in enumerate(others[:at]) if item.id not in before and _hides(item, pin))
        return next(hiding, at), others


def advice(item: GuidanceItem) -> object:
    """What an item says, equal for items that say the same: the rule whatever the remark, or the remark alone."""
    return item.rule if item.rule is not None else item.remark


def _situation(item: GuidanceItem) -> object:
    return item.rule.conditions if item.rule is not None else item.id


def _hides(first: GuidanceItem, item: GuidanceItem) -> bool:
    """Whether ``first``, standing before ``item``, takes every turn in which that one holds."""
    return first.rule is not None and item.rule is not None and set(first.rule.conditions) <= set(item.rule.conditions)


NOTHING_HELD = Held()
