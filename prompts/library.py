"""The prompts, guidance items and aliases of a store: saving, finding, lineage, status and measured effects.

Prompts and items never change, so saving twice is harmless; what changes is an item's status and measured effect, and
what a name stands for. Knows nothing about how an effect is measured or when a promotion is due.
"""

import difflib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from episodes.game import Game
from episodes.store.store import Store
from models.errors import BadInput
from prompts.aliases import Alias, Aliases
from prompts.base import Base, default_base
from prompts.held import Held
from prompts.prompt import CountTokens, GuidanceItem, Prompt, estimate_tokens
from prompts.rule import Rule

Status = Literal["proposed", "trial", "active", "retired"]
STATUSES: tuple[Status, ...] = ("proposed", "trial", "active", "retired")
_ID = re.compile(r"[0-9a-f]{4,20}")


@dataclass(frozen=True, slots=True)
class PromptSummary:
    """A prompt as it is listed. ``names`` are the aliases that stand for it now, as ``name`` or ``model@name``."""

    id: str
    game: str
    base: str
    parent_id: str | None
    origin: str
    tokens: int
    created: str
    items: int
    note: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GuidanceRow:
    """A guidance item as it is listed, with its measured effect on the pair score and that effect's interval."""

    id: str
    game: str
    text: str
    item: GuidanceItem
    status: Status
    effect: float | None
    effect_low: float | None
    effect_high: float | None
    created: str
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Citation:
    """A stored turn that is evidence for a guidance item."""

    episode_id: str
    turn_n: int
    note: str = ""


class PromptLibrary:
    """What the store knows about prompts. Reading needs no writer's lock; everything that writes does."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.aliases = Aliases(store)

    # Prompts.

    def save(
        self,
        prompt: Prompt,
        game: Game,
        *,
        origin: str = "person",
        parent_id: str | None = None,
        night_id: str | None = None,
        note: str = "",
        count_tokens: CountTokens = estimate_tokens,
    ) -> str:
        """Keep ``prompt`` with its base and items and return its id. One that is there keeps its first parent."""
        system = "\n".join([prompt.base.text, *prompt.lines(game)])
        now = _now()
        with self._store.transaction() as connection:
            write = connection.execute
            write("insert or ignore into bases values (?, ?, ?, ?, ?, ?, ?, ?, ?)", self._base_row(prompt.base, now))
            write(
                "insert or ignore into prompts (id, game, base_id, parent_id, origin, tokens, created, system_id, "
                "night_id, note) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    prompt.id,
                    game.name,
                    prompt.base.id,
                    parent_id if parent_id != prompt.id else None,
                    origin,
                    count_tokens(system),
                    now,
                    self._store.put_text(system),
                    night_id,
                    note,
                ),
            )
            for position, item in enumerate(prompt.items):
                write(
                    "insert or ignore into guidance (id, game, text, situation, advice, remark, origin, status, "
                    "created, night_id) values (?, ?, ?, ?, ?, ?, ?, 'proposed', ?, ?)",
                    (*_item_row(item, game), now, night_id),
                )
                write("insert or ignore into prompt_guidance values (?, ?, ?)", (prompt.id, position, item.id))
        return prompt.id

    def _base_row(self, base: Base, now: str) -> tuple[object, ...]:
        text_id = self._store.put_text(base.text)
        flags = (int(base.constrained), int(base.remarks))
        return (base.id, base.game, base.name, text_id, base.turn, *flags, base.heading, now)

    def get(self, prompt_id: str, game: Game) -> Prompt:
        """The prompt with this id or unique beginning of one; raises ``BadInput`` with near ones otherwise."""
        full = self._find("prompts", "prompt", prompt_id, game.name)
        row = next(
            self._store.db.query("select b.* from prompts p join bases b on b.id = p.base_id where p.id = ?", [full])
        )
        base = Base(
            game=row["game"],
            name=row["name"],
            text=self._store.text(row["text_id"]),
            turn=row["turn"],
            constrained=bool(row["constrained"]),
            remarks=bool(row["remarks"]),
            heading=row["heading"],
        )
        items = self._store.db.query(
            "select g.* from prompt_guidance p join guidance g on g.id = p.guidance_id where p.prompt_id = ? "
            "order by p.position",
            [full],
        )
        return Prompt(base, tuple(_item(row) for row in items))

    def holds(self, prompt_id: str) -> bool:
        """Whether a prompt with this full id is kept, of whatever game."""
        return self._store.db.execute("select 1 from prompts where id = ?", [prompt_id]).fetchone() is not None

    def _find(self, table: str, word: str, prefix: str, game: str) -> str:
        """The one id in ``table`` that begins with ``prefix``."""
        ids = [row["id"] for row in self._store.db.query(f"select id from {table} where game = ? order by id", [game])]
        if not _ID.fullmatch(prefix):
            raise BadInput(f"{prefix!r} is no {word} id: give 4 to 20 digits of 0-9 and a-f; {_near(prefix, ids)}")
        found = [full for full in ids if full.startswith(prefix)]
        if len(found) == 1:
            return str(found[0])
        if found:
            raise BadInput(f"{word} {prefix!r} is ambiguous: it begins {', '.join(found[:5])}; give more digits")
        raise BadInput(f"no {word} {prefix!r} in {game}: {_near(prefix, ids)}")

    def prompts(self, game: str | None = None) -> list[PromptSummary]:
        """Every prompt, the newest first."""
        named: dict[str, list[str]] = {}
        for alias in self.aliases.all(game):
            named.setdefault(alias.prompt_id, []).append(f"{alias.model}@{alias.name}" if alias.model else alias.name)
        rows = self._store.db.query(
            "select p.id, p.game, b.name as base, p.parent_id, p.origin, p.tokens, p.created, "
            "ifnull(p.note, '') as note, "
            "(select count(*) from prompt_guidance g where g.prompt_id = p.id) as items "
            "from prompts p join bases b on b.id = p.base_id where p.game = ?1 or ?1 is null "
            "order by p.created desc, p.rowid desc",
            [game],
        )
        return [PromptSummary(**row, names=tuple(named.get(row["id"], ()))) for row in rows]

    def lineage(self, prompt_id: str, game: Game) -> list[PromptSummary]:
        """The prompt, its parent, its parent's parent and so on."""
        by_id = {summary.id: summary for summary in self.prompts(game.name)}
        chain: list[PromptSummary] = []
        step: str | None = self._find("prompts", "prompt", prompt_id, game.name)
        while step is not None and step in by_id and by_id[step] not in chain:
            chain.append(by_id[step])
            step = by_id[step].parent_id
        return chain

    # Names.

    def resolve(self, spec: str, game: Game, model: str) -> Prompt:
        """The prompt that ``spec`` means for ``model``: an alias, ``base``, or an id or its beginning.

        ``base`` is the model's default base text without guidance unless a user gave that name to a prompt.
        Raises ``BadInput`` for anything else, naming what there is.
        """
        alias = self.aliases.get(spec, game.name, model)
        if alias is not None:
            return self.get(alias.prompt_id, game)
        if spec == "base":
            return Prompt(default_base(game, model))
        if _ID.fullmatch(spec):
            return self.get(spec, game)
        if spec in ("working", "certified"):
            raise BadInput(f"{model} has no {spec} prompt in {game.name} yet: run a night first, or use {model}@base")
        known = ["base", *(entry.name for entry in self.aliases.all(game.name) if entry.model in (model, ""))]
        raise BadInput(f"no prompt {spec!r} for {model} in {game.name}: {_near(spec, known)}")

    def set(
        self,
        name: str,
        game: Game,
        model: str,
        prompt: Prompt,
        *,
        comparison_id: str | None = None,
        note: str = "",
    ) -> Alias:
        """Let ``name`` stand for ``prompt``, which is saved if it is not there."""
        self.save(prompt, game)
        return self.aliases.set(name, game.name, model, prompt.id, comparison_id=comparison_id, note=note)

    def rollback(self, name: str, game: Game, model: str) -> Alias:
        """Let ``name`` stand for what it did before; raises ``BadInput`` where there was nothing."""
        return self.aliases.rollback(name, game.name, model)

    # Guidance.

    def guidance(self, game: str | None = None, status: Status | None = None) -> list[GuidanceRow]:
        """Guidance items, the newest first."""
        rows = self._store.db.query(
            "select * from guidance where (game = ?1 or ?1 is null) and (status = ?2 or ?2 is null) "
            "order by created desc, rowid desc",
            [game, status],
        )
        return [_guidance_row(row) for row in rows]

    def item(self, guidance_id: str, game: Game) -> GuidanceRow:
        """One guidance item by its id or unique beginning; raises ``BadInput`` otherwise."""
        full = self._find("guidance", "guidance item", guidance_id, game.name)
        return _guidance_row(next(self._store.db.query("select * from guidance where id = ?", [full])))

    def set_status(self, guidance_ids: Iterable[str], status: Status) -> None:
        """Set the status of saved items (full ids); raises ``BadInput`` for an unknown status."""
        if status not in STATUSES:
            raise BadInput(f"unknown status {status!r}: use {', '.join(STATUSES)}")
        with self._store.transaction() as connection:
            connection.executemany("update guidance set status = ? where id = ?", [(status, i) for i in guidance_ids])

    def activate(self, prompt: Prompt) -> None:
        """Say that the items of ``prompt`` are in use; what a person retired stays retired."""
        retired = {row.id for row in self.guidance(status="retired")}
        self.set_status([item.id for item in prompt.items if item.id not in retired], "active")

    def pin(self, guidance_id: str, pinned: bool) -> None:
        """Say whether a saved item (full id) is to stay in the prompts that have it."""
        with self._store.transaction() as connection:
            connection.execute("update guidance set pinned = ? where id = ?", (int(pinned), guidance_id))

    def held(self, current: Prompt, game: Game) -> Held:
        """What a person decided that holds for whatever is made of ``current``."""
        rows = self.guidance(game.name)
        pinned = [row.id for row in rows if row.pinned]
        return Held.of(current, pinned, [row.item for row in rows if row.status == "retired"])

    def set_effect(self, guidance_id: str, effect: float, low: float, high: float) -> None:
        """Keep an item's measured effect on the mean pair score and its 95 % interval."""
        with self._store.transaction() as connection:
            connection.execute(
                "update guidance set effect = ?, effect_low = ?, effect_high = ? where id = ?",
                (effect, low, high, guidance_id),
            )

    def cite(self, guidance_id: str, citations: Sequence[Citation]) -> None:
        """Link stored turns to an item as its evidence; a turn is linked once."""
        with self._store.transaction() as connection:
            connection.executemany(
                "insert or ignore into guidance_evidence values (?, ?, ?, ?)",
                [(guidance_id, cited.episode_id, cited.turn_n, cited.note) for cited in citations],
            )

    def citations(self, guidance_id: str) -> list[Citation]:
        """The turns that are an item's evidence."""
        rows = self._store.db.query(
            "select episode_id, turn_n, note from guidance_evidence where guidance_id = ? order by episode_id, turn_n",
            [guidance_id],
        )
        return [Citation(**row) for row in rows]


def diff(a: Prompt, b: Prompt, game: Game) -> list[str]:
    """What turns ``a`` into ``b``, one line each: ``- `` gone, ``+ `` new, two spaces for what stayed."""
    lines = []
    for name in ("name", "turn", "constrained", "remarks", "heading"):
        before, after = getattr(a.base, name), getattr(b.base, name)
        if before != after:
            lines += [f"- base {name}: {before!r}", f"+ base {name}: {after!r}"]

    def listed(prompt: Prompt) -> list[str]:
        return [*prompt.base.text.split("\n"), *(item.line(game, remarks=True) for item in prompt.items)]

    return lines + [line for line in difflib.ndiff(listed(a), listed(b)) if not line.startswith("?")]


def _item_row(item: GuidanceItem, game: Game) -> tuple[object, ...]:
    situation = json.dumps(dict(item.rule.conditions) if item.rule else {})
    advice = item.rule.move if item.rule else None
    text = item.rule.sentence(game) if item.rule else item.remark
    return (item.id, game.name, text, situation, advice, item.remark, item.origin)


def _item(row: dict[str, Any]) -> GuidanceItem:
    rule = Rule(tuple(json.loads(row["situation"]).items()), row["advice"]) if row["advice"] is not None else None
    return GuidanceItem(rule, row["remark"], row["origin"])


def _guidance_row(row: dict[str, Any]) -> GuidanceRow:
    kept = {
        name: row[name] for name in ("id", "game", "text", "status", "effect", "effect_low", "effect_high", "created")
    }
    return GuidanceRow(item=_item(row), pinned=bool(row["pinned"]), **kept)


def _near(word: str, known: Sequence[str]) -> str:
    if not known:
        return "there is none yet"
    near = difflib.get_close_matches(word, known, n=3, cutoff=0.3)
    return f"the nearest are {', '.join(near)}" if near else f"there are {', '.join(list(known)[:5])}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
