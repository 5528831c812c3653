"""The options that every command has, defined once."""

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
    typer.Option("--clock", metavar="CLOCK", help="paused, measured, or simulated:MS[,SD]: what thinking time costs."),
]
Seed = Annotated[int | None, typer.Option("--seed", help="Where every random draw comes from.")]
