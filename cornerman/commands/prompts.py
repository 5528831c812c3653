"""``cornerman prompts``: versions, names, and the way through a file that a person can edit."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cornerman.format import count, number
from cornerman.options import ConfigFile, Db, GameName, Json
from cornerman.terminal import emit, note, say, table

if TYPE_CHECKING:
    from cornerman.prompting import NameSet
    from cornerman.workplace import Workplace
    from prompts.prompt import Prompt

PromptName = Annotated[str, typer.Argument(help="base, working, certified, a name of yours, or the start of an id.")]
ModelName = Annotated[
    str | None, typer.Option("--model", help="Whose prompt. Default: the player of the configuration, or rookie.")
]


def list_(*, game: GameName = None, config: ConfigFile = None, db: Db = None, as_json: Json = False) -> None:
    """List the prompts, the newest first.

    Example: cornerman prompts list
    """
    from cornerman.prompting import PromptList
    from cornerman.workplace import workplace

    with workplace(db, config, game, write=False) as place:
        found = PromptList(tuple(place.players.library.prompts(place.game.name)))
    if as_json:
        return emit(found)
    rows = [
        (row.id, ", ".join(row.names), row.base, row.items, number(row.tokens), row.origin, row.created)
        for row in found.prompts
    ]
    return table(("id", "names", "base", "rules", "tokens", "origin", "created"), rows)


def show(
    prompt: PromptName,
    *,
    model: ModelName = None,
    game: GameName = None,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Show a prompt as the model reads it, and where it came from.

    Example: cornerman prompts show certified
    """
    from cornerman.prompting import lineage
    from cornerman.prompting import show as shown
    from cornerman.workplace import workplace

    with workplace(db, config, game, write=False) as place:
        chosen = _resolve(place, prompt, model)
        chain = lineage(place, chosen)
        found = shown(place, chosen, chain)
    if as_json:
        return emit(found)
    say(found.text)
    for row in chain:
        note(f"{row.id}  {row.origin}  {row.created}  {', '.join(row.names)}")
    return None


def diff(
    a: PromptName,
    b: PromptName,
    *,
    model: ModelName = None,
    game: GameName = None,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Show what turns prompt A into prompt B.

    Example: cornerman prompts diff base certified
    """
    from cornerman.prompting import PromptDiff
    from cornerman.workplace import workplace
    from prompts.library import diff as differences

    with workplace(db, config, game, write=False) as place:
        one, two = _resolve(place, a, model), _resolve(place, b, model)
        found = PromptDiff(one.id, two.id, tuple(differences(one, two, place.game)))
    if as_json:
        return emit(found)
    for line in found.lines:
        say(line)
    return None


def set_(
    name: Annotated[str, typer.Argument(help="working, certified or a name of yours.")],
    prompt: PromptName,
    *,
    model: ModelName = None,
    game: GameName = None,
    why: Annotated[str, typer.Option("--note", help="Why, kept in the history.")] = "set by hand",
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Let a name stand for a prompt.

    Example: cornerman prompts set mine 9f3c
    """
    from cornerman.prompting import NameSet
    from cornerman.workplace import workplace

    with workplace(db, config, game) as place:
        found = _resolve(place, prompt, model)
        alias = place.players.library.set(name, place.game, _model(place, model), found, note=why)
    _said(NameSet(alias.name, alias.model, alias.prompt_id), as_json)


def rollback(
    name: Annotated[str, typer.Argument(help="certified, working or a name of yours.")] = "certified",
    *,
    model: ModelName = None,
    game: GameName = None,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Let a name stand for what it did before; again goes one further back.

    Example: cornerman prompts rollback certified
    """
    from cornerman.prompting import NameSet
    from cornerman.workplace import workplace

    with workplace(db, config, game) as place:
        alias = place.players.library.rollback(name, place.game, _model(place, model))
    _said(NameSet(alias.name, alias.model, alias.prompt_id), as_json)


def export(
    prompt: PromptName,
    *,
    to: Annotated[Path | None, typer.Option("--to", help="The file. Default: standard output.")] = None,
    model: ModelName = None,
    game: GameName = None,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Write a prompt as Markdown that a person can edit.

    Example: cornerman prompts export certified --to mine.md
    """
    from cornerman.prompting import PromptExported
    from cornerman.workplace import workplace
    from models.files import write_whole
    from prompts.markdown import to_markdown

    with workplace(db, config, game, write=False) as place:
        found = _resolve(place, prompt, model)
        text = to_markdown(found, place.game)
    if to is not None:
        write_whole(to, text)
    if as_json:
        return emit(PromptExported(found.id, to, text))
    if to is None:
        sys.stdout.write(text)
    else:
        say(f"wrote prompt {found.id} to {to}")
    return None


def import_(
    path: Annotated[Path, typer.Argument(help="A Markdown file as `prompts export` writes it.")],
    *,
    name: Annotated[str | None, typer.Option("--as", help="Also let this name stand for it.")] = None,
    model: ModelName = None,
    game: GameName = None,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Read a prompt from Markdown into the store.

    Example: cornerman prompts import mine.md --as mine
    """
    from cornerman.prompting import PromptImported
    from cornerman.workplace import workplace
    from models.errors import BadInput
    from prompts.markdown import from_markdown

    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not UTF-8 text") from None
    with workplace(db, config, game) as place:
        read = from_markdown(text, place.game, str(path))
        library = place.players.library
        library.save(read.prompt, place.game, origin="person", note=f"imported from {path.name}")
        if name is not None:
            library.set(name, place.game, _model(place, model), read.prompt, note=f"imported from {path.name}")
    for line in read.notes:
        note(line)
    found = PromptImported(read.prompt.id, len(read.prompt.items), name, tuple(read.notes))
    if as_json:
        return emit(found)
    return say(f"prompt {found.id} with {count(found.items, 'rule')}" + (f", named {name}" if name else ""))


def _model(place: "Workplace", model: str | None) -> str:
    return model or place.config.player.model


def _resolve(place: "Workplace", spec: str, model: str | None) -> "Prompt":
    return place.players.library.resolve(spec, place.game, _model(place, model))


def _said(found: "NameSet", as_json: bool) -> None:
    if as_json:
        emit(found)
    else:
        say(f"{found.model}@{found.name} is prompt {found.prompt_id}")
