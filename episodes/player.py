"""The contract of a player: an observation in, a decision out.

A player may be a language model, a search, a scripted bot or a person; the one who plays the episode cannot tell.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite
from typing import Protocol, runtime_checkable

from episodes.fault import GuestFault
from episodes.game import Game, Move, Observation, State
from models.chat import Message, Usage


class ReplyClass(StrEnum):
    """How a reply was classed. Everything but ``MOVE`` costs the player its decision and is counted."""

    MOVE = "move"
    """A move that the game accepts."""
    ILLEGAL = "illegal"
    """A move of the game's vocabulary that it does not accept here."""
    UNPARSABLE = "unparsable"
    """Words in which no move was found."""
    EMPTY = "empty"
    """Nothing at all."""
    TRUNCATED = "truncated"
    """Cut off by the token limit before a move was named."""
    REFUSED = "refused"
    """The model declined to play."""
    TIMEOUT = "timeout"
    """No answer within the player's time."""
    FAULT = "fault"
    """The player is not ours and its code raised, or gave something that is no decision."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a player answered.

    ``move`` is ``None`` unless ``reply_class`` is ``MOVE``. ``latency`` is seconds from the request to the first usable
    move and ``ended`` to the end of the reply (``None``: the same); where ``move`` is a plan and its ``first`` move was
    usable before the end, that is given too. ``messages`` are exactly those sent to a model (none for other players);
    ``cost`` is US dollars. ``raw`` is the reply, for people to read. ``values`` are the returns, in [-1, 1], that the
    player expects of each legal move, the best first; none where it has no such values. ``thought`` is what a model
    thought before it replied; no move is ever looked for in it.
    """

    move: Move | None
    raw: str
    latency: float
    reply_class: ReplyClass = ReplyClass.MOVE
    usage: Usage = field(default_factory=Usage)
    cost: float = 0.0
    messages: tuple[Message, ...] = ()
    ended: float | None = None
    first: Move | None = None
    values: Mapping[Move, float] = field(default_factory=dict)
    thought: str = ""
    fault: GuestFault | None = None
    """What a player that is not ours raised; its class is ``FAULT``."""

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for values that could not be stored, while it is known who gave them."""
        if self.values and not all(isinstance(one, float | int) and isfinite(one) for one in self.values.values()):
            raise ValueError("the values of a decision are returns that are expected of moves: plain, finite numbers")


@dataclass(frozen=True, slots=True)
class Context:
    """What else a player may use: the seat it has, a seed for this very decision, and the state.

    ``state`` is the true state: only a simulator-backed player may look at it, and only through ``belief``.
    ``time_left`` is seconds on the seat's clock under a time control, and ``None`` without one. ``measured``: the real
    latency of this decision is charged.
    """

    game: Game
    seat: int
    seed: int
    turn: int
    state: State
    time_left: float | None = None
    measured: bool = False


class Player(Protocol):
    @property
    def name(self) -> str:
        """As on the command line, e.g. ``rookie@certified`` or ``bot:turtle``."""

    @property
    def model(self) -> str:
        """The model's name, or the player's own where there is no model."""

    @property
    def prompt_id(self) -> str | None:
        """The content hash of the prompt it plays with, if it has one."""

    async def act(self, observation: Observation, context: Context) -> Decision:
        """Decide. A bad answer is a ``Decision`` of another class; only a provider's fault raises ``ModelError``.

        Whatever else a player that is not ours raises costs it the decision: see ``episodes.guest_player``.
        """


@runtime_checkable
class IdentifiedPlayer(Player, Protocol):
    """A player whose answers depend on more than its name, its model's name and its prompt say."""

    @property
    def identity(self) -> str:
        """All that shapes its answers, as JSON: of a model its endpoint and how it is asked. No keys, no folders."""


def identity_of(player: Player) -> str:
    """What shapes a player's answers beside its names and its prompt; empty where these say everything."""
    return player.identity if isinstance(player, IdentifiedPlayer) else ""
