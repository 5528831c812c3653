"""Edits: how reflection changes guidance, and applying them to a prompt.

Whoever reflects, statistics or a language model, answers with edits; everything about their form is checked here.
Knows nothing about whether an edit helps.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from episodes.game import Game
from models.errors import BadInput
from prompts.library import Citation
from prompts.prompt import DEFAULT_BUDGET, Budget, CountTokens, GuidanceItem, Prompt, compose, estimate_tokens
from prompts.rule import Rule

Kind = Literal["add", "change", "merge", "retire"]
KINDS: tuple[Kind, ...] = ("add", "change", "merge", "retire")
MAX_EDITS = 24


Where = Literal["first", "last", "before", "after"]
WHERE: tuple[Where, ...] = ("first", "last", "before", "after")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the list an item goes: in front of all, behind all, or beside the item with the id ``target``.

    Items that are put in front one after the other stand in the order in which they were put there.
    """

    where: Where
    target: str = ""


FRONT = Place("first")


@dataclass(frozen=True, slots=True)
class Edit:
    """One change to a prompt's guidance.

    ``add`` puts a new item in; ``change`` puts one in the place of one target; ``merge`` puts one in the place of
    several; ``retire`` takes targets out. ``targets`` are ids of items in the prompt. The new item has ``rule``, or
    ``remark`` alone, or both. ``cites`` are the turns that support it; ``reason`` says why, for people. ``place`` is
    where the new item goes; without it see ``apply_edits``.
    """

    kind: Kind
    rule: Rule | None = None
    targets: tuple[str, ...] = ()
    remark: str = ""
    cites: tuple[Citation, ...] = ()
    reason: str = ""
    origin: str = field(default="analyst", compare=False)
    place: Place | None = None

    def item(self) -> GuidanceItem:
        """The item that the edit puts in."""
        return GuidanceItem(self.rule, self.remark, self.origin)


def check_edit(edit: Edit, prompt: Prompt, game: Game) -> None:
    """Raise ``BadInput`` where ``edit`` is not well formed or does not fit ``prompt``."""
    if edit.kind not in KINDS:
        raise BadInput(f"unknown kind of edit {edit.kind!r}: use {', '.join(KINDS)}")
    wanted = {"add": (0, 0), "change": (1, 1), "merge": (2, len(prompt.items)), "retire": (1, len(prompt.items))}
    least, most = wanted[edit.kind]
    if not least <= len(set(edit.targets)) <= max(most, least) or len(set(edit.targets)) != len(edit.targets):
        raise BadInput(
            f"an edit of kind {edit.kind!r} has {len(edit.targets)} different targets: it needs {least} or more"
        )
    known = {item.id for item in prompt.items}
    for target in edit.targets:
        if target not in known:
            raise BadInput(
                f"the edit's target {target!r} is not in the prompt: its items are {', '.join(sorted(known))}"
            )
    if edit.place is not None:
        _check_place(edit.place, edit, known)
    if edit.kind == "retire":
        if edit.rule is not None or edit.remark or edit.place is not None:
            raise BadInput("an edit of kind 'retire' brings no rule, no remark and no place: leave them out")
    else:
        edit.item()
        if edit.rule is not None:
            Rule.of(game, dict(edit.rule.conditions), edit.rule.move)


def _check_place(place: Place, edit: Edit, known: set[str]) -> None:
    if place.where not in WHERE:
        raise BadInput(f"unknown place {place.where!r}: use {', '.join(WHERE)}")
    if place.where in ("first", "last"):
        if place.target:
            raise BadInput(f"the place {place.where!r} is beside no item: leave the item out")
    elif place.target in edit.targets:
        raise BadInput(f"the edit's place is beside {place.target!r}, which the edit itself takes out")
    elif place.target not in known:
        raise BadInput(f"the edit's place is beside {place.target!r}, which is not in the prompt")


def apply_edits(
    prompt: Prompt,
    edits: Sequence[Edit],
    game: Game,
    *,
    budget: Budget = DEFAULT_BUDGET,
    count_tokens: CountTokens = estimate_tokens,
) -> Prompt:
    """``prompt`` after ``edits``, one after the other.

    With a place, the new item goes there, and so does one that is there already; another rule on exactly its situation
    goes. Without one, a new rule stands before the first item with fewer conditions, since the first that fits decides,
    and a remark last; a changed one with as many conditions as before stays in its place; what is there already is not
    put in twice; a new rule on exactly the situation of an old one takes its place. Raises ``BadInput`` for an edit
    that does not fit and for guidance over budget.
    """
    if len(edits) > MAX_EDITS:
        raise BadInput(f"{len(edits)} edits at once, at most {MAX_EDITS}: make fewer")
    items = list(prompt.items)
    front: list[str] = []
    for edit in edits:
        check_edit(edit, Prompt(prompt.base, tuple(items)), game)
        targets = [n for n, item in enumerate(items) if item.id in edit.targets]
        if edit.kind == "change" and edit.place is None and _fits_in_place(items, targets[0], edit.item()):
            items[targets[0]] = edit.item()
            continue
        items = [item for item in items if item.id not in edit.targets]
        if edit.kind == "retire":
            continue
        new = edit.item()
        if edit.place is None:
            items = _put(items, new)
        else:
            items = _put_at(items, new, edit.place, front)
            front += [new.id] * (edit.place == FRONT)
    return compose(game, prompt.base, items, budget, count_tokens)


def _size(item: GuidanceItem) -> int:
    """How many conditions an item's rule has; -1 for a remark."""
    return len(item.rule.conditions) if item.rule else -1


def _fits_in_place(items: list[GuidanceItem], place: int, new: GuidanceItem) -> bool:
    others = [item for n, item in enumerate(items) if n != place]
    conditions = new.rule.conditions if new.rule else None
    twins = [item for item in others if item.id == new.id or (item.rule and item.rule.conditions == conditions)]
    return _size(items[place]) == _size(new) and not twins


def _put(items: list[GuidanceItem], new: GuidanceItem) -> list[GuidanceItem]:
    """``items`` with ``new`` where its situation belongs."""
    if any(item.id == new.id for item in items):
        return items
    if new.rule is not None:
        conditions = new.rule.conditions
        twin = next((n for n, item in enumerate(items) if item.rule and item.rule.conditions == conditions), None)
        if twin is not None:
            return [*items[:twin], new, *items[twin + 1 :]]
    place = next((n for n, item in enumerate(items) if _size(item) < _size(new)), len(items))
    return [*items[:place], new, *items[place:]]


def _put_at(items: list[GuidanceItem], new: GuidanceItem, place: Place, front: Sequence[str]) -> list[GuidanceItem]:
    """``items`` with ``new`` at ``place``; ``front`` are the ids of those that were put in front before it."""
    conditions = new.rule.conditions if new.rule else None
    twins = {item.id for item in items if item.id != place.target and item.rule and item.rule.conditions == conditions}
    rest = [item for item in items if item.id not in twins and item.id != new.id]
    ids = [item.id for item in rest]
    if place.where == "first":
        at = next((n for n, known in enumerate(ids) if known not in front), len(ids))
    elif place.where == "last":
        at = len(ids)
    elif place.target == new.id:
        return items  # beside itself
    else:
        at = ids.index(place.target) + (place.where == "after")
    return [*rest[:at], new, *rest[at:]]


def in_front(edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """``edits`` with every new rule in front that has no place of its own."""
    return tuple(
        replace(edit, place=FRONT) if edit.rule is not None and edit.place is None and edit.kind != "retire" else edit
        for edit in edits
    )


def placings(prompt: Prompt, edits: tuple[Edit, ...], game: Game) -> list[tuple[Edit, ...]]:
    """``edits`` as they are and, where they leave places open and fit there too, in front."""
    front = in_front(edits)
    try:
        apply_edits(prompt, front, game)
    except BadInput:
        return [edits]
    return list(dict.fromkeys((edits, front)))


def edits_between(prompt: Prompt, rules: Sequence[Rule], game: Game) -> list[Edit]:
    """The edits that make the rules of ``prompt`` exactly ``rules``, in that order; remarks without a rule stay.

    ``rules`` must be different and have those with more conditions first. A rule on the situation of an old one is a
    change of it; old rules that a new rule for the same move covers are merged into it; the rest is retired and added.
    A rule that stands in the wrong place is retired and added again.
    """
    staying, edits = _staying(prompt, rules)
    leaving = [item for item in prompt.items if item.rule is not None and item.rule.conditions not in staying]
    wanted = {rule.conditions for rule in rules}
    merges: list[Edit] = []
    for rule in rules:
        if rule.conditions in staying:
            continue
        # An old rule on the very situation of a new one is that one's to replace.
        covered = tuple(
            item.id for item in leaving if item.rule and item.rule.conditions not in wanted and _covers(rule, item.rule)
        )
        if len(covered) > 1:
            leaving = [item for item in leaving if item.id not in covered]
            merges.append(Edit("merge", rule, covered))
        else:
            merges.append(Edit("add", rule))
    retire = [Edit("retire", targets=tuple(item.id for item in leaving))] if leaving else []
    return [*retire, *edits, *merges]


def _covers(wide: Rule, narrow: Rule) -> bool:
    return wide.move == narrow.move and set(wide.conditions) < set(narrow.conditions)


def _staying(prompt: Prompt, rules: Sequence[Rule]) -> tuple[set[tuple[tuple[str, str], ...]], list[Edit]]:
    """The situations whose items keep their place, and the changes of move among them.

    Additions go behind what has as many conditions, so of each size those items may stay that come first in ``rules``
    and stand in the prompt in that order.
    """
    held = [item for item in prompt.items if item.rule is not None]
    if [_size(item) for item in held] != sorted((_size(item) for item in held), reverse=True):
        return set(), []
    staying: set[tuple[tuple[str, str], ...]] = set()
    changes = []
    for size in {len(rule.conditions) for rule in rules}:
        after = iter([item for item in held if _size(item) == size])
        for rule in (rule for rule in rules if len(rule.conditions) == size):
            item = next((item for item in after if item.rule and item.rule.conditions == rule.conditions), None)
            if item is None:
                break
            staying.add(rule.conditions)
            if item.rule != rule:
                changes.append(Edit("change", rule, (item.id,), item.remark))
    return staying, changes
