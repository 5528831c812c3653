"""What there is to play with: games, players and students, as the commands list them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

from cornerman.result import FLAT
from distill import rows
from distill.student import Lineage
from episodes.game import Capabilities, Game
from episodes.games import known_games, load_game
from models.errors import BadInput


@dataclass(frozen=True, slots=True)
class GameShown:
    """A game with its vocabulary; ``moves`` is empty where any text is one. ``tick_rate`` is ticks a second, ``None``
    where players take turns."""

    name: str
    seats: int
    tick_rate: int | None
    can_clone: bool
    capabilities: Capabilities
    moves: tuple[str, ...]
    features: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class GamesResult:
    """What ``cornerman games --json`` prints: the games that load, and why the others do not, by name."""

    games: tuple[GameShown, ...]
    missing: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PlayersResult:
    """What ``cornerman players --json`` prints: house bots, what the store holds, and forms of names."""

    house: tuple[str, ...]
    stored: tuple[str, ...]
    forms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StudentRow:
    """A student as it is listed."""

    id: str
    game: str
    base_model: str
    method: str
    dataset_id: str
    path: str
    comparison_id: str | None
    latency_p50_ms: float | None
    created: str

    @classmethod
    def of(cls, row: rows.StudentRow) -> "StudentRow":
        return cls(**{column.name: getattr(row, column.name) for column in fields(cls)})


@dataclass(frozen=True, slots=True)
class StudentList:
    """What ``cornerman students list --json`` prints: the newest first."""

    students: tuple[StudentRow, ...]


@dataclass(frozen=True, slots=True)
class StudentShown:
    """What ``cornerman students show --json`` prints: where it came from, and every figure of its row by name."""

    row: StudentRow = field(metadata=FLAT)
    lineage: Lineage
    measured: Mapping[str, object]


def all_games() -> GamesResult:
    """Every game that is known by name; those whose libraries are missing say so."""
    found: list[GameShown] = []
    missing: dict[str, str] = {}
    for name in known_games():
        try:
            found.append(_shown(load_game(name)))
        except BadInput as reason:
            missing[name] = str(reason)
    return GamesResult(tuple(found), missing)


def _shown(game: Game) -> GameShown:
    can = game.capabilities
    return GameShown(game.name, game.seats, game.tick_rate, can.clone, can, tuple(game.moves), game.features)
