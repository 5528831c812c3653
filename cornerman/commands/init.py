"""``cornerman init``: write a commented configuration."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cornerman.options import Db, Json
from cornerman.terminal import emit, say


@dataclass(frozen=True, slots=True)
class Written:
    """What ``cornerman init --json`` prints."""

    path: Path


def init(
    path: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("cornerman.toml"),
    *,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Write a commented cornerman.toml in which every key has its default.

    Example: cornerman init
    """
    from cornerman.config import TEMPLATE
    from models.errors import BadInput
    from models.files import write_whole

    if path.exists() and not force:
        raise BadInput(f"{path} is there already; --force overwrites it")
    text = TEMPLATE if db is None else TEMPLATE.replace('db = "cornerman.db"', f'db = "{db.as_posix()}"')
    write_whole(path, text)
    if as_json:
        emit(Written(path))
    else:
        say(f"wrote {path}; `cornerman night` uses it from this folder")
