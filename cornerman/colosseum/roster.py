"""``players.toml``: who takes part, under which settings, and how the tournament is played.

Knows the file only; nothing here opens a model.
"""

import difflib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from cornerman.config import Config, PlayingSection
from models.errors import BadInput
from models.registry import KINDS

System = Literal["round-robin", "swiss"]
SYSTEMS: dict[str, System] = {"round-robin": "round-robin", "swiss": "swiss"}
OPTIONS = tuple(key for key in PlayingSection.model_fields if key != "model")
"""What may be set for one player: what the configuration knows of a model."""
PLAYER_KEYS = ("name", "player", *OPTIONS)
TOP_KEYS = ("game", "clock", "pairs", "rounds", "system", "seed", "players")


@dataclass(frozen=True, slots=True)
class Entry:
    """One player: the name in all tables, the player as on the command line, and the settings given for it."""

    name: str
    player: str
    options: dict[str, Any]

    @property
    def model(self) -> str | None:
        """The chat model, or ``None`` for a bot, a search, a student, a person or a player of the user's own."""
        model = self.player.rpartition("@")[0] or self.player
        return model if model.partition(":")[0] in KINDS else None


@dataclass(frozen=True, slots=True)
class Plan:
    """What the command line or the file says of the tournament; ``None`` leaves the default."""

    game: str | None = None
    clock: str | None = None
    pairs: int | None = None
    rounds: int | None = None
    system: System | None = None
    seed: int | None = None

    def over(self, other: "Plan") -> "Plan":
        """This plan, with ``other`` where this one says nothing."""
        mine = {key: getattr(self, key) for key in Plan.__slots__}
        return Plan(**{key: getattr(other, key) if value is None else value for key, value in mine.items()})


@dataclass(frozen=True, slots=True)
class Roster:
    entries: tuple[Entry, ...]
    plan: Plan


def load_roster(path: Path) -> Roster:
    """Read the file; raises ``BadInput`` with one line for the first thing in it that cannot be."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file; docs/colosseum.md shows one") from None
    except IsADirectoryError:
        raise BadInput(f"{path} is a folder, a file of players was expected") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not a TOML file: {error}") from None
    try:
        return _roster(values)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None


def _roster(values: dict[str, Any]) -> Roster:
    _known(values, TOP_KEYS, "")
    listed = values.pop("players", [])
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise BadInput('players: write each one as [[players]] with a line player = "rookie@base"')
    entries = tuple(_entry(item, f"players.{n}") for n, item in enumerate(listed, 1))
    if len(entries) < 2:
        raise BadInput(f"{len(entries) or 'no'} player{'s' if not entries else ''}: a colosseum needs two or more")
    seen: dict[object, str] = {}
    for n, entry in enumerate(entries, 1):
        for key in (entry.name, (entry.player, repr(sorted(entry.options.items())))):
            if key in seen:
                raise BadInput(f"players.{n}: {entry.name!r} is there twice (see {seen[key]}): remove one or rename it")
            seen[key] = f"players.{n}"
    return Roster(entries, _plan(values))


def _entry(item: dict[str, Any], place: str) -> Entry:
    _known(item, PLAYER_KEYS, f"{place}.")
    texts = {key: item[key] for key in ("name", "player") if key in item}
    wrong = next((key for key, text in texts.items() if not isinstance(text, str) or not text.strip()), None)
    if wrong or "player" not in item:
        raise BadInput(f'{place}.{wrong or "player"}: a text is needed, e.g. player = "rookie@base"')
    name = texts.get("name", item["player"])
    if not name.isprintable():
        raise BadInput(f"{place}.name: {name!r} has characters that cannot be shown")
    options = {key: value for key, value in item.items() if key not in texts}
    entry = Entry(name, item["player"], options)
    if options and entry.model is None:
        raise BadInput(f"{place}.{next(iter(options))}: {entry.player} is no chat model and has no such setting")
    if entry.model is not None:
        section(entry, Config(), place)
    return entry


def section(entry: Entry, config: Config, place: str = "players") -> PlayingSection:
    """The settings of a chat model: the entry's own over those that the configuration has for that model."""
    assert entry.model is not None, "only a chat model has settings"
    known = config.player if config.player.model == entry.model else PlayingSection(model=entry.model)
    try:
        return PlayingSection.model_validate({**known.model_dump(), **entry.options})
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in (place, *fault["loc"]))
        raise BadInput(f"{where}: {fault['msg']}") from None


def _plan(values: dict[str, Any]) -> Plan:
    kinds: dict[str, type] = {"game": str, "clock": str, "pairs": int, "rounds": int, "system": str, "seed": int}
    for key, value in values.items():
        if type(value) is not kinds[key]:
            raise BadInput(f"{key}: {'a text' if kinds[key] is str else 'a whole number'} is needed")
    for key in ("pairs", "rounds"):
        if values.get(key, 1) < 1:
            raise BadInput(f"{key}: at least 1")
    if "system" in values:
        values["system"] = system_named(values["system"])
    return Plan(**values)


def system_named(name: str) -> System:
    """One of the two systems; raises ``BadInput`` for another word."""
    if name not in SYSTEMS:
        raise BadInput(f"unknown system {name!r}: use {' or '.join(SYSTEMS)}")
    return SYSTEMS[name]


def _known(values: dict[str, Any], known: tuple[str, ...], place: str) -> None:
    for word in values:
        if word in known:
            continue
        if "key" in word.lower() and "api_key_env" in known:
            raise BadInput(
                f"unknown key '{place}{word}': keys come from the environment; name the variable with `api_key_env`"
            )
        near = difflib.get_close_matches(word, known, n=1, cutoff=0)
        raise BadInput(f"unknown key '{place}{word}'; the nearest known one is {near[0]!r} (known: {', '.join(known)})")
