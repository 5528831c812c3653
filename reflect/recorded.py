"""A chat model whose calls are kept in the store: what a reflection asked and was told can be read later.

An interrupted night asks nothing twice. Knows nothing about what is asked.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from episodes.store.store import Store, text_id
from models.chat import ChatModel, Completion, Message, Usage
from models.ids import content_id


class Recorded:
    """``chat`` with every call kept in the store; what was asked before in the same night is answered from there."""

    def __init__(self, chat: ChatModel, store: Store, game: str, night_id: str | None) -> None:
        self.name = chat.name
        self._chat = chat
        self._store = store
        self._game = game
        self._night = night_id

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        choices: Sequence[str] | None = None,
        max_tokens: int = 256,
        temperature: float = 0.0,
        seed: int | None = None,
    ) -> Completion:
        request = json.dumps([[message.role, message.content] for message in messages], ensure_ascii=False)
        found = self._found(text_id(request))
        if found is not None:
            return Completion(found, Usage(), 0.0)
        completion = await self._chat.complete(
            messages, choices=choices, max_tokens=max_tokens, temperature=temperature, seed=seed
        )
        if completion.finish_reason == "stop":
            self._keep(request, completion.text.encode(errors="replace").decode())
        return completion

    async def close(self) -> None:
        """Nothing of its own; the model belongs to whoever made it."""

    def _found(self, request_id: str) -> str | None:
        if self._night is None:
            return None
        rows = self._store.db.execute(
            "select reply_id from reflections where night_id = ? and request_id = ?", [self._night, request_id]
        )
        row = rows.fetchone()
        return None if row is None else self._store.text(row[0])

    def _keep(self, request: str, reply: str) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._store.transaction() as connection:
            ids = (self._store.put_text(request), self._store.put_text(reply))
            key = content_id("reflection", [self._night or now, *ids])
            connection.execute(
                "insert or ignore into reflections (id, night_id, game, origin, request_id, reply_id, created) "
                "values (?, ?, ?, ?, ?, ?, ?)",
                (key, self._night, self._game, self.name, *ids, now),
            )
