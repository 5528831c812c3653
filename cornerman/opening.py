"""Opening players and models from their names and the configuration alone: no store, nothing kept open.

What the program and its workers on other machines have in common. Knows nothing about prompts, students and who shares
what was opened.
"""

import importlib.util
import json
from collections.abc import Callable
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal

from cornerman.config import Config, ModelSection, TeacherSection
from cornerman.human import HumanPlayer
from episodes.fault import opening
from episodes.game import Game
from episodes.guest_player import guest_player
from episodes.player import Player
from episodes.players.bots import BOTS, load_bot
from episodes.players.drafter import load_drafter
from episodes.players.mcts import load_mcts
from episodes.players.oracle import OraclePlayer
from episodes.players.roshambo import load_roshambo
from episodes.players.search import load_search
from models.errors import BadInput
from models.ledger import Ledger
from models.notes import Notes
from models.prices import EFFORT_SUFFIX, declared
from models.registry import ModelOptions
from models.traffic import Traffic
from models.weights import file_digest

Role = Literal["player", "reflector", "teacher"]
"""The section of the configuration that a model is asked for: each may say something else of one name."""

ROLES: tuple[Role, ...] = ("player", "reflector", "teacher")


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
        found = _from_file(Path(kind), rest)
        return _checked(found, spec, json.dumps({"kind": "file", "content": file_digest(Path(kind))}))
    for point in entry_points(group="cornerman.players", name=spec):
        return _checked(_loaded(point.load, spec), spec)
    return None


def house_players() -> list[str]:
    """Players that need neither a model nor a store."""
    installed = sorted(point.name for point in entry_points(group="cornerman.players"))
    return [*(f"bot:{style}" for style in BOTS), "search:N", "mcts:N", "oracle", "roshambo:NAME", "human", *installed]


def section_of(config: Config, spec: str, role: Role) -> tuple[Role, ModelSection | TeacherSection] | None:
    """The section that speaks of the model ``spec``: the one of ``role`` if it does, else the first that does.

    NAME+low is served where NAME is.
    """
    names = (spec, EFFORT_SUFFIX.sub("", spec))
    for name in names:
        for one in sorted(ROLES, key=lambda known: known != role):
            section: ModelSection | TeacherSection = getattr(config, one)
            if section.model == name:
                return one, section
    return None


def model_options(
    config: Config,
    spec: str,
    ledger: Ledger,
    traffic: Traffic | None = None,
    role: Role = "player",
    *,
    notes: Notes | None = None,
) -> ModelOptions:
    """How to open the model ``spec`` for ``role``, as ``config`` says of it; ``traffic`` is what its models share on
    their way, and ``notes`` who is told of them."""
    found = section_of(config, spec, role)
    section = found[1] if found else None
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
        notes=notes or Notes(),
        prices={name: declared(rates) for name, rates in config.prices.items()},
        price=declared(section.price) if section and section.price else None,
        extra=section.extra if section else {},
        device=section.device if section else None,
    )


def student_device(config: Config, spec: str, role: Role = "player") -> str:
    """Where the student ``spec`` computes: as its section says, if there is one, else as students do."""
    found = section_of(config, spec, role)
    said = (found[1].device if found else None, config.student.device, "auto")
    return next(device for device in said if device is not None)


def ledger_of(config: Config) -> Ledger:
    """The limits of the configuration; an infinite one is none."""
    usd = config.budget.usd
    return Ledger(None if usd == float("inf") else usd, config.budget.tokens)


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
    loader = spec.loader
    module = importlib.util.module_from_spec(spec)
    _loaded(lambda: loader.exec_module(module), str(path))
    if not hasattr(module, attribute):
        raise BadInput(f"{path} defines no {attribute!r}: name the player object after the colon")
    return getattr(module, attribute)


def _loaded(load: Callable[[], Any], what: str) -> Any:
    with opening(f"{what} cannot be loaded"):
        return load()


def _checked(found: object, spec: str, identity: str = "") -> Player:
    """A player that is not ours, as a guest."""
    members = ("name", "model", "prompt_id", "act")
    missing = [member for member in members if not _loaded(partial(hasattr, found, member), spec)]
    if missing or isinstance(found, type):
        what = "is a class, not a player: name an instance" if isinstance(found, type) else f"has no {missing[0]}"
        raise BadInput(f"{spec} {what}; see the contract in episodes/player.py")
    player: Player = found  # type: ignore[assignment]  # every member is there
    return guest_player(player, spec, identity)
