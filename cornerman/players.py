"""Players by the names of the command line: models with prompts, students, bots, search, a person, and plug-ins.

rookie@certified, openai:NAME@base, vllm:URL#NAME@working    a chat model with a prompt (without one: base)
follower@certified                                           follows its prompt's rules to the letter: no language model
student:ID                                                   a student, which needs no guidance
bot:turtle                                                   a house bot
search:400, search:100ms                                     search on the game's own simulator
drafter:FILE                                                 pick counts of a 17lands file, for draft:FILE
mcts:100                                                     OpenSpiel's own Monte Carlo tree search
oracle                                                       exact play of a small game of OpenSpiel
roshambo:rockbot                                             a bot of the RoShamBo competitions, for openspiel:roshambo
human                                                        whoever sits at the terminal
path/to/file.py:OBJECT, or an installed plug-in's name       a player of your own
"""

import difflib
import importlib.util
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from cornerman.config import Config, ModelSection, TeacherSection
from cornerman.human import HumanPlayer
from distill.student import load_student, open_student, student_player
from episodes.game import Game
from episodes.player import Player
from episodes.players.bots import BOTS, load_bot
from episodes.players.drafter import load_drafter
from episodes.players.mcts import load_mcts
from episodes.players.model import ModelPlayer
from episodes.players.oracle import OraclePlayer
from episodes.players.roshambo import load_roshambo
from episodes.players.search import load_search
from episodes.store.store import Store
from models.chat import ChatModel
from models.errors import BadInput
from models.ledger import Ledger
from models.prices import EFFORT_SUFFIX, Price
from models.registry import KINDS, ModelOptions, open_model
from models.traffic import Traffic
from models.wrapping import Lent
from prompts.library import PromptLibrary
from prompts.prompt import Prompt
from prompts.prompt import player as prompted
from reflect.standin import FOLLOWER, follower

if TYPE_CHECKING:
    from cornerman.scale.cluster import Cluster
    from cornerman.scale.pool import RayPool

FORMS = (
    "bot:STYLE",
    "search:N",
    "mcts:N",
    "oracle",
    "roshambo:NAME",
    "drafter:FILE",
    "student:ID",
    "human",
    "path/to/file.py:OBJECT",
    "follower (stands in for a language model)",
    *KINDS.values(),
)


class Players:
    """Opens players for one command: one ledger for all of them, and each model opened once.

    With a ``cluster`` their matches can be played on it.
    """

    def __init__(
        self, config: Config, store: Store, ledger: Ledger | None = None, cluster: "Cluster | None" = None
    ) -> None:
        self._config = config
        self._store = store
        self._models: dict[str, ChatModel] = {}
        self._simple: dict[int, tuple[str, Player]] = {}
        self._kept: set[str] = set()
        self._cluster = cluster
        self._runner: RayPool | None = None
        self.library = PromptLibrary(store)
        self.ledger = ledger or ledger_of(config)
        self._traffic = Traffic()

    def open(self, spec: str, game: Game) -> Player:
        """The player that ``spec`` names; raises ``BadInput`` for a name that is none."""
        kind, _, rest = spec.partition(":")
        if kind == "student":
            return self._student(rest, game)
        player = open_simple(spec, game)
        if player is None:
            return self._of_model(spec, game)
        self._simple[id(player)] = (spec, player)
        return player

    def lend(self, spec: str, game: Game) -> Player:
        """As ``open``, for one who closes players after use: its model stays open for the others that have it."""
        player = self.open(spec, game)
        return replace(player, chat=Lent(player.chat)) if isinstance(player, ModelPlayer) else player

    def spec_of(self, player: Player) -> str | None:
        """The name under which a player that needs no model was opened here, if it was."""
        return self._simple[id(player)][0] if id(player) in self._simple else None

    def spec_of_model(self, model: ChatModel) -> str | None:
        """The name under which a chat model was opened here, if it was."""
        return next((spec for spec, opened in self._models.items() if opened is model), None)

    def _student(self, student_id: str, game: Game) -> Player:
        """A student plays with the prompt and at the temperature that it was made for; its model is opened once."""
        student = load_student(self._store, student_id)
        return student_player(student, game, self.model(student.name))

    def _of_model(self, spec: str, game: Game) -> Player:
        model, at, prompt = spec.rpartition("@")
        model, prompt = (model, prompt) if at else (spec, "base")
        kind, _, rest = model.partition(":")
        if kind not in KINDS and model != FOLLOWER:
            raise BadInput(_unknown(spec, model))
        if not rest and model not in ("rookie", FOLLOWER):
            raise BadInput(f"the player {spec!r} names no model: write {KINDS[kind]}@PROMPT")
        return self._with_prompt(spec if at else f"{spec}@base", model, prompt, game)

    def with_prompt(self, model: str, prompt: Prompt, game: Game, name: str) -> Player:
        """``model`` (or the follower) with a prompt; the store learns the prompt if it can: the games will name it."""
        if self._store.writes and prompt.id not in self._kept:
            self.library.save(prompt, game)
            self._kept.add(prompt.id)
        if model == FOLLOWER:
            return follower(prompt, name)
        player = prompted(self.model(model), prompt, game, name)
        section = self._section(model)
        if not isinstance(section, ModelSection):
            return player
        return replace(
            player, temperature=section.temperature, max_tokens=section.max_tokens, time_limit=section.time_limit
        )

    def _with_prompt(self, name: str, model: str, prompt: str, game: Game) -> Player:
        # A server's only model is known by its name once it is open, and a served student wants a student's prompt.
        known = model
        if model != FOLLOWER and not self.library.aliases.get(prompt, game.name, model):
            known = self.model(model).name
        return self.with_prompt(model, self.library.resolve(prompt, game, known), game, name)

    def model(self, spec: str) -> ChatModel:
        """The chat model that ``spec`` names (``student:ID`` too), opened once."""
        if spec not in self._models:
            kind, _, rest = spec.partition(":")
            self._models[spec] = (
                open_student(load_student(self._store, rest)) if kind == "student" else self._open(spec)
            )
        return self._models[spec]

    def _open(self, spec: str) -> ChatModel:
        return open_model(spec, self.options(spec))

    def options(self, spec: str) -> ModelOptions:
        """How to open ``spec``, as the configuration says of it."""
        return model_options(self._config, spec, self.ledger, self._traffic)

    def _section(self, spec: str) -> ModelSection | TeacherSection | None:
        return _section_of(self._config, spec)

    @property
    def runner(self) -> "RayPool | None":
        """Who plays these players' matches on Ray, if anybody does; Ray starts when this is first asked for."""
        if self._cluster is not None and self._runner is None:
            from cornerman.scale.pool import RayPool

            self._cluster.connect()
            self._runner = RayPool(self._cluster, self, self._config, self._store)
        return self._runner

    async def close(self) -> None:
        """Close every model that was opened, and the workers that played elsewhere."""
        if self._runner is not None:
            await self._runner.close()
        for model in self._models.values():
            await model.close()
        self._models.clear()


def open_simple(spec: str, game: Game) -> Player | None:
    """The player that ``spec`` names if it needs neither a model nor a store; raises ``BadInput`` if it cannot be."""
    kind, _, rest = spec.partition(":")
    simple: dict[str, Callable[[], Player]] = {
        "human": HumanPlayer,
        "bot": lambda: _bot(rest, game),
        "search": lambda: load_search(rest),
        "mcts": lambda: load_mcts(rest),
        "oracle": OraclePlayer,
        "roshambo": lambda: load_roshambo(rest),
        "drafter": lambda: load_drafter(rest),
    }
    if kind in simple:
        return simple[kind]()
    if kind.endswith(".py"):
        return _checked(_from_file(Path(kind), rest), spec)
    for point in entry_points(group="cornerman.players", name=spec):
        return _checked(point.load(), spec)
    return None


def model_options(config: Config, spec: str, ledger: Ledger, traffic: Traffic | None = None) -> ModelOptions:
    """How to open the model ``spec``, as ``config`` says of it; ``traffic`` is what its models share on their way."""
    section = _section_of(config, spec)
    return ModelOptions(
        timeout_s=section.time_limit if isinstance(section, ModelSection) else 60.0,
        base_url=section.base_url if section else None,
        api_key_env=section.api_key_env if section else None,
        api=section.api if section else None,
        effort=section.effort if section else None,
        requests_per_minute=section.requests_per_minute if section else None,
        tokens_per_minute=section.tokens_per_minute if section else None,
        concurrency=section.concurrency if section else None,
        ledger=ledger,
        traffic=traffic or Traffic(),
        prices={name: Price(*rates) for name, rates in config.prices.items()},
        price=Price(*section.price) if section and section.price else None,
        extra=section.extra if section else {},
        device=(section.device if section else None) or "cpu",
    )


def _section_of(config: Config, spec: str) -> ModelSection | TeacherSection | None:
    sections = (config.player, config.reflector, config.teacher)
    names = (spec, EFFORT_SUFFIX.sub("", spec))  # NAME+low is served where NAME is
    return next((section for name in names for section in sections if section.model == name), None)


def ledger_of(config: Config) -> Ledger:
    """The limits of the configuration; an infinite one is none."""
    usd = config.budget.usd
    return Ledger(None if usd == float("inf") else usd, config.budget.tokens)


def house_players() -> list[str]:
    """Players that need neither a model nor a store."""
    installed = sorted(point.name for point in entry_points(group="cornerman.players"))
    return [*(f"bot:{style}" for style in BOTS), "search:N", "mcts:N", "oracle", "roshambo:NAME", "human", *installed]


def _bot(style: str, game: Game) -> Player:
    bot = load_bot(style)
    if any(not habit.when.keys() <= game.features.keys() for habit in bot.habits):
        raise BadInput(f"{bot.name} knows duel only; in {game.name} use bot:random, search:N or a model")
    return bot


def _from_file(path: Path, attribute: str) -> object:
    if not path.is_file():
        raise BadInput(f"no player file {path}: give the path of a Python file, a colon and the player's name in it")
    spec = importlib.util.spec_from_file_location(f"cornerman_player_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise BadInput(f"{path} cannot be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, attribute):
        raise BadInput(f"{path} defines no {attribute!r}: name the player object after the colon")
    return getattr(module, attribute)


def _checked(found: object, spec: str) -> Player:
    missing = [member for member in ("name", "model", "prompt_id", "act") if not hasattr(found, member)]
    if missing or isinstance(found, type):
        what = "is a class, not a player: name an instance" if isinstance(found, type) else f"has no {missing[0]}"
        raise BadInput(f"{spec} {what}; see the contract in episodes/player.py")
    player: Player = found  # type: ignore[assignment]  # every member is there
    return player


def _unknown(spec: str, model: str) -> str:
    names = [
        *(f"bot:{style}" for style in BOTS),
        "search:400",
        "human",
        "rookie",
        FOLLOWER,
        *(f"{kind}:" for kind in KINDS),
    ]
    near = difflib.get_close_matches(model, names, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"unknown player {spec!r}: {hint}a player is {', '.join(FORMS)}; a model takes @PROMPT"
