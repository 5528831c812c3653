"""A chat model whose calls are kept in the store: what a reflection asked and was told can be read later.

An interrupted night asks nothing twice. Knows nothing about what is asked.
"""

import json
from datetime import UTC, datetime

from episodes.store.store import Store, text_id
from models.chat import ChatModel, ChatRequest, Completion, Usage, given_whole
from models.ids import content_id
from models.wrapping import Wrapper
from reflect.rows import ReflectionRow, put_reflection, reply_id


class Recorded(Wrapper):
    """``chat`` with every call kept in the store; what was asked before in the same night is answered from there."""

    def __init__(self, chat: ChatModel, store: Store, game: str, night_id: str | None) -> None:
        super().__init__(chat)
        self._store = store
        self._game = game
        self._night = night_id

    async def complete(self, request: ChatRequest) -> Completion:
        asked = json.dumps([[message.role, message.content] for message in request.messages], ensure_ascii=False)
        found = self._found(text_id(asked))
        if found is not None:
            return given_whole(request, Completion(found, Usage(), 0.0))
        completion = await self._model.complete(request)
        if completion.finish_reason == "stop":
            self._keep(asked, completion.text.encode(errors="replace").decode())
        return completion

    async def close(self) -> None:
        """Nothing of its own; the model belongs to whoever made it."""

    def _found(self, request_id: str) -> str | None:
        if self._night is None:
            return None
        found = reply_id(self._store, self._night, request_id)
        return None if found is None else self._store.text(found)

    def _keep(self, request: str, reply: str) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        ids = (text_id(request), text_id(reply))
        key = content_id("reflection", [self._night or now, *ids])
        call = ReflectionRow(key, self._night, self._game, self.name, *ids, now)
        put_reflection(self._store, call, texts=(request, reply))
