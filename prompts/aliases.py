"""Names for prompts: ``working``, ``certified`` and a user's own, per game and model, with all that they ever named.

Knows prompts by their ids only.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from episodes.store.store import Store
from models.errors import BadInput

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_LIKE_AN_ID = re.compile(r"[0-9a-f]+")
_ROLLBACK = "rollback"
"""The note that marks an entry of the history as a step back."""


@dataclass(frozen=True, slots=True)
class Alias:
    """What a name stands for, or stood for: since when, set by whom or why, and on the strength of which comparison."""

    name: str
    game: str
    model: str
    prompt_id: str
    set_at: str
    comparison_id: str | None
    note: str = ""


class Aliases:
    """The tables ``aliases`` and ``alias_history``. A model without an alias of its own has the one of no model."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, name: str, game: str, model: str) -> Alias | None:
        """What ``name`` stands for now, or ``None``."""
        rows = self._store.db.query(
            "select * from aliases where name = ? and game = ? and model in (?, '') and prompt_id is not null "
            "order by model desc limit 1",
            [name, game, model],
        )
        return next((Alias(**row) for row in rows), None)

    def all(self, game: str | None = None) -> list[Alias]:
        """Every alias, by game, model and name."""
        rows = self._store.db.query(
            "select * from aliases where prompt_id is not null and (game = ?1 or ?1 is null) "
            "order by game, model, name",
            [game],
        )
        return [Alias(**row) for row in rows]

    def history(self, name: str, game: str, model: str) -> list[Alias]:
        """All that ``name`` was set to, oldest first; entries noted ``rollback`` are steps back."""
        rows = self._store.db.query(
            "select name, game, model, prompt_id, set_at, comparison_id, ifnull(note, '') as note from alias_history "
            "where name = ? and game = ? and model = ? order by n",
            [name, game, model],
        )
        return [Alias(**row) for row in rows]

    def set(
        self, name: str, game: str, model: str, prompt_id: str, *, comparison_id: str | None = None, note: str = ""
    ) -> Alias:
        """Let ``name`` stand for a prompt; the same again changes nothing. Raises ``BadInput`` for a bad name."""
        if not _NAME.fullmatch(name) or _LIKE_AN_ID.fullmatch(name):
            raise BadInput(
                f"{name!r} cannot name a prompt: use lower-case letters, digits, - and _, and not the look of an id"
            )
        if note == _ROLLBACK:
            raise BadInput("the note 'rollback' is kept for roll-backs: choose another")
        now = self.get(name, game, model)
        new = (model, prompt_id, comparison_id)
        if now is not None and new == (now.model, now.prompt_id, comparison_id and now.comparison_id):
            return now
        return self._write(Alias(name, game, model, prompt_id, _now(), comparison_id, note))

    def rollback(self, name: str, game: str, model: str) -> Alias:
        """Let ``name`` stand for what it did before it was last set; again goes one further back.

        Raises ``BadInput`` where there was nothing before.
        """
        stack: list[Alias] = []
        for entry in self.history(name, game, model):
            if entry.note == _ROLLBACK:
                stack.pop()
            else:
                stack.append(entry)
        if len(stack) < 2:
            held = "has never been set" if not stack else "was never anything else"
            raise BadInput(
                f"{name!r} {held} for {model or 'any model'} in {game}: use `cornerman prompts set` to set it"
            )
        before = stack[-2]
        return self._write(Alias(name, game, model, before.prompt_id, _now(), before.comparison_id, _ROLLBACK))

    def _write(self, alias: Alias) -> Alias:
        values = (alias.name, alias.game, alias.model, alias.prompt_id, alias.set_at, alias.comparison_id)
        columns = "(name, game, model, prompt_id, set_at, comparison_id"
        with self._store.transaction() as connection:
            connection.execute(f"insert or replace into aliases {columns}) values (?, ?, ?, ?, ?, ?)", values)
            connection.execute(
                f"insert into alias_history {columns}, note) values (?, ?, ?, ?, ?, ?, ?)", (*values, alias.note)
            )
        return alias


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
