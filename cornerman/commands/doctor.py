"""``cornerman doctor``: is this machine ready?"""

from typing import Annotated

import typer

from cornerman.options import ConfigFile, Db, Json
from cornerman.terminal import emit, say


def doctor(
    *,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no model anything.")] = False,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Look at Python, SQLite, torch, the rookie, disk, keys, serving; say what is wrong and the way out.

    Each model of the configuration is asked three small questions, in two minutes and for 25 cents at most: does it
    answer, can that be read, what is it held to, how long does it take, what does it cost. Keys are only looked for,
    never shown. Exit code 1 if something fails.

    Example: cornerman doctor
    """
    from cornerman.doctor import examine
    from cornerman.workplace import settings

    found = examine(settings(db, config), offline=offline)
    if as_json:
        emit(found)
    else:
        for finding in found.findings:
            say(f"{finding.level:5} {finding.what}: {finding.detail}")
    if found.failed:
        raise typer.Exit(1)
