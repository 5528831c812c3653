"""What every stage of a night shares: the store, the players, the seeds, the ledger of steps, and who watches."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cornerman.config import Config
from cornerman.format import lead, percent
from cornerman.night.recognition import Recognised
from cornerman.night.sizes import Size
from cornerman.night.steps import Steps
from cornerman.opening import ROLES, Role
from cornerman.players import Players
from cornerman.workplace import Workplace
from episodes.clock import Clock
from episodes.game import Game
from episodes.pairs import Runner
from episodes.player import Player, identity_of
from episodes.players.bots import BOTS
from episodes.players.model import ModelPlayer
from episodes.store.runs import Runs
from episodes.store.store import Store
from models.hub import lies_here, model_folder
from models.weights import file_digest, folder_digest
from optimize.arena import Arena, PairSource
from optimize.comparison_store import Contestant
from optimize.stats.pairs import Counts
from optimize.through import Through, check_opponents
from prompts.library import PromptLibrary
from prompts.prompt import Prompt
from reflect.analyst import NAME as ANALYST
from reflect.standin import FOLLOWER


class Watcher(Protocol):
    """Who is told how the night goes; the terminal, or nobody."""

    def stage(self, title: str) -> None:
        """A stage begins."""

    def progress(self, done: int, total: int, detail: str = "") -> None:
        """How far the stage is."""

    def say(self, line: str) -> None:
        """One line of the night's story."""


@dataclass(frozen=True, slots=True)
class Champions:
    """``working`` is used for exploring and quick to change; ``certified`` passed the strict gate; ``past`` were
    certified in earlier nights, the newest first."""

    working: Prompt
    certified: Prompt
    past: tuple[Prompt, ...] = ()


@dataclass(frozen=True, slots=True)
class Corner:
    """What all stages of one run share. All seeds derive from ``root``, and ``chances`` is K in the gate's threshold
    K/alpha: both, as ``size``, are from the run's plan.

    ``night_id`` is the run's id. ``opponents`` are the players to learn to beat, named so that they stay the same all
    night (see ``fixed``); without them prompts are compared by playing each other.
    """

    night_id: str
    root: str
    config: Config
    size: Size
    chances: int
    store: Store
    game: Game
    players: Players
    steps: Steps
    watch: Watcher
    runner: Runner | None = None
    opponents: tuple[str, ...] = ()

    def progress(self, done: int, total: int, detail: str = "") -> None:
        """Tell the watcher, and keep what was spent so far, so that a killed night knows it when it goes on."""
        self.watch.progress(done, total, detail)
        self.keep_spending()

    def keep_spending(self) -> None:
        """Write the run's totals; models that run in this process are not in the ledger and cost nothing to write."""
        totals = self.players.ledger.totals()
        if totals and not self.store.in_transaction:
            Runs(self.store).keep_spending(self.night_id, totals)

    @property
    def library(self) -> PromptLibrary:
        return self.players.library

    @property
    def model(self) -> str:
        """The name of the model that plays."""
        return self.config.player.model

    @property
    def league(self) -> tuple[str, ...]:
        """Whom the prompts meet: the opponents or, without them, the house bots, in duel all and elsewhere the random
        one."""
        bots = BOTS if self.game.name == "duel" else ("random",)
        return self.opponents or tuple(f"bot:{style}" for style in bots)

    def arena(self, clock: Clock | None = None) -> Arena:
        """Where this night's pairs are played; ``None`` is the configured clock."""
        return Arena(
            self.game,
            clock or Clock.parse(self.config.night.clock),
            self.store,
            scope=self.night_id,
            night_id=self.night_id,
            runner=self.runner,
        )

    def source(self) -> PairSource[Player]:
        """How prompts are compared this night: through the opponents, or against each other where there are none."""
        arena = self.arena()
        return Through(arena, tuple(self.open(name) for name in self.opponents)) if self.opponents else arena

    @property
    def through(self) -> tuple[Contestant, ...]:
        """The opponents as comparisons keep them."""
        return tuple(Contestant.of(self.open(name)) for name in self.opponents)

    def prompt(self, alias: str) -> Prompt:
        return self.library.resolve(alias, self.game, self.model)

    def player(self, prompt: Prompt) -> Player:
        """The night's model with ``prompt``, named by the prompt's id so that the record says which it was."""
        return self.players.with_prompt(self.model, prompt, self.game, f"{self.model}@{prompt.id[:8]}")

    def open(self, name: str) -> Player:
        """The player that ``name`` means to the night's game."""
        return self.players.open(name, self.game)

    def standing(self, counts: Counts) -> str:
        """How A does in some pairs of the night's comparisons."""
        if self.opponents:
            return f"{lead(counts.mean - 0.5)} points of 100 more against the same opponents"
        return f"{percent(counts.mean)} of the points"

    def contestant(self, prompt: Prompt) -> Contestant:
        """The side of a comparison that plays with ``prompt``."""
        return Contestant.of(self.player(prompt))


def fixed(names: Sequence[str], players: Players, game: Game) -> tuple[str, ...]:
    """``names`` of opponents, with ids in place of names for prompts, which may come to stand for other prompts.

    Raises ``BadInput`` for what cannot be an opponent.
    """
    check_opponents(game, names)
    found = []
    for name in names:
        player = players.open(name, game)
        prompted = player.prompt_id is not None and not name.startswith("student:")
        found.append(f"{name.rpartition('@')[0] or name}@{player.prompt_id}" if prompted else name)
    check_opponents(game, found)
    return tuple(found)


def corner_of(place: Workplace, begun: Recognised, watch: Watcher, opponents: tuple[str, ...] = ()) -> Corner:
    """What the stages of a run share; what its earlier executions spent is put on the ledger."""
    run, plan = begun.run, begun.plan
    place.players.ledger.carry(Runs(place.store).spending(run.id))
    return Corner(
        night_id=run.id,
        root=plan.root,
        config=place.config,
        size=plan.size,
        chances=plan.chances,
        store=place.store,
        game=place.game,
        players=place.players,
        steps=Steps(place.store, run.id),
        watch=watch,
        runner=place.runner,
        opponents=opponents,
    )


def _departs(place: Workplace, model: str, role: Role) -> str:
    """What a model of the configuration is held to, where its base text does not say so."""
    if model.startswith("student:"):
        return ""  # it has a prompt of its own
    player = place.players.open(f"{model}@base", place.game, role)
    return (player.held or "") if isinstance(player, ModelPlayer) else ""


def identities(place: Workplace, opponents: Sequence[str] = (), roles: Sequence[Role] = ROLES) -> dict[str, str]:
    """What is behind the names of the configuration and of ``opponents``: a run is recognised by it.

    These are the endpoint of the model of each of ``roles``; with a teacher among them, the weights of the student's
    base; the content of a game that is a file. The models are opened, which calls no provider, so a run whose models
    cannot be opened ends before it begins. Raises ``BadInput`` for those.
    """
    config, found = place.config, dict[str, str]()
    for role in roles:
        model = getattr(config, role).model
        if model not in (ANALYST, FOLLOWER, "search"):
            found[role] = place.players.model(model, role).endpoint.id
            if role != "reflector" and (held := _departs(place, model, role)):
                found[f"{role} held"] = held
    base = config.student.base
    if "teacher" in roles and lies_here(base):
        found["student"] = folder_digest(model_folder(base))
    if (file := Path(config.game.rpartition(":")[0])).suffix == ".py":
        found["game"] = file_digest(file)
    for name in opponents:
        if identity := identity_of(place.players.open(name, place.game)):
            found[name] = identity
    return found
