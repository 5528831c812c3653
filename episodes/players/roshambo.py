"""The bots of the RoShamBo programming competitions, 1999 and 2000, as players: ``roshambo:NAME``.

OpenSpiel has them in C. One bot plays one episode, so each decision makes a new one and plays it the rounds so far: the
player keeps nothing, and a stored episode or a branch of it gets the same answers. The bots draw from the C library's
``random``, which belongs to the whole process; it is put aside while a bot thinks, and every round's draws come from
the seed of that decision.
"""

import ctypes
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from episodes.game import Observation
from episodes.games.openspiel.game import OpenSpielGame, OpenSpielState, undressed
from episodes.play import decision_seed
from episodes.player import Context, Decision
from models.errors import BadInput

THROWS = 1000
"""Rounds that every bot is made for. The competition's number: with fewer, `greenberg` writes past its own memory."""
_STAGE = "matrix_rps"


@dataclass(frozen=True, slots=True)
class RoshamboPlayer:
    """One of the bots by its name. It looks at nothing but the rounds that are over."""

    bot: str
    prompt_id: str | None = None

    @property
    def name(self) -> str:
        return f"roshambo:{self.bot}"

    @property
    def model(self) -> str:
        return self.name

    async def act(self, observation: Observation, context: Context) -> Decision:
        """Raises ``BadInput`` in a game that is not repeated rock-paper-scissors."""
        started = time.perf_counter()
        found = undressed(context.game, context.state)
        if found is None or not _is_roshambo(found[0]):
            raise BadInput(f"{self.name} plays openspiel:roshambo only, not {context.game.name}")
        move = context.game.moves[self._action(found[1], context.seat, context.seed)]
        return Decision(move, move, time.perf_counter() - started)

    def _action(self, state: OpenSpielState, seat: int, seed: int) -> int:
        """What the bot throws next, having seen the rounds so far."""
        import pyspiel

        history = state.state.history()
        bot = pyspiel.make_roshambo_bot(seat, self.bot, THROWS)
        shown = state.game.spiel.new_initial_state()
        for n in range(len(history) // 2):
            with _random(decision_seed(state.seed, seat, n)):
                bot.step(shown)
            shown.apply_actions(history[2 * n : 2 * n + 2])
        with _random(seed):
            return int(bot.step(shown))


def _is_roshambo(game: OpenSpielGame) -> bool:
    stage = game.spiel.get_parameters().get("stage_game")
    return game.spiel.get_type().short_name == "repeated_game" and bool(stage) and stage["name"] == _STAGE


@cache
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None)
    libc.initstate.argtypes = [ctypes.c_uint, ctypes.c_char_p, ctypes.c_size_t]
    libc.initstate.restype = ctypes.c_void_p
    libc.setstate.argtypes = [ctypes.c_void_p]
    libc.setstate.restype = ctypes.c_void_p
    return libc


@contextmanager
def _random(seed: int) -> Iterator[None]:
    """The C library's ``random`` starts from ``seed``, and afterwards goes on where it was."""
    memory = ctypes.create_string_buffer(128)  # the size of the generator that a program has from the start
    before = _libc().initstate(seed & 0xFFFFFFFF, memory, len(memory))
    try:
        yield
    finally:
        _libc().setstate(before)


def roshambo_bots() -> list[str]:
    """The names of all bots; raises ``BadInput`` where OpenSpiel is not installed."""
    try:
        import pyspiel
    except ImportError:
        raise BadInput("OpenSpiel is not installed: pip install 'cornerman[openspiel]'") from None
    return sorted(pyspiel.roshambo_bot_names())


def load_roshambo(bot: str) -> RoshamboPlayer:
    """The player of ``roshambo:NAME``; raises ``BadInput``."""
    known = roshambo_bots()
    if bot not in known:
        raise BadInput(f"there is no RoShamBo bot {bot!r}: use {', '.join(known)}")
    return RoshamboPlayer(bot)
