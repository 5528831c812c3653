"""Stored episodes as the commands show them, write them out and read them in."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cornerman.result import FLAT
from episodes.fault import FaultPlace, GuestFault
from episodes.games import load_game
from episodes.record import TurnRecord
from episodes.replay import Frame, frames
from episodes.store.store import Store
from episodes.store.summaries import EpisodeSummary


@dataclass(frozen=True, slots=True)
class EpisodeList:
    """What ``cornerman episodes list --json`` prints: the newest first."""

    episodes: tuple[EpisodeSummary, ...]


@dataclass(frozen=True, slots=True)
class FaultShown:
    """A fault of a plug-in with the episode in which it came up."""

    place: FaultPlace = field(metadata=FLAT)
    fault: GuestFault = field(metadata=FLAT)


@dataclass(frozen=True, slots=True)
class EpisodeShown:
    """What ``cornerman episodes show --json`` prints."""

    summary: EpisodeSummary = field(metadata=FLAT)
    turns_list: tuple[TurnRecord, ...]
    faults: tuple[FaultShown, ...]


@dataclass(frozen=True, slots=True)
class VoidShown:
    """What ``cornerman episodes show --json`` prints of an episode that a fault made void: it has no turns."""

    id: str
    faults: tuple[FaultShown, ...]
    void: Literal[True] = True


@dataclass(frozen=True, slots=True)
class Moment:
    """One decision of a replay, or its end: who moved how, what became of the move, and the seats' returns there."""

    tick: int
    who: str
    move: str
    fates: str
    returns: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What ``cornerman episodes replay EPISODE --json`` prints."""

    episode: str
    frames: tuple[Moment, ...]


@dataclass(frozen=True, slots=True)
class ReplayVerified:
    """What ``cornerman episodes replay --verify --json`` prints: how many of each."""

    episodes: int
    turns: int
    differences: int


@dataclass(frozen=True, slots=True)
class ExportedEpisodes:
    """What ``cornerman episodes export --json`` prints."""

    path: Path
    episodes: int


@dataclass(frozen=True, slots=True)
class ImportedEpisodes:
    """What ``cornerman episodes import --json`` prints; ``new`` ones were not in the store."""

    path: Path
    episodes: int
    new: int


def watch(store: Store, episode: str) -> ReplayResult:
    """Play a stored episode again, from decision to decision."""
    record = store.episode(episode)
    return ReplayResult(record.id, tuple(_moment(frame) for frame in frames(record, load_game(record.game))))


def _moment(frame: Frame) -> Moment:
    turn = frame.turn
    return Moment(
        tick=frame.tick,
        who="end" if turn is None else f"seat {turn.seat}",
        move="" if turn is None else turn.move or turn.reply_class.value,
        fates=", ".join(f"{given.move}: {given.fate}" for given in frame.fates),
        returns=tuple(frame.returns),
    )
