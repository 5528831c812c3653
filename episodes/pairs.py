"""Playing many episodes: pairs of one seed with the sides swapped, bounded, resumable, faults voiding whole pairs.

In a game of one seat a pair is A alone and then B alone on the same seed, and the better score takes the pair.

Knows nothing about what a comparison concludes; ``optimize`` does.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from episodes.clock import Clock
from episodes.fault import FaultPlace, GuestFault, faults_of
from episodes.game import Game
from episodes.play import Match, play_episode
from episodes.player import Player, identity_of
from episodes.record import EpisodeRecord, Purpose
from models.errors import BadInput, BudgetExhausted, GameFault, Void
from models.ids import content_id


class EpisodeSink(Protocol):
    """Where finished episodes go; ``episodes.store.Store`` is one."""

    def scores(self, episode_id: str) -> tuple[float, ...] | None:
        """The seats' scores of a stored episode, or ``None`` if it is not there."""

    def save(self, record: EpisodeRecord) -> None:
        """Keep an episode, whole or not at all."""

    def save_faults(self, place: FaultPlace, faults: Sequence[GuestFault]) -> None:
        """Keep what plug-ins raised in an episode that is void."""


class Runner(Protocol):
    """Plays matches somewhere else, on other processes or machines."""

    @property
    def width(self) -> int:
        """Episodes that it plays at once."""

    async def play(self, match: Match) -> EpisodeRecord:
        """As ``episodes.play.play_episode``."""


@dataclass(frozen=True, slots=True)
class PairResult:
    """What a pair gave: ``k`` in 0..4 is four times player A's mean score, ``None`` where a fault voided the pair.

    ``broke`` is the episode of the fault where it is the game's, which is not ours.
    """

    seed: int
    pair_id: str
    episodes: tuple[str, str]
    k: int | None
    fault: str = ""
    broke: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """What all pairs of one run share.

    ``predates`` is there where ``scope`` says nothing of the models: then what shapes their answers is part of every
    match, and it tells of a stored episode whether it is of before that was kept. Without it the scope is a run's,
    which is recognised by its models. ``concurrency`` 0 means 1 on the measured clock and else 64, or the width of
    ``runner`` where one plays the matches; without one they are played in this process."""

    game: Game
    clock: Clock
    purpose: Purpose
    sink: EpisodeSink
    scope: str = ""
    night_id: str | None = None
    concurrency: int = 0
    runner: Runner | None = None
    predates: Callable[[str], bool] | None = None

    @property
    def width(self) -> int:
        """Episodes at once. Latency is charged on the measured clock, so nothing else may run beside a decision."""
        most = 64 if self.runner is None else self.runner.width
        wanted = self.concurrency or (1 if self.clock.kind == "measured" else most)
        bearable = self.game.capabilities.most_at_once
        return wanted if bearable is None else min(wanted, bearable)


async def play_matches(
    matches: Iterable[Match],
    sink: EpisodeSink,
    *,
    concurrency: int,
    on_result: Callable[[Match, tuple[float, ...] | Void], None],
    run: Callable[[Match], Awaitable[EpisodeRecord]] = play_episode,
) -> None:
    """Play every match that ``sink`` does not hold yet, at most ``concurrency`` at once, and report each one's scores.

    ``run`` plays one match. What voids it (a provider's fault, or a game that breaks) is reported in place of scores;
    ``BudgetExhausted`` stops everything and is raised.
    """
    queue = iter(matches)

    async def work() -> None:
        for match in queue:
            found = sink.scores(match.id)
            if found is None:
                try:
                    record = await run(match)
                except BudgetExhausted:
                    raise
                except Void as fault:
                    keep_faults(match, fault, sink)
                    on_result(match, fault)
                    continue
                sink.save(record)
                found = tuple(seat.score for seat in record.seats)
            on_result(match, found)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(work())
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


def keep_faults(match: Match, void: Void, sink: EpisodeSink) -> None:
    """Keep what plug-ins raised before ``match`` was void, or to make it so."""
    if faults := faults_of(void):
        sink.save_faults(FaultPlace(match.id, match.game.name, match.pair_id, match.night_id), faults)


async def play_pairs(
    setting: Setting,
    a: Player,
    b: Player,
    seeds: Sequence[int],
    on_pair: Callable[[PairResult], None] = lambda pair: None,
) -> list[PairResult]:
    """Play a pair for each of the distinct ``seeds``; ``on_pair`` is called as each finishes.

    Results are in the order of ``seeds``, whatever order they finished in.
    """
    halves: dict[int, dict[bool, tuple[Match, tuple[float, ...] | Void]]] = {seed: {} for seed in seeds}
    results: dict[int, PairResult] = {}

    def on_result(match: Match, outcome: tuple[float, ...] | Void) -> None:
        both = halves[match.seed]
        both[match.swapped] = (match, outcome)
        if len(both) == 2:
            results[match.seed] = _pair(both)
            on_pair(results[match.seed])

    matches = (match for seed in seeds for match in pair_matches(setting, a, b, seed))
    run = play_episode if setting.runner is None else setting.runner.play
    await play_matches(matches, setting.sink, concurrency=setting.width, on_result=on_result, run=run)
    return [results[seed] for seed in seeds]


def scope_with(scope: str, *players: Player) -> str:
    """``scope`` with what shapes the answers of ``players``; as it is where their names say everything."""
    said = [identity_of(player) for player in players]
    return f"{scope} {content_id('players', said)}" if any(said) else scope


def pair_matches(setting: Setting, a: Player, b: Player, seed: int) -> tuple[Match, Match]:
    """The two matches of a pair: A first, then the same start with the sides swapped, or with B alone.

    A pair that was stored before it was known what shapes the players' answers is taken for the same. Raises
    ``BadInput`` for a game of more than two seats.
    """
    pair = _matches(setting, a, b, seed)
    scope = setting.scope if setting.predates is None else scope_with(setting.scope, a, b)
    if setting.predates is None or scope == setting.scope or any(setting.predates(match.id) for match in pair):
        return pair
    return _matches(replace(setting, scope=scope), a, b, seed)


def _matches(setting: Setting, a: Player, b: Player, seed: int) -> tuple[Match, Match]:
    if setting.game.seats > 2:
        raise BadInput(
            f"{setting.game.name} has {setting.game.seats} seats and a pair is a matter of two: let the players meet "
            "with `cornerman colosseum`"
        )
    alone = setting.game.seats == 1
    names = "\n".join([setting.scope, setting.game.name, setting.purpose, str(setting.clock), str(seed)])
    sides = "\n".join(f"{player.name} {player.model} {player.prompt_id}" for player in (a, b))
    pair_id = hashlib.blake2b(f"{names}\n{sides}".encode(), digest_size=8).hexdigest()
    first, second = (
        Match(
            game=setting.game,
            players=((b if swapped else a),) if alone else (b, a) if swapped else (a, b),
            seed=seed,
            clock=setting.clock,
            purpose=setting.purpose,
            # Alone, B's half does not say whom it is compared with, and every pair has two episodes of its own.
            scope=f"{setting.scope} {pair_id}" if alone else setting.scope,
            pair_id=pair_id,
            swapped=swapped,
            night_id=setting.night_id,
        )
        for swapped in (False, True)
    )
    return first, second


def _pair(both: dict[bool, tuple[Match, tuple[float, ...] | Void]]) -> PairResult:
    (match, first), (_, second) = both[False], both[True]
    assert match.pair_id is not None
    ids = (match.id, both[True][0].id)
    if isinstance(first, Void) or isinstance(second, Void):
        return void_pair(match, ids, (first, second))
    return PairResult(match.seed, match.pair_id, ids, pair_points(first, second))


def void_pair(match: Match, episodes: tuple[str, str], outcomes: Sequence[tuple[float, ...] | Void]) -> PairResult:
    """The result of a pair that is void by some of its ``outcomes``; ``match`` is its first half."""
    assert match.pair_id is not None
    episode, last = [(one, found) for one, found in zip(episodes, outcomes, strict=True) if isinstance(found, Void)][-1]
    fault = f"{type(last).__name__}: {last}"
    return PairResult(match.seed, match.pair_id, episodes, None, fault, episode if isinstance(last, GameFault) else "")


def pair_points(first: tuple[float, ...], second: tuple[float, ...]) -> int:
    """``k`` of a pair from the seats' scores in its two episodes: four times the mean score of A.

    With one seat A's whole score is compared with B's: 4 where it is higher, 2 where it is equal, 0 where it is lower.
    """
    if len(first) == 1:
        return 2 + 2 * ((first > second) - (first < second))
    return round(2 * (first[0] + second[1]))
