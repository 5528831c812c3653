"""``cornerman reflect`` and ``cornerman optimize``: the coach's two stages by hand."""

from typing import TYPE_CHECKING, Annotated

import typer

from cornerman.format import count, points
from cornerman.options import ConfigFile, Db, GameName, Json, Seed
from cornerman.terminal import emit, say

if TYPE_CHECKING:
    from cornerman.desk import ReflectResult
    from cornerman.night.sizes import SizeName

SizeOption = Annotated[str, typer.Option("--size", help="How much effort: smoke, demo or full.")]


def size_name(name: str) -> "SizeName":
    """A known size; raises ``BadInput`` for any other."""
    from cornerman.night.sizes import SIZES
    from models.errors import BadInput

    for known in SIZES:
        if known == name:
            return known
    raise BadInput(f"unknown size {name!r}: use {', '.join(SIZES)}")


def reflect(
    prompt: Annotated[str, typer.Argument(help="Whose games: a name or an id of a prompt.")] = "working",
    *,
    size: SizeOption = "demo",
    game: GameName = None,
    seed: Seed = None,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Reflect on the stored games of the configured model with a prompt, and write candidate prompts.

    Turns are replayed with other moves, and rules are written that cite the turns they come from. Nothing is promoted:
    cornerman optimize tries the candidates.

    Example: cornerman reflect working
    """
    chosen = size_name(size)
    from cornerman.desk import champion
    from cornerman.desk import reflect as work
    from cornerman.night.show import Terminal
    from cornerman.workplace import workplace

    with workplace(db, config, game, seed=seed) as place, Terminal() as watch:
        found = place.run(lambda: work(place, champion(place, prompt), chosen, watch))
    if as_json:
        emit(found)
    else:
        _print_candidates(found)


def _print_candidates(found: "ReflectResult") -> None:
    made = count(len(found.candidates), "candidate")
    say(f"{made} from {count(found.episodes, 'game')} and {count(found.what_ifs, 'what-if')}")
    for candidate in found.candidates:
        say(f"\n{candidate.prompt}")
        for rule in candidate.rules:
            cited = f"  ({count(len(rule.cites), 'turn')})" if rule.cites else ""
            say(f"- {rule.text}{cited}")


def optimize(
    candidates: Annotated[
        list[str] | None, typer.Argument(help="Prompts. Without any: the untried ones made from the working prompt.")
    ] = None,
    *,
    size: SizeOption = "demo",
    game: GameName = None,
    seed: Seed = None,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Race candidate prompts against the certified champion, gate the best, confirm who passes.

    The names working and certified move as in a night. cornerman prompts rollback undoes it.

    Example: cornerman optimize mine other
    """
    chosen = size_name(size)
    from cornerman.desk import champion, untried
    from cornerman.desk import optimize as work
    from cornerman.losing import lines
    from cornerman.night.show import Terminal
    from cornerman.workplace import workplace

    with workplace(db, config, game, seed=seed) as place, Terminal() as watch:
        named = [champion(place, name) for name in candidates or []]
        wanted = named or untried(place, champion(place, "working"))
        found = place.run(lambda: work(place, wanted, chosen, watch))
    if as_json:
        emit(found)
        return
    say(f"promoted: {found.certified}" if found.promoted else "nothing was promoted")
    if found.gain is not None:
        say(f"gain {points(*found.gain, apart=bool(place.config.night.opponents))} on fresh pairs")
    say(f"certified {found.certified}, working {found.working}")
    for line in lines(list(found.answers.items())):
        say(line)
