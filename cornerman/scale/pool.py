"""Episodes on Ray: who plays which match, whose work is done again, and what was spent.

One actor a processor. A match goes to the worker with the least to do; when a worker is lost, with its process or its
machine, its matches are played again by others. A match has one id wherever it is played and the one writer keeps an
episode once, so none counts twice. Knows nothing about what the matches are for.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cornerman.format import duration
from cornerman.scale.cluster import Cluster
from cornerman.scale.tickets import (
    Ask,
    Fault,
    Grant,
    Hello,
    PlayerCard,
    Reply,
    Setup,
    decode,
    encode,
    ticket,
)
from cornerman.scale.worker import Worker, identity
from cornerman.terminal import note
from episodes.play import Match
from episodes.player import Player
from episodes.record import EpisodeRecord
from models import errors
from models.errors import BadInput, BudgetExhausted, CornermanError, Unavailable, Void
from models.ledger import NANO, Allowance, Ledger, Total
from models.notes import Notes

MOST_LOSSES = 3
"""Workers that may be lost while they play one match: by then it is the match that ends them."""
MOST_FAILED_STARTS = 3
"""Workers in a row that end before they have said hello: then something is wrong with the nodes."""
PATIENCE_S = 120.0
"""How long matches wait where there is no worker at all. Starting one takes seconds, replacing a machine minutes."""
FAREWELL_S = 5.0
NOTHING = Allowance()


class NoWorkers(CornermanError):
    """There is nobody left to play; what was played is kept."""


@dataclass(slots=True, eq=False)
class _Hired:
    """A worker as the pool sees it. ``lent`` is the part of the budget that it has not accounted for yet."""

    actor: Any
    host: str = ""
    ready: bool = False
    gone: bool = False
    busy: int = 0
    lent: Allowance = NOTHING
    used: dict[str, Total] = field(default_factory=dict)
    asked_for: str = ""
    keeper: asyncio.Task[None] | None = None


class RayPool:
    """Plays matches on the workers of ``cluster``; a ``Runner`` for ``episodes.pairs``.

    ``setup`` is what every worker is made with, and ``card_of`` says of a player how another process opens it. The
    workers spend from ``ledger``: see ``lease``. What they are told of models, ``notes`` are told once.
    """

    def __init__(
        self,
        cluster: Cluster,
        setup: Setup,
        ledger: Ledger,
        card_of: Callable[[Player], PlayerCard],
        notes: Notes | None = None,
    ) -> None:
        self._notes = notes or Notes(note)
        self._cluster = cluster
        self._setup = setup
        self._ledger = ledger
        self._card_of = card_of
        self._hired: list[_Hired] = []
        self._cards: dict[int, tuple[Player, PlayerCard]] = {}
        self._changed = asyncio.Condition()
        self._failed_starts = 0
        self._fatal: CornermanError | None = None

    @property
    def width(self) -> int:
        """Episodes at once, over all workers."""
        return self._cluster.width

    @property
    def _most(self) -> int:
        """Episodes at once on one worker."""
        return -(-self.width // self._cluster.workers)

    async def play(self, match: Match) -> EpisodeRecord:
        """Have ``match`` played; raises what playing it here would raise, and ``NoWorkers``."""
        if not self._hired:
            self._begin()
        sent = encode(ticket(match, self._setup.game, tuple(self._card(player) for player in match.players)))
        for _ in range(MOST_LOSSES):
            worker = await self._free_worker()
            try:
                reply = await self._played(worker, sent)
            finally:
                worker.busy -= 1
                await self._tell(1)
            if reply is not None:
                return self._record(reply, match, worker)
        raise Unavailable(
            f"{MOST_LOSSES} workers were lost while they played episode {match.id}; see their nodes' memory and logs",
            retryable=False,
        )

    async def _played(self, worker: _Hired, sent: bytes) -> Reply | None:
        """The reply of ``worker``; ``None`` if it is lost."""
        from ray import cancel
        from ray.exceptions import RayError, RayTaskError

        reference = worker.actor.play.remote(sent)
        try:
            reply = decode(Reply, await reference)
        except asyncio.CancelledError:
            cancel(reference)
            raise
        except RayTaskError:
            raise  # a fault of the program itself, on the worker
        except RayError:
            self._lose(worker)
            return None
        self._account(worker, reply.used)
        for told in reply.told:
            self._notes.tell(*told)
        return reply

    def _record(self, reply: Reply, match: Match, worker: _Hired) -> EpisodeRecord:
        if reply.fault is not None:
            raise _error(reply.fault, worker.host)
        assert reply.record is not None
        if reply.record.id != match.id:
            raise BadInput(
                f"{worker.host} played another match than it was given: its files or its version differ from those here"
            )
        return reply.record

    def _card(self, player: Player) -> PlayerCard:
        """Made once for each player, which is kept so that its identity stays its own."""
        if id(player) not in self._cards:
            self._cards[id(player)] = player, self._card_of(player)
        return self._cards[id(player)][1]

    # Workers.

    def _begin(self) -> None:
        for _ in range(self._cluster.workers):
            self._hire()

    def _hire(self) -> None:
        import ray

        room = self._most + 8  # for the questions about the budget
        made = ray.remote(Worker).options(num_cpus=1, max_restarts=0, max_task_retries=0, max_concurrency=room)
        worker = _Hired(made.remote(encode(self._setup)))
        self._hired.append(worker)
        worker.keeper = asyncio.get_running_loop().create_task(self._keep(worker))

    async def _keep(self, worker: _Hired) -> None:
        """Meet a worker, then lend it what it asks for, as long as it lives."""
        from ray.exceptions import RayError

        try:
            hello = decode(Hello, await worker.actor.hello.remote())
            worker.host = hello.host
            _check_same(hello)
            worker.ready, self._failed_starts = True, 0
            await self._tell()
            while True:
                ask = decode(Ask, await worker.actor.wants.remote())
                self._account(worker, ask.used)
                await worker.actor.granted.remote(encode(self._grant(worker, ask)))
        except RayError:
            self._failed_starts += not worker.ready
            self._lose(worker)
        except BadInput as error:
            self._fatal = error
        await self._tell()

    def _lose(self, worker: _Hired) -> None:
        """A worker is gone for good, and another takes its place as soon as there is room for it."""
        if worker.gone:
            return
        import ray

        worker.gone = True
        self._hired.remove(worker)
        with contextlib.suppress(Exception):
            ray.kill(worker.actor)  # one that only cannot be reached must not go on
        self._write_off(worker)
        note(f"a worker{f' on {worker.host}' * bool(worker.host)} was lost; what it was playing is played again")
        if self._failed_starts >= MOST_FAILED_STARTS:
            self._fatal = NoWorkers(
                f"{MOST_FAILED_STARTS} workers in a row ended before they began; is this version of cornerman "
                "installed on every node, with room in memory?"
            )
            return
        self._hire()

    async def _free_worker(self) -> _Hired:
        """The worker with the least to do, which now has one match more."""
        try:
            async with self._changed, asyncio.timeout(PATIENCE_S) as patience:
                while True:
                    if self._fatal is not None:
                        raise self._fatal
                    ready = [worker for worker in self._hired if worker.ready]
                    free = [worker for worker in ready if worker.busy < self._most]
                    if free:
                        worker = min(free, key=lambda one: one.busy)
                        worker.busy += 1
                        return worker
                    # Whoever waits behind living workers may wait as long as it takes.
                    patience.reschedule(None if ready else asyncio.get_running_loop().time() + PATIENCE_S)
                    await self._changed.wait()
        except TimeoutError:
            raise NoWorkers(
                f"no Ray worker for {duration(PATIENCE_S)}; finished episodes are kept, so run the same command again "
                "when there are nodes"
            ) from None

    async def _tell(self, waiting: int | None = None) -> None:
        """Wake so many of the matches that wait for a worker, or all of them."""
        async with self._changed:
            self._changed.notify(waiting) if waiting else self._changed.notify_all()

    async def close(self) -> None:
        """Have every worker account for what it was lent, and end them all. Calling it twice is harmless."""
        hired, self._hired = self._hired, []
        for worker in hired:
            if worker.keeper is not None:
                worker.keeper.cancel()
        await asyncio.gather(*(self._dismiss(worker) for worker in hired))

    async def _dismiss(self, worker: _Hired) -> None:
        import ray

        worker.gone = True
        if worker.ready:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(FAREWELL_S):
                    self._account(worker, decode(Reply, await worker.actor.finish.remote()).used)
                    self._ledger.repay(worker.lent, {})
                    worker.lent = NOTHING
        self._write_off(worker)
        with contextlib.suppress(Exception):
            ray.kill(worker.actor)

    # The budget.

    def _grant(self, worker: _Hired, ask: Ask) -> Grant:
        try:
            lent = self._ledger.lend(ask.least, ask.most)
        except BudgetExhausted as refusal:
            return Grant(NOTHING, str(refusal))
        worker.asked_for = ask.model
        worker.lent += self._limited(lent)
        return Grant(lent)

    def _account(self, worker: _Hired, used: dict[str, Total]) -> None:
        """Book what a worker has used since it last said so. Replies may overtake each other: an old one says less."""
        before = worker.used
        if sum(total.calls for total in used.values()) <= sum(total.calls for total in before.values()):
            return
        fresh = {model: _since(total, before.get(model, Total())) for model, total in used.items()}
        spent = sum((_allowance(total) for total in fresh.values()), NOTHING)
        self._ledger.repay(spent, fresh)
        worker.lent -= self._limited(spent)
        worker.used = used

    def _limited(self, amount: Allowance) -> Allowance:
        """``amount`` as far as there are limits: without one nothing is asked for, and nothing was lent."""
        ledger = self._ledger
        return Allowance(
            0 if ledger.limit_usd is None else amount.nano, 0 if ledger.limit_tokens is None else amount.tokens
        )

    def _write_off(self, worker: _Hired) -> None:
        """What a lost worker was lent may have been spent: it counts as spent, and is shown as assumed."""
        lent, worker.lent = worker.lent, NOTHING
        if lent != NOTHING:
            usd = lent.nano / NANO
            self._ledger.repay(lent, {worker.asked_for: Total(0, lent.tokens, 0, usd, usd)})


def _check_same(hello: Hello) -> None:
    mine = identity()
    if (hello.program, hello.python) != (mine.program, mine.python):
        raise BadInput(
            f"{hello.host} has cornerman {hello.program} on Python {hello.python}, and here it is {mine.program} on "
            f"{mine.python}: install the same on every node"
        )


def _error(fault: Fault, host: str) -> CornermanError:
    """The error that a worker told of."""
    kind: Callable[[str], CornermanError] = getattr(errors, fault.kind, CornermanError)
    error = kind(f"on {host}: {fault.message}" if fault.kind == "BadInput" else fault.message)
    if isinstance(error, Void):
        error.faults = fault.guests
    return error


def _since(now: Total, before: Total) -> Total:
    """What was used between two reports."""
    return Total(
        now.calls - before.calls,
        now.tokens_in - before.tokens_in,
        now.tokens_out - before.tokens_out,
        (_nano(now.cost_usd) - _nano(before.cost_usd)) / NANO,
        (_nano(now.assumed_usd) - _nano(before.assumed_usd)) / NANO,
        now.priced,
    )


def _allowance(total: Total) -> Allowance:
    return Allowance(_nano(total.cost_usd), total.tokens_in + total.tokens_out)


def _nano(usd: float) -> int:
    return round(usd * NANO)
