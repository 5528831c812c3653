"""Teacher games: the strong player, unhurried on the paused clock, against the league, sides swapped on each seed.

A search is bound by the processor, so its games are played whole in worker processes and their records come back to
the one writer; a chat model behind a server waits for it, so the games in which one plays, also those of a search
against it, are played side by side in this process, where the one ledger sees every call. The games are the same
whatever the number of workers, and a game that the store holds is not played again. Knows nothing about what is learned
from them.
"""

import asyncio
import os
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context, parent_process
from statistics import fmean, median

from episodes.clock import Clock
from episodes.game import Game
from episodes.guest_player import GuestPlayer
from episodes.pairs import Runner, Setting, keep_faults, pair_matches, play_matches
from episodes.play import Match, play_episode
from episodes.player import Player
from episodes.players.model import ModelPlayer
from episodes.record import EpisodeRecord, Purpose
from episodes.store.store import Store
from episodes.store.summaries import EpisodeSummary
from models.chat import ChatModel
from models.errors import Void

OpenPlayer = Callable[[str], Player]
"""Makes a player from its name; must be picklable (a function of a module, or a ``partial`` of one)."""

IN_PROCESS = 64
"""Games at once where they are played in this process."""


@dataclass(frozen=True, slots=True)
class Lessons:
    """Which games to play: ``teacher`` against each of ``opponents`` (it may be one of them), a pair on each seed.

    ``scope`` names the run that wants them; the same lessons in the same scope are the same episodes.
    """

    game: Game
    teacher: str
    opponents: tuple[str, ...]
    seeds: tuple[int, ...]
    scope: str = ""
    night_id: str | None = None
    purpose: Purpose = "teach"

    @property
    def games(self) -> int:
        return 2 * len(self.opponents) * len(self.seeds)

    def setting(self, store: Store) -> Setting:
        """What all its games share. A night is recognised by its models; lessons by hand say them with every game."""
        predates = store.lacks_identities if self.night_id is None else None
        clock = Clock("paused")
        return Setting(self.game, clock, self.purpose, store, self.scope, self.night_id, predates=predates)


@dataclass(frozen=True, slots=True)
class TeachReport:
    """What was played. ``scores``: the teacher's mean score against each opponent; ``teacher``: its player name.

    ``played`` games are new, the others were in the store; ``faults`` are those that made games void, a provider's or
    the game's own (both halves of their pairs are missing from ``episodes``).
    """

    teacher: str
    episodes: tuple[str, ...]
    played: int
    faults: tuple[str, ...]
    turns: int
    scores: dict[str, float]
    latency_p50_ms: float
    seconds: float

    @property
    def score(self) -> float:
        """The mean over opponents, each counting alike."""
        return fmean(self.scores.values())


@dataclass(frozen=True, slots=True)
class _Job:
    """One game as it travels to a worker: names, not players, one a seat."""

    names: tuple[str, ...]
    match: Match


async def teach(
    store: Store,
    lessons: Lessons,
    open_player: OpenPlayer,
    *,
    workers: int | None = None,
    here: OpenPlayer | None = None,
    runner: Runner | None = None,
    on_episode: Callable[[int, int], None] = lambda done, games: None,
) -> TeachReport:
    """Play what is missing of ``lessons`` and report on all of it.

    ``workers``: processes, ``None`` for one a core where the teacher is a search, and none otherwise. Without them, and
    whenever a served model plays, a game is played in this process, with the players that ``here`` opens if it is
    given: what they spend is on their owner's ledger. With a ``runner`` it plays, and the players are its owner's to
    close.
    ``on_episode`` gets the number of games that are there and of all games. Raises ``BadInput`` for unknown players
    and ``BudgetExhausted`` where the ledger says so; games that are finished then are kept.
    """
    began = time.perf_counter()
    players = {name: (here or open_player)(name) for name in (lessons.teacher, *lessons.opponents)}
    if workers is None:
        workers = (os.cpu_count() or 1) if lessons.teacher.startswith("search:") else 0
    jobs = _jobs(lessons, players, store)
    missing = [job for job in jobs if store.scores(job.match.id) is None]
    apart, together = list[_Job](), list[_Job]()
    for job in missing:
        alone = workers and runner is None and not any(map(_is_served, job.match.players))
        (apart if alone else together).append(job)
    done = len(jobs) - len(missing)
    faults: dict[str, str] = {}

    def on_game(match: Match, fault: Void | None) -> None:
        nonlocal done
        done += 1
        if fault is not None:
            faults[match.id] = f"{type(fault).__name__}: {fault}"
        on_episode(done, len(jobs))

    on_episode(done, len(jobs))
    try:
        if apart:
            await _play_in_workers(store, apart, open_player, min(workers, len(apart)), on_game)
        await play_matches(
            [job.match for job in together],
            store,
            concurrency=IN_PROCESS if runner is None else runner.width,
            on_result=lambda match, outcome: on_game(match, outcome if isinstance(outcome, Void) else None),
            run=play_episode if runner is None else runner.play,
        )
    finally:
        if runner is None:
            for player in players.values():
                await close_player(player)
    kept = _without_void_pairs(jobs, faults)
    teacher = players[lessons.teacher].name
    turns, scores, latencies = _tally(store, teacher, kept)
    return TeachReport(
        teacher=teacher,
        episodes=tuple(job.match.id for job in kept),
        played=len(missing) - len(faults),
        faults=tuple(sorted(set(faults.values()))),
        turns=turns,
        scores={name: fmean(values) for name, values in scores.items()},
        latency_p50_ms=median(latencies) if latencies else 0.0,
        seconds=time.perf_counter() - began,
    )


def _jobs(lessons: Lessons, players: dict[str, Player], store: Store) -> list[_Job]:
    """Every game, both halves of each pair, seed by seed, so that a run that is cut short is balanced."""
    setting = lessons.setting(store)
    jobs = []
    for seed in lessons.seeds:
        for name in lessons.opponents:
            first, second = pair_matches(setting, players[lessons.teacher], players[name], seed)
            seated = (lessons.teacher, name), (name, lessons.teacher)
            jobs += [_Job(names[: lessons.game.seats], one) for names, one in zip(seated, (first, second), strict=True)]
    return jobs


async def _play_in_workers(
    store: Store,
    jobs: Sequence[_Job],
    open_player: OpenPlayer,
    workers: int,
    on_game: Callable[[Match, Void | None], None],
) -> None:
    """Play ``jobs`` in processes. What ends this early waits for the games under way; finished ones are kept."""
    loop = asyncio.get_running_loop()
    # A forked copy of a process with torch's threads may hang: workers are forked from one that imports and no more.
    context = get_context("forkserver")
    chats = any(_chat_of(player) for job in jobs for player in job.match.players)
    context.set_forkserver_preload([__name__, *(_HEAVY if chats else ())])
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(open_player,))

    async def play(job: _Job) -> None:
        match = job.match
        bare = replace(match, players=())
        try:
            store.save(await loop.run_in_executor(pool, _play, job.names, bare))
        except Void as fault:
            keep_faults(match, fault, store)
            on_game(match, fault)
        else:
            on_game(match, None)

    try:
        await asyncio.gather(*(play(job) for job in jobs))
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass(slots=True)
class _Worker:
    """What a worker process keeps between games."""

    open_player: OpenPlayer | None = None
    players: dict[str, Player] = field(default_factory=dict)

    def player(self, name: str) -> Player:
        assert self.open_player is not None, "the worker was not set up"
        if name not in self.players:
            self.players[name] = self.open_player(name)
        return self.players[name]


_WORKER = _Worker()
_HEAVY = ("torch", "transformers.models.auto.modeling_auto", "transformers.models.llama.modeling_llama")
"""What a model in a worker needs and takes seconds to import: it is imported once for all workers."""


def _begin(open_player: OpenPlayer) -> None:
    """Set a worker up: it leaves Ctrl-C to its parent and ends when the parent is gone, however that came."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _WORKER.open_player = open_player
    parent = parent_process()
    assert parent is not None, "this is no worker"

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


async def close_player(player: Player) -> None:
    """Let a chat model's connections go."""
    if (chat := _chat_of(player)) is not None:
        await chat.close()


def _is_served(player: Player) -> bool:
    """Whether somebody else's server answers for it, and counts what it is asked."""
    chat = _chat_of(player)
    return chat is not None and bool(chat.endpoint.address)


def _chat_of(player: Player) -> ChatModel | None:
    known = player.player if isinstance(player, GuestPlayer) else player
    return known.chat if isinstance(known, ModelPlayer) else None


def _without_void_pairs(jobs: Sequence[_Job], faults: Mapping[str, str]) -> list[_Job]:
    void = {job.match.pair_id for job in jobs if job.match.id in faults}
    return [job for job in jobs if job.match.pair_id not in void]


def _tally(store: Store, teacher: str, jobs: Sequence[_Job]) -> tuple[int, dict[str, list[float]], list[float]]:
    """The teacher's turns, its scores by opponent, and its median latencies (milliseconds), one a seat."""
    turns, scores, latencies = 0, defaultdict[str, list[float]](list), list[float]()
    summaries = {job.match.id: store.summary(job.match.id) for job in jobs}
    met = opponents(summaries.values(), teacher)
    for job in jobs:
        summary = summaries[job.match.id]
        if len(summary.seats) == 2 or not job.match.swapped:  # alone, the second half of a pair is the other's game
            seat = 1 if job.match.swapped else 0
            scores[met[summary.pair_id]].append(summary.seats[seat].score)
        own = [one for one in summary.seats if one.player == teacher]
        turns += sum(one.turns for one in own)
        latencies += [one.latency_p50_ms for one in own if one.latency_p50_ms is not None]
    return turns, scores, latencies


def opponents(games: Iterable[EpisodeSummary], player: str) -> dict[str | None, str]:
    """Whom ``player`` met in each pair of ``games``, by the pair's id; in a game of one seat whoever played the other
    half. Who met nobody else met itself."""
    met: dict[str | None, str] = {}
    for game in games:
        others = [seat.player for seat in game.seats if seat.player != player]
        met[game.pair_id] = others[0] if others else met.get(game.pair_id, player)
    return met


def _play(names: tuple[str, ...], bare: Match) -> EpisodeRecord:
    """One game in a worker; ``bare`` is the match without its players."""
    return asyncio.run(play_episode(replace(bare, players=tuple(map(_WORKER.player, names)))))
