"""Playing a given number of episodes between two players, and their sum."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cornerman.faults import Fault
from cornerman.losing import Answers, answers
from cornerman.result import FLAT, TEXT, Result
from cornerman.workplace import Workplace
from episodes.clock import Clock
from episodes.pairs import Setting, pair_matches, pair_points, play_matches
from episodes.play import Match, play_episode
from episodes.player import Player
from episodes.store.lost import Lost, lost_in
from episodes.store.summaries import EpisodeSummary
from models.errors import Void
from optimize.seeds import Seeds
from optimize.sides import Both
from optimize.stats.eprocess import interval
from optimize.stats.pairs import Counts

TOLD = 3
"""Faults that are kept to be told."""


@dataclass(frozen=True, slots=True)
class Conduct:
    """What all seats of some games did together: decisions (``turns``), those that were no move, and dollars.

    ``faulted`` decisions were lost to faults of players' own code.
    """

    illegal: int
    unreadable: int
    refused: int
    timeouts: int
    faulted: int
    turns: int
    cost_usd: float

    @classmethod
    def of(cls, episodes: Sequence[EpisodeSummary]) -> "Conduct":
        seats = [seat for episode in episodes for seat in episode.seats]
        return cls(
            illegal=sum(seat.illegal for seat in seats),
            unreadable=sum(seat.unreadable for seat in seats),
            refused=sum(seat.refused for seat in seats),
            timeouts=sum(seat.timeouts for seat in seats),
            faulted=sum(seat.faults for seat in seats),
            turns=sum(seat.turns for seat in seats),
            cost_usd=sum(seat.cost_usd for seat in seats),
        )


@dataclass(frozen=True, slots=True)
class PlayResult(Result):
    """What ``cornerman play --json`` prints.

    ``ids`` are the finished episodes, ``counts`` their whole pairs; ``returns`` the mean final return of each seat,
    whoever sat there, ``None`` without a game; ``answers`` what each player is held to and which decisions it lost.
    ``seconds`` is the time of this run, so it is short where episodes were in the store already. ``voided`` episodes
    are missing; ``faults`` are the first reasons.
    """

    counts: Counts
    returns: tuple[float | None, ...]
    conduct: Conduct = field(metadata=FLAT)
    answers: Both[Answers]
    seconds: float
    voided: int
    faults: tuple[Fault, ...] = field(metadata=TEXT)
    ids: tuple[str, ...]

    @property
    def episodes(self) -> int:
        return len(self.ids)

    @property
    def pairs(self) -> int:
        return self.counts.total

    @property
    def score(self) -> float | None:
        """A's mean pair score in [0, 1]; ``None`` without a whole pair."""
        return self.counts.mean if self.counts.total else None

    @property
    def low(self) -> float:
        """Where the 95 % interval of the score begins."""
        return interval(self.counts)[0]

    @property
    def high(self) -> float:
        """Where it ends."""
        return interval(self.counts)[1]


async def play_session(
    place: Workplace,
    players: tuple[Player, Player],
    *,
    clock: Clock,
    episodes: int,
    seed: int,
    progress: Callable[[int, int], None],
) -> PlayResult:
    """Play ``episodes`` episodes, the last alone if they are odd.

    A fault of a provider or of a game voids its episode, and with it the pair.
    """
    started = time.perf_counter()
    concurrency = 1 if any(player.name == "human" for player in players) else 0
    runner = place.runner
    setting = Setting(
        place.game,
        clock,
        "play",
        place.store,
        scope="play",
        concurrency=concurrency,
        runner=runner,
        predates=place.store.lacks_identities,
    )
    seeds = Seeds(f"play {seed}", "play").take(0, (episodes + 1) // 2)
    matches = [match for one in seeds for match in pair_matches(setting, *players, one)][:episodes]
    scores: dict[str, tuple[float, ...]] = {}
    faults: list[Fault] = []

    def on_result(match: Match, outcome: tuple[float, ...] | Void) -> None:
        if isinstance(outcome, Void):
            faults.append(Fault.of(outcome))
        else:
            scores[match.id] = outcome
        progress(len(scores) + len(faults), episodes)

    run = play_episode if runner is None else runner.play
    await play_matches(matches, place.store, concurrency=setting.width, on_result=on_result, run=run)
    pairs = zip(matches[::2], matches[1::2], strict=False)
    whole = [pair_points(scores[one.id], scores[two.id]) for one, two in pairs if {one.id, two.id} <= scores.keys()]
    finished = [match.id for match in matches if match.id in scores]
    summaries = [place.store.summary(episode) for episode in finished]
    returns = [[episode.seats[seat].result for episode in summaries] for seat in range(place.game.seats)]
    return PlayResult(
        counts=Counts.of(whole),
        returns=tuple(sum(values) / len(values) if values else None for values in returns),
        conduct=Conduct.of(summaries),
        answers=Both(*(answers(one, place.game, its) for one, its in zip(players, _lost(place, matches), strict=True))),
        seconds=time.perf_counter() - started,
        voided=len(faults),
        faults=tuple(faults[:TOLD]),
        ids=tuple(finished),
    )


def _lost(place: Workplace, matches: Sequence[Match]) -> tuple[Lost, Lost]:
    """What A and B lost: A has the first seat, and in the second half of a pair the other, or none."""
    lost = [Lost(), Lost()]
    swapped = {match.id: match.swapped for match in matches}
    for (episode, seat), found in lost_in(place.store, swapped).items():
        lost[seat ^ swapped[episode]] += found
    return lost[0], lost[1]
