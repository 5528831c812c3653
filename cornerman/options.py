"""The options that every command has, defined once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Db = Annotated[
    Path | None,
    typer.Option("--db", metavar="PATH", help="The store. Default: `db` of the configuration, or cornerman.db."),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="PATH",
        envvar="CORNERMAN_CONFIG",
        help="The configuration. Default: cornerman.toml here, if there is one.",
    ),
]
GameName = Annotated[
    str | None,
    typer.Option("--game", metavar="GAME", help="The game. Default: `game` of the configuration, or duel."),
]
ClockName = Annotated[
    str,
    typer.Option(
        "--clock",
        metavar="CLOCK",
        help="paused, measured, or simulated:MS[,SD], then *FACTOR or /SECONDS+SECONDS: what thinking time costs.",
    ),
]
Ray = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="[ADDRESS]",
        help="Play on Ray workers: local (this machine; also without a value), auto (the cluster that this machine is "
        "a node of) or HOST:PORT of a cluster's head.",
    ),
]
AtOnce = Annotated[
    int | None,
    typer.Option("--at-once", min=1, help="Episodes at once on Ray, over all workers. Default: 64 a worker."),
]
Free = Annotated[
    bool,
    typer.Option("--free", help="Ask models for free text, where they would be held to legal moves or plans."),
]
Seed = Annotated[int | None, typer.Option("--seed", help="Where every random draw comes from.")]


def with_ray_address(words: Sequence[str]) -> list[str]:
    """A command line in which ``--ray`` alone has become ``--ray local``: what follows is its value if it looks so."""
    found = list(words)
    if "--ray" not in found:
        return found
    from cornerman.scale.cluster import is_address

    for at in [at for at, word in enumerate(found) if word == "--ray"]:
        if not is_address(found[at + 1] if at + 1 < len(found) else ""):
            found[at] = "--ray=local"
    return found
