"""What the page calls players and prompts: the names people use, not hashes."""

from cornerman.report import queries
from episodes.store.store import Store

SHORT = 8
"""Characters of an id that are enough to find it by."""


class Names:
    """Names for the players of one night. ``before`` is the prompt that it began with, ``after`` the certified one."""

    def __init__(self, store: Store, game: str, before: str | None, after: str | None) -> None:
        self._store = store
        self._game = game
        self.before = before
        self.after = after

    def prompt(self, prompt_id: str | None) -> str:
        """What a prompt is called: base, certified, working, a name that the user gave, or the start of its id."""
        if prompt_id is None:
            return ""
        if prompt_id == self.after and self.after != self.before:
            return "certified"
        if not queries.count_of_rules(self._store, prompt_id):
            return "base"
        found = queries.names_of(self._store, self._game, prompt_id)
        return found[0] if found else prompt_id[:SHORT]

    def player(self, name: str, model: str, prompt_id: str | None) -> str:
        """E.g. ``rookie@certified``, ``bot:turtle``, ``student:9f3c01ab``."""
        if name.startswith("student:"):
            return name[: len("student:") + SHORT]
        if prompt_id is None:
            return name
        return f"{model}@{self.prompt(prompt_id)}"
