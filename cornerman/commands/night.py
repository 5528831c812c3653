"""``cornerman night``: the whole loop, once."""

from typing import TYPE_CHECKING, Annotated

import typer

from cornerman.commands.coach import size_name
from cornerman.format import count, duration
from cornerman.options import AtOnce, ConfigFile, Db, GameName, Json, Ray, Seed
from cornerman.terminal import emit, say

if TYPE_CHECKING:
    from cornerman.night.run import NightResult


def night(
    *,
    size: Annotated[
        str | None, typer.Option("--size", help="smoke, demo or full. Default: the configuration's, or demo.")
    ] = None,
    opponent: Annotated[
        list[str] | None,
        typer.Option("--opponent", metavar="NAME", help="Learn to beat this player; may be given several times."),
    ] = None,
    seed: Seed = None,
    game: GameName = None,
    ray: Ray = None,
    at_once: AtOnce = None,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Play, reflect, race, gate, confirm, teach, train, check, and write a report.

    A night that was stopped, by Ctrl-C, kill -9 or a limit, goes on with the same command; one that is done is followed
    by another, which begins from its champions.

    With --opponent (or `opponents` of the configuration) prompts are compared by how they do against those players.

    Example: cornerman night --size smoke
    """
    chosen = None if size is None else size_name(size)
    from cornerman.night.run import run_night
    from cornerman.night.show import Terminal
    from cornerman.workplace import against, workplace

    with workplace(db, config, game, seed=seed, ray=ray, at_once=at_once) as opened, Terminal() as watch:
        place = against(opened, opponent)
        found = place.run(lambda: run_night(place, chosen or place.config.night.size, watch))
    if as_json:
        emit(found)
    else:
        _print(found)
    if found.status != "done":
        raise typer.Exit(1)


def _print(found: "NightResult") -> None:
    from cornerman.losing import lines

    promotions = count(len(found.promotions), "promotion")
    say(f"night {found.night}: {found.status} in {duration(found.seconds)}, {promotions}")
    say(f"certified {found.certified}, working {found.working}, student {found.student or 'none'}")
    for line in lines(list(found.answers.items())):
        say(line)
    say(f"report: {found.report}")
