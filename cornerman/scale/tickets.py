"""What travels between the program and its workers: plain values as JSON. Never a pickle of ours, never a key.

A player with a prompt travels as what it says (system message, turn template, settings) and the name of its model: the
store that the prompt came from is not reachable from another machine. Every other player travels as its name.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol, TypeVar

from cornerman.opening import Role
from cornerman.typed_json import adapter_of
from distill.student import checked_base, load_student
from episodes.fault import GuestFault
from episodes.play import Match
from episodes.player import Player
from episodes.players.model import ModelPlayer
from episodes.record import EpisodeRecord
from episodes.store.store import Store
from models.chat import ChatModel
from models.errors import BadInput
from models.ledger import Allowance, Total
from reflect.standin import StandIn

T = TypeVar("T")

NOT_SENT = frozenset({"game", "players", "clock"})
"""Fields of a match that travel in a form of their own."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a worker is made with. ``game`` is as on the command line.

    It is one of ``workers``, which share the limits a minute that an account has. ``limited_usd`` and
    ``limited_tokens`` say which limits in all the run has.
    """

    config: str
    game: str
    folder: str
    workers: int
    limited_usd: bool
    limited_tokens: bool


@dataclass(frozen=True, slots=True)
class Hello:
    """Who a worker is."""

    program: str
    python: str
    host: str


@dataclass(frozen=True, slots=True)
class ModelCard:
    """How a worker opens a chat model: by its name for a role or, for a student, from its folder and its adapter's."""

    spec: str
    role: Role = "player"
    folder: str | None = None
    adapter: str | None = None


@dataclass(frozen=True, slots=True)
class PlayerCard:
    """A player: by its name; with a ``model`` by the other fields of ``ModelPlayer``; a stand-in as it is."""

    spec: str
    model: ModelCard | None = None
    prompted: dict[str, Any] | None = None
    stand_in: StandIn | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """One match. ``game`` is as on the command line; ``match`` has the fields that are plain values."""

    game: str
    players: tuple[PlayerCard, ...]
    clock: str
    match: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """An error of ours, by the name of its class in ``models.errors``, and what plug-ins raised before it."""

    kind: str
    message: str
    guests: tuple[GuestFault, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a ticket, and all that the worker has used since it began, by model, and was told of models."""

    record: EpisodeRecord | None
    fault: Fault | None
    used: dict[str, Total]
    told: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """A worker asks for more of the limits, for calls to ``model`` among others; ``used`` as in ``Reply``."""

    model: str
    least: Allowance
    most: Allowance
    used: dict[str, Total]


@dataclass(frozen=True, slots=True)
class Grant:
    """The answer: what was lent, or why nothing was."""

    lent: Allowance
    refusal: str = ""


def encode(value: object) -> bytes:
    """One of the values above as JSON."""
    return adapter_of(type(value)).dump_json(value)


def decode(kind: type[T], data: bytes) -> T:
    """The inverse, every field checked; raises ``pydantic.ValidationError``."""
    decoded: T = adapter_of(kind).validate_json(data, strict=True)
    return decoded


def ticket(match: Match, game: str, cards: tuple[PlayerCard, ...]) -> Ticket:
    """``match`` in the game called ``game``, by players with these cards."""
    plain = {one.name: getattr(match, one.name) for one in fields(match) if one.name not in NOT_SENT}
    return Ticket(game, cards, str(match.clock), plain)


class Opened(Protocol):
    """Who opened players here, and knows under which names; ``cornerman.players.Players`` does."""

    def spec_of(self, player: Player) -> str | None:
        """The name of a player that needs no model."""

    def origin_of(self, model: ChatModel) -> tuple[str, Role] | None:
        """The name and the role of a chat model."""


def player_card(player: Player, opened: Opened, store: Store) -> PlayerCard:
    """How another process opens ``player``, which was opened here; raises ``BadInput`` where it cannot."""
    if isinstance(player, ModelPlayer):
        origin = opened.origin_of(player.chat)
        if origin is not None:
            settings = {one.name: getattr(player, one.name) for one in fields(player) if one.name != "chat"}
            return PlayerCard(player.name, _model_card(*origin, store), settings)
    if isinstance(player, StandIn):
        return PlayerCard(player.name, stand_in=player)
    spec = opened.spec_of(player)
    if spec is None or spec == "human":
        raise BadInput(f"{player.name} plays in this process only: run the command without --ray")
    return PlayerCard(spec)


def _model_card(spec: str, role: Role, store: Store) -> ModelCard:
    kind, _, rest = spec.partition(":")
    if kind != "student":
        return ModelCard(spec, role)
    student = load_student(store, rest)
    if student.merged.exists():
        return ModelCard(student.name, folder=str(student.merged.resolve()))
    base, adapter = checked_base(student).resolve(), Path(student.adapter).resolve()
    return ModelCard(student.name, folder=str(base), adapter=str(adapter))
