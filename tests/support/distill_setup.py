"""The teacher and the players of these tests, importable by worker processes."""

from episodes.player import Player
from episodes.players.bots import load_bot
from episodes.players.search import load_search

TEACHER = "search:12"


def open_player(name: str) -> Player:
    """Bots and searches by name, in this process or a worker."""
    kind, _, rest = name.partition(":")
    return load_bot(rest) if kind == "bot" else load_search(rest)
