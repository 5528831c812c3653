"""What travels between the program and its workers: plain values as JSON. Never a pickle of ours, never a key.

A player with a prompt travels as what it says (system message, turn template, settings) and the name of its model: the
store that the prompt came from is not reachable from another machine. Every other player travels as its name.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cornerman.players import Players
from distill.student import checked_base, load_student
from episodes.fault import GuestFault
from episodes.play import Match
from episodes.player import Player
from episodes.players.model import ModelPlayer
from episodes.record import EpisodeRecord
from episodes.store.store import Store
from models.errors import BadInput
from models.ledger import Allowance, Total
from reflect.standin import StandIn

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")

_ADAPTERS: dict[Any, "TypeAdapter[Any]"] = {}
NOT_SENT = frozenset({"game", "players", "clock"})
"""Fields of a match that travel in a form of their own."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a worker is made with. It is one of ``workers``, which share the limits a minute that an account has.

    ``limited_usd`` and ``limited_tokens`` say which limits in all the run has.
    """

    config: str
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
    """How a worker opens a chat model: by its name or, for a student, from its folder and its adapter's."""

    spec: str
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
    """What became of a ticket, and all that the worker has used since it began, by model."""

    record: EpisodeRecord | None
    fault: Fault | None
    used: dict[str, Total]


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


def _adapter(kind: Any) -> "TypeAdapter[Any]":
    from pydantic import TypeAdapter

    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def encode(value: object) -> bytes:
    """One of the values above as JSON."""
    return _adapter(type(value)).dump_json(value)


def decode(kind: type[T], data: bytes) -> T:
    """The inverse, every field checked; raises ``pydantic.ValidationError``."""
    decoded: T = _adapter(kind).validate_json(data, strict=True)
    return decoded


def ticket(match: Match, game: str, cards: tuple[PlayerCard, ...]) -> Ticket:
    """``match`` in the game called ``game``, by players with these cards."""
    plain = {one.name: getattr(match, one.name) for one in fields(match) if one.name not in NOT_SENT}
    return Ticket(game, cards, str(match.clock), plain)


def player_card(player: Player, players: Players, store: Store) -> PlayerCard:
    """How another process opens ``player``, which ``players`` opened; raises ``BadInput`` where it cannot."""
    if isinstance(player, ModelPlayer):
        spec = players.spec_of_model(player.chat)
        if spec is not None:
            settings = {one.name: getattr(player, one.name) for one in fields(player) if one.name != "chat"}
            return PlayerCard(player.name, _model_card(spec, store), settings)
    if isinstance(player, StandIn):
        return PlayerCard(player.name, stand_in=player)
    spec = players.spec_of(player)
    if spec is None or spec == "human":
        raise BadInput(f"{player.name} plays in this process only: run the command without --ray")
    return PlayerCard(spec)


def _model_card(spec: str, store: Store) -> ModelCard:
    kind, _, rest = spec.partition(":")
    if kind != "student":
        return ModelCard(spec)
    student = load_student(store, rest)
    if student.merged.exists():
        return ModelCard(student.name, str(student.merged.resolve()))
    return ModelCard(student.name, str(checked_base(student).resolve()), str(Path(student.adapter).resolve()))
