"""``cornerman bench``: measurements of the program itself."""

from typing import Annotated

import typer

from cornerman.format import count, plain
from cornerman.options import ConfigFile, Db, Json
from cornerman.terminal import emit, say


def null(
    *,
    nights: Annotated[int, typer.Option(min=1, help="How many nights to simulate.")] = 300,
    seed: Annotated[int, typer.Option(help="Where every random draw comes from.")] = 0,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Simulate nights in which no candidate is any better: how often is something promoted all the same?

    Race, gate and thresholds are the night's own code; only the pairs are drawn, not played. Exit code 1 if it happens
    on more nights than alpha allows.

    Example: cornerman bench null --nights 300
    """
    from optimize.null import bench_null

    found = bench_null(nights, seed)
    if as_json:
        emit(found)
    else:
        say(
            f"{found.false_promotions} of {count(nights, 'night')} promoted something that was no better "
            f"(alpha {plain(found.alpha)} allows {plain(found.alpha * nights)})"
        )
    if found.false_promotions > found.alpha * nights:
        raise typer.Exit(1)
