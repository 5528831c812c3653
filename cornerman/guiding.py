"""A person's hand on single rules: looking at them with their evidence, rewording, retiring and pinning them.

What changes the guidance makes a new working prompt; the certified one stays as it passed the gate. What a person
decided holds for everything that proposes (``prompts/held.py``), until a person takes it back.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from cornerman.result import FLAT, Result
from cornerman.workplace import Workplace
from models.errors import BadInput
from prompts.held import advice
from prompts.library import Citation, GuidanceRow, Status
from prompts.prompt import GuidanceItem, Prompt, compose
from prompts.sentence import read_rule
from reflect.edits import Edit, apply_edits


@dataclass(frozen=True, slots=True)
class GuidanceShown:
    """A rule as it is listed. ``effect`` is the mean pair score that it is worth on its own, with its interval,
    ``None`` if that was not measured."""

    id: str
    game: str
    text: str
    remark: str
    origin: str
    status: Status
    effect: float | None
    effect_low: float | None
    effect_high: float | None
    created: str
    pinned: bool

    @classmethod
    def of(cls, row: GuidanceRow) -> "GuidanceShown":
        return cls(
            id=row.id,
            game=row.game,
            text=row.text,
            remark=row.item.remark,
            origin=row.item.origin,
            status=row.status,
            effect=row.effect,
            effect_low=row.effect_low,
            effect_high=row.effect_high,
            created=row.created,
            pinned=row.pinned,
        )


@dataclass(frozen=True, slots=True)
class GuidanceList:
    """What ``cornerman guidance list --json`` prints: the newest first."""

    guidance: tuple[GuidanceShown, ...]

    @classmethod
    def of(cls, rows: Iterable[GuidanceRow]) -> "GuidanceList":
        return cls(tuple(map(GuidanceShown.of, rows)))


@dataclass(frozen=True, slots=True)
class GuidanceEvidence:
    """What ``cornerman guidance show --json`` prints: a rule and the turns behind it."""

    rule: GuidanceShown = field(metadata=FLAT)
    evidence: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class GuidanceChanged(Result):
    """What the commands that change guidance print: the rule, and the working prompt now and before."""

    id: str
    prompt_id: str
    before: str

    @property
    def changed(self) -> bool:
        return self.prompt_id != self.before


def show(place: Workplace, item: str) -> GuidanceEvidence:
    """A rule, by its id or the start of it, with its evidence."""
    library = place.players.library
    row = library.item(item, place.game)
    return GuidanceEvidence(GuidanceShown.of(row), tuple(library.citations(row.id)))


def retire(place: Workplace, item: str, model: str) -> GuidanceChanged:
    """Take a rule out of the working prompt of ``model``, and let it not be proposed again."""
    library = place.players.library
    row = library.item(item, place.game)
    library.set_status([row.id], "retired")
    library.pin(row.id, False)
    old = _working(place, model)
    new = Prompt(old.base, tuple(each for each in old.items if advice(each) != advice(row.item)))
    _replace(place, model, old, new, f"retired {row.id}")
    return GuidanceChanged(row.id, new.id, old.id)


def restore(place: Workplace, item: str, model: str) -> GuidanceChanged:
    """Let a retired rule be proposed again; the working prompt stays as it is. Raises ``BadInput`` if it is not
    retired."""
    library = place.players.library
    row = library.item(item, place.game)
    if row.status != "retired":
        raise BadInput(f"rule {row.id} is {row.status}, not retired: there is nothing to restore")
    library.set_status([row.id], "proposed")
    working = _working(place, model)
    return GuidanceChanged(row.id, working.id, working.id)


def pin(place: Workplace, item: str, model: str) -> GuidanceChanged:
    """Let a rule stay in the working prompt of ``model`` whatever is proposed; it is put in where it is not there."""
    library = place.players.library
    row = library.item(item, place.game)
    old = _working(place, model)
    new = old
    if all(each.id != row.id for each in old.items):
        new = apply_edits(old, [Edit("add", row.item.rule, remark=row.item.remark, origin="person")], place.game)
    if row.status == "retired":
        library.set_status([row.id], "proposed")
    _replace(place, model, old, new, f"pinned {row.id}")
    library.pin(row.id, True)
    return GuidanceChanged(row.id, new.id, old.id)


def unpin(place: Workplace, item: str, model: str) -> GuidanceChanged:
    """Let a pinned rule be changed and dropped again. Raises ``BadInput`` if it is not pinned."""
    library = place.players.library
    row = library.item(item, place.game)
    if not row.pinned:
        raise BadInput(f"rule {row.id} is not pinned: there is nothing to undo")
    library.pin(row.id, False)
    working = _working(place, model)
    return GuidanceChanged(row.id, working.id, working.id)


def edit(place: Workplace, item: str, text: str, model: str) -> tuple[GuidanceChanged, bool]:
    """Put a new wording in a rule's place and pin it; also says whether it is a rule that every model can follow."""
    library = place.players.library
    row = library.item(item, place.game)
    rule = read_rule(place.game, text)
    made = GuidanceItem(rule, "" if rule else text)
    old = _working(place, model)
    items = [made if each.id == row.id else each for each in old.items]
    if made not in items:
        items.append(made)
    new = compose(place.game, old.base, items)
    _replace(place, model, old, new, f"edited {row.id}")
    if made.id != row.id:
        library.set_status([row.id], "retired")
        library.pin(row.id, False)
        if library.item(made.id, place.game).status == "retired":
            library.set_status([made.id], "proposed")
        library.pin(made.id, True)
    return GuidanceChanged(made.id, new.id, old.id), rule is not None


def _working(place: Workplace, model: str) -> Prompt:
    library = place.players.library
    named = library.aliases.get("working", place.game.name, model) is not None
    return library.resolve("working" if named else "base", place.game, model)


def _replace(place: Workplace, model: str, old: Prompt, new: Prompt, why: str) -> None:
    if new.id == old.id:
        return
    library = place.players.library
    library.save(old, place.game)
    library.save(new, place.game, origin="person", parent_id=old.id, note=why)
    library.set("working", place.game, model, new, note=why)
