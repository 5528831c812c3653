"""``cornerman play``: some episodes between two players, kept in the store."""

from typing import Annotated, Any

import typer

from cornerman.options import AtOnce, ClockName, ConfigFile, Db, GameName, Json, Ray, Seed
from cornerman.terminal import emit, note, say

PlayerName = Annotated[str, typer.Argument(help="E.g. rookie@base, bot:turtle, search:400, student:ID, human.")]


def play(
    a: PlayerName,
    b: PlayerName,
    *,
    game: GameName = None,
    episodes: Annotated[int, typer.Option(min=1, help="Episodes; two make a pair, sides swapped on one seed.")] = 10,
    clock: ClockName = "paused",
    seed: Seed = None,
    ray: Ray = None,
    at_once: AtOnce = None,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Play episodes between A and B and keep them.

    Pairs share a seed with the sides swapped; the score is A's mean over pairs, with a 95 % interval. The same command
    plays nothing twice.

    Example: cornerman play rookie@base bot:turtle --episodes 20
    """
    from cornerman.session import play_session
    from cornerman.workplace import workplace
    from episodes.clock import Clock

    with workplace(db, config, game, seed=seed, ray=ray, at_once=at_once) as place:
        root = place.config.night.seed
        players = place.players.open(a, place.game), place.players.open(b, place.game)
        timing = Clock.parse(clock)
        found = place.run(
            lambda: play_session(place, players, clock=timing, episodes=episodes, seed=root, progress=_progress)
        )
    if as_json:
        emit(found)
    else:
        _print(a, b, found)
    if not found["episodes"]:
        raise typer.Exit(1)


def _progress(done: int, wanted: int) -> None:
    if done == wanted or done % max(1, wanted // 10) == 0:
        note(f"{done} of {wanted} episodes")


def _print(a: str, b: str, found: dict[str, Any]) -> None:
    say(f"{a} against {b}: {found['episodes']} episodes, {found['pairs']} pairs, {found['turns']} decisions")
    if found["score"] is not None:
        say(f"{a} scores {found['score']:.3f}  [{found['low']:.3f}, {found['high']:.3f}]")
    say(f"pairs by A's points (0, 1/4, 1/2, 3/4, 1): {' '.join(map(str, found['counts']))}")
    if found["episodes"]:
        say(f"mean return by seat: {', '.join(f'{value:+.3f}' for value in found['returns'])}")
    say(f"illegal {found['illegal']}, refused {found['refused']}, timeouts {found['timeouts']}")
    if found["faulted"]:
        say(f"{found['faulted']} decisions were lost to faults of players' own code")
    say(f"{found['seconds']:.1f} s, US$ {found['cost_usd']:.4f}")
    if found["voided"]:
        say(f"voided by faults: {found['voided']} episodes, the first by {found['faults'][0]}")
