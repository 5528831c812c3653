"""What nearly every command needs: the configuration, the store, the game and the players, opened together."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cornerman.config import Config, load_config
from cornerman.players import Players
from cornerman.scale.cluster import Cluster
from cornerman.telling import told_once
from cornerman.terminal import note
from episodes.game import Game
from episodes.games import load_game
from episodes.store.store import Store
from models.errors import BadInput

if TYPE_CHECKING:
    from cornerman.scale.pool import RayPool

T = TypeVar("T")


@dataclass(frozen=True)
class Workplace:
    """An open store with the configuration and the players of one command; ``cluster`` is there with ``--ray``."""

    config: Config
    store: Store
    game: Game
    players: Players
    cluster: Cluster | None = None

    @cached_property
    def runner(self) -> "RayPool | None":
        """Who plays these players' matches on Ray, if anybody does; Ray starts when this is first asked for."""
        if self.cluster is None:
            return None
        from cornerman.scale.pool import RayPool
        from cornerman.scale.tickets import Setup, player_card

        self.cluster.connect()
        ledger = self.players.ledger
        setup = Setup(
            config=self.config.model_dump_json(),
            game=self.config.game,
            folder=str(Path.cwd()),
            workers=self.cluster.workers,
            limited_usd=ledger.limit_usd is not None,
            limited_tokens=ledger.limit_tokens is not None,
        )
        card_of = partial(player_card, opened=self.players, store=self.store)
        return RayPool(self.cluster, setup, ledger, card_of, self.players.notes)

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run ``work`` to its end and close the models in the same event loop."""

        async def whole() -> T:
            try:
                return await work()
            finally:
                if "runner" in self.__dict__ and self.runner is not None:
                    await self.runner.close()
                await self.players.close()

        return asyncio.run(whole())


def settings(db: Path | None, config: Path | None, game: str | None = None, *, seed: int | None = None) -> Config:
    """The configuration with what the command line says put over it."""
    loaded = load_config(config)
    over: dict[str, Any] = {"db": db, "game": game}
    if seed is not None:
        over["night"] = loaded.night.model_copy(update={"seed": seed})
    return loaded.model_copy(update={key: value for key, value in over.items() if value is not None})


@contextmanager
def workplace(
    db: Path | None,
    config: Path | None = None,
    game: str | None = None,
    *,
    seed: int | None = None,
    write: bool = True,
    ray: str | None = None,
    at_once: int | None = None,
    free: bool = False,
) -> Iterator[Workplace]:
    """Open everything; raises ``BadInput`` for whatever cannot be opened.

    ``free``: no model is held to anything. ``ray`` is where episodes are played and ``at_once`` how many: see
    ``cornerman.options``.
    """
    chosen = settings(db, config, game, seed=seed)
    loaded = load_game(chosen.game)
    with joined(ray, at_once) as cluster, Store.open(chosen.db, write=write) as store:
        store.on_fault = told_once(note)
        yield Workplace(chosen, store, loaded, Players(chosen, store, free=free), cluster)


def against(place: Workplace, opponents: Sequence[str] | None) -> Workplace:
    """``place`` with other opponents of its night than the configured ones, if any are given."""
    if not opponents:
        return place
    night = place.config.night.model_copy(update={"opponents": tuple(opponents)})
    return replace(place, config=place.config.model_copy(update={"night": night}))


@contextmanager
def joined(ray: str | None, at_once: int | None) -> Iterator[Cluster | None]:
    """A cluster that is connected when it is needed, and left at the end; none without an address."""
    if ray is None and at_once is not None:
        raise BadInput("--at-once is about Ray: give it together with --ray")
    cluster = None if ray is None else Cluster(ray, at_once or 0)
    try:
        yield cluster
    finally:
        if cluster is not None:
            cluster.shutdown()
