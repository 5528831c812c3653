"""``cornerman prompts``: versions, names, and the way through a file that a person can edit."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cornerman.options import ConfigFile, Db, GameName, Json
from cornerman.terminal import emit, note, say, table

if TYPE_CHECKING:
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
    from cornerman.workplace import workplace

    with workplace(db, config, game, write=False) as place:
        found = place.players.library.prompts(place.game.name)
    if as_json:
        from dataclasses import asdict

        return emit({"prompts": [asdict(row) for row in found]})
    rows = [(row.id, ", ".join(row.names), row.base, row.items, row.tokens, row.origin, row.created) for row in found]
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
    from cornerman.workplace import workplace

    with workplace(db, config, game, write=False) as place:
        found = _resolve(place, prompt, model)
        known = {row.id for row in place.players.library.prompts(place.game.name)}
        chain = place.players.library.lineage(found.id, place.game) if found.id in known else []
        text = found.render(place.game)
        items = [
            {"id": item.id, "text": item.line(place.game, remarks=True), "origin": item.origin} for item in found.items
        ]
    if as_json:
        lineage = [{"id": row.id, "origin": row.origin, "created": row.created} for row in chain]
        return emit({"id": found.id, "base": found.base.name, "text": text, "items": items, "lineage": lineage})
    say(text)
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
    from cornerman.workplace import workplace
    from prompts.library import diff as differences

    with workplace(db, config, game, write=False) as place:
        one, two = _resolve(place, a, model), _resolve(place, b, model)
        lines = differences(one, two, place.game)
    if as_json:
        return emit({"a": one.id, "b": two.id, "lines": lines})
    for line in lines:
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
    from cornerman.workplace import workplace

    with workplace(db, config, game) as place:
        found = _resolve(place, prompt, model)
        alias = place.players.library.set(name, place.game, _model(place, model), found, note=why)
    _said(alias.name, alias.model, alias.prompt_id, as_json)


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
    from cornerman.workplace import workplace

    with workplace(db, config, game) as place:
        alias = place.players.library.rollback(name, place.game, _model(place, model))
    _said(alias.name, alias.model, alias.prompt_id, as_json)


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
    from cornerman.workplace import workplace
    from models.files import write_whole
    from prompts.markdown import to_markdown

    with workplace(db, config, game, write=False) as place:
        found = _resolve(place, prompt, model)
        text = to_markdown(found, place.game)
    if to is not None:
        write_whole(to, text)
    if as_json:
        return emit({"id": found.id, "path": str(to) if to else None, "markdown": text})
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
    if as_json:
        return emit({"id": read.prompt.id, "items": len(read.prompt.items), "name": name, "notes": list(read.notes)})
    return say(f"prompt {read.prompt.id} with {len(read.prompt.items)} rules" + (f", named {name}" if name else ""))


def _model(place: "Workplace", model: str | None) -> str:
    return model or place.config.player.model


def _resolve(place: "Workplace", spec: str, model: str | None) -> "Prompt":
    return place.players.library.resolve(spec, place.game, _model(place, model))


def _said(name: str, model: str, prompt_id: str, as_json: bool) -> None:
    result: dict[str, Any] = {"name": name, "model": model, "prompt_id": prompt_id}
    if as_json:
        emit(result)
    else:
        say(f"{model}@{name} is prompt {prompt_id}")
