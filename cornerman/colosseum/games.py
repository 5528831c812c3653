"""The games of a colosseum as the store has them: who sat where, how it ended, what each seat did.

Knows nothing about ratings.
"""

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cornerman.colosseum.queries import GameSeat, games_held, games_of, seats_of
from cornerman.colosseum.run import PURPOSE
from episodes.store.lost import Lost
from episodes.store.store import Store

FORFEITS = ("forfeit", "flag")
"""How a game ends that was not played out: no acceptable move, or no time left."""


@dataclass(frozen=True, slots=True)
class Seated:
    """One seat of a finished game. ``moves`` took effect: in real time those that were started, otherwise the legal
    ones. ``result`` is the final return."""

    player: str
    model: str
    prompt_id: str | None
    score: float
    result: float
    moves: int
    turns: int
    illegal: int
    unreadable: int
    refused: int
    timeouts: int
    tokens: int
    cost_usd: float
    latencies: tuple[float, ...]
    """Milliseconds of each decision."""
    faults: int = 0
    """Decisions lost to faults of the player's own code."""
    empty: int = 0
    truncated: int = 0
    """Of the unreadable ones."""

    @property
    def unparsable(self) -> int:
        """Replies of words in which there was no move."""
        return self.unreadable - self.empty - self.truncated

    @property
    def lost(self) -> Lost:
        """The decisions that came to nothing."""
        return Lost(
            turns=self.turns,
            illegal=self.illegal,
            unparsable=self.unparsable,
            empty=self.empty,
            truncated=self.truncated,
            refused=self.refused,
            timeouts=self.timeouts,
            faulted=self.faults,
        )


@dataclass(frozen=True, slots=True)
class Fought:
    """One finished game. Games of one ``group`` are one table in all its seatings or, of one seat, one seed."""

    id: str
    group: str
    ticks: int
    ended_by: str
    seats: tuple[Seated, ...]

    @property
    def forfeited(self) -> bool:
        return self.ended_by in FORFEITS


@dataclass(frozen=True, slots=True)
class Meeting:
    """How two players did against each other in one game, or on one seed: ``score`` is 1, 1/2 or 0, A's share."""

    a: str
    b: str
    score: float
    group: str
    game: str


def fought(store: Store, ids: Iterable[str]) -> list[Fought]:
    """The games of these ids, in an order that depends on nothing but the ids."""
    wanted = list(ids)
    seats: dict[str, list[Seated]] = {}
    for seat in seats_of(store, wanted):
        seats.setdefault(seat.episode_id, []).append(_seated(seat))
    return [
        Fought(game.id, game.group, game.ticks, game.ended_by, tuple(seats[game.id]))
        for game in games_of(store, wanted)
    ]


def _seated(seat: GameSeat) -> Seated:
    return Seated(
        player=seat.player,
        model=seat.model,
        prompt_id=seat.prompt_id,
        score=seat.score,
        result=seat.result,
        moves=seat.started if seat.real_time else seat.legal,
        turns=seat.turns,
        illegal=seat.illegal,
        unreadable=seat.unreadable,
        refused=seat.refused,
        timeouts=seat.timeouts,
        faults=seat.faults,
        empty=seat.empty,
        truncated=seat.truncated,
        tokens=seat.tokens,
        cost_usd=seat.cost_usd,
        latencies=tuple(json.loads(seat.latencies)),
    )


@dataclass(frozen=True, slots=True)
class Venue:
    """A game under a clock in which colosseums were held."""

    game: str
    clock: str
    ids: tuple[str, ...]
    """Of the episodes of whole groups."""


def venues(store: Store, game: str | None = None, clock: str | None = None) -> list[Venue]:
    """Every game and clock with colosseum games in the store, those played last first."""
    groups: dict[tuple[str, str], dict[str, list[str]]] = {}
    seats: dict[tuple[str, str], int] = {}
    for held in games_held(store, PURPOSE, game, clock):
        key = (held.game, held.clock)
        seats[key] = held.seats
        groups.setdefault(key, {}).setdefault(held.group, []).append(held.id)
    return [
        Venue(*key, tuple(one for ids in found.values() if len(ids) >= seats[key] for one in ids))
        for key, found in groups.items()
    ]


def meetings(games: Sequence[Fought]) -> Iterator[Meeting]:
    """Every two players of every game; of one seat, every two players of a seed, by their returns."""
    alone = [game for game in games if len(game.seats) == 1]
    for game in games:
        for (_, a), (_, b) in itertools.combinations(enumerate(game.seats), 2):
            yield Meeting(a.player, b.player, _ahead(game, a, b), game.group, game.id)
    for group, members in itertools.groupby(sorted(alone, key=lambda game: game.group), key=lambda game: game.group):
        # Of a player who played a seed more than once (under settings changed since) one game counts.
        once = {game.seats[0].player: game for game in members}
        for one, two in itertools.combinations(once.values(), 2):
            a, b = one.seats[0], two.seats[0]
            if a.player != b.player:
                yield Meeting(a.player, b.player, _share(a.result, b.result), group, one.id)


def _ahead(game: Fought, a: Seated, b: Seated) -> float:
    if game.ended_by == "limit":
        return 0.5
    return _share(a.result, b.result)


def _share(a: float, b: float) -> float:
    return 0.5 if a == b else float(a > b)
