"""Prompts as the commands show them: versions with where they came from, names, and Markdown."""

from dataclasses import dataclass
from pathlib import Path

from cornerman.workplace import Workplace
from prompts.library import PromptSummary
from prompts.prompt import Prompt


@dataclass(frozen=True, slots=True)
class PromptList:
    """What ``cornerman prompts list --json`` prints: the newest first."""

    prompts: tuple[PromptSummary, ...]


@dataclass(frozen=True, slots=True)
class ItemShown:
    """A rule of a prompt as the model reads it."""

    id: str
    text: str
    origin: str


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A version that a prompt came from."""

    id: str
    origin: str
    created: str


@dataclass(frozen=True, slots=True)
class PromptShown:
    """What ``cornerman prompts show --json`` prints. ``lineage`` begins with the prompt itself; it is empty for one
    that was never stored."""

    id: str
    base: str
    text: str
    items: tuple[ItemShown, ...]
    lineage: tuple[Ancestor, ...]


@dataclass(frozen=True, slots=True)
class PromptDiff:
    """What ``cornerman prompts diff --json`` prints: two ids, and the lines that turn A into B."""

    a: str
    b: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NameSet:
    """What ``prompts set`` and ``prompts rollback`` print: the prompt that a name of a model stands for now."""

    name: str
    model: str
    prompt_id: str


@dataclass(frozen=True, slots=True)
class PromptExported:
    """What ``cornerman prompts export --json`` prints; ``path`` is ``None`` where no file was written."""

    id: str
    path: Path | None
    markdown: str


@dataclass(frozen=True, slots=True)
class PromptImported:
    """What ``cornerman prompts import --json`` prints: how many rules, the name that stands for it, and remarks on the
    file."""

    id: str
    items: int
    name: str | None
    notes: tuple[str, ...]


def lineage(place: Workplace, prompt: Prompt) -> tuple[PromptSummary, ...]:
    """The prompt and the versions that it came from; none for one that was never stored."""
    library = place.players.library
    known = {row.id for row in library.prompts(place.game.name)}
    return tuple(library.lineage(prompt.id, place.game)) if prompt.id in known else ()


def show(place: Workplace, prompt: Prompt, ancestors: tuple[PromptSummary, ...]) -> PromptShown:
    """A prompt as the model reads it, and where it came from."""
    return PromptShown(
        id=prompt.id,
        base=prompt.base.name,
        text=prompt.render(place.game),
        items=tuple(ItemShown(item.id, item.line(place.game, remarks=True), item.origin) for item in prompt.items),
        lineage=tuple(Ancestor(row.id, row.origin, row.created) for row in ancestors),
    )
