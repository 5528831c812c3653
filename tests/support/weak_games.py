"""Stored games of a weak player: what there is to reflect on."""

import asyncio

from episodes.clock import Clock
from episodes.games.duel import GAME
from episodes.pairs import Setting, play_pairs
from episodes.player import Player
from episodes.players.bots import load_bot
from episodes.record import SeatRecord
from episodes.store.store import Store
from prompts.base import base_for
from prompts.prompt import compose
from reflect.standin import Habits, StandIn

AIMLESS = Habits({move: 3.0 if move in ("jump", "retreat") else 1.0 for move in GAME.moves}, follows=0.99)
BASE = compose(GAME, base_for(GAME, "brief"))
WEAK = StandIn("weak@base", (), AIMLESS, BASE.id)
OPPONENTS = ("turtle", "rushdown", "jumper")


def player_of(seat: SeatRecord) -> Player:
    """The players of the stored games: the weak one, and house bots."""
    return WEAK if seat.player == WEAK.name else load_bot(seat.player.removeprefix("bot:"))


def play(store: Store, pairs: int, clock: str = "paused", me: StandIn = WEAK) -> list[str]:
    """Pairs of ``me`` against each opponent; the ids of the episodes."""
    found = []
    for style in OPPONENTS:
        setting = Setting(GAME, Clock.parse(clock), "play", store)
        results = asyncio.run(play_pairs(setting, me, load_bot(style), range(pairs)))
        found += [episode for pair in results for episode in pair.episodes]
    return found
