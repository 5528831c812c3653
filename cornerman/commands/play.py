"""``cornerman play``: some episodes between two players, kept in the store."""

from typing import TYPE_CHECKING, Annotated

import typer

from cornerman.format import NONE, count, dollars, duration, percent_with_interval, signed
from cornerman.options import AtOnce, ClockName, ConfigFile, Db, Free, GameName, Json, Ray, Seed
from cornerman.terminal import emit, note, say

if TYPE_CHECKING:
    from cornerman.session import PlayResult

PlayerName = Annotated[str, typer.Argument(help="E.g. rookie@base, bot:turtle, search:400, student:ID, human.")]


def play(
    a: PlayerName,
    b: PlayerName,
    *,
    game: GameName = None,
    episodes: Annotated[int, typer.Option(min=1, help="Episodes; two make a pair, sides swapped on one seed.")] = 10,
    clock: ClockName = "paused",
    seed: Seed = None,
    free: Free = False,
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

    with workplace(db, config, game, seed=seed, ray=ray, at_once=at_once, free=free) as place:
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
    if not found.episodes:
        raise typer.Exit(1)


def _progress(done: int, wanted: int) -> None:
    if done == wanted or done % max(1, wanted // 10) == 0:
        note(f"{done} of {count(wanted, 'episode')}")


def _print(a: str, b: str, found: "PlayResult") -> None:
    from cornerman.losing import lines

    conduct = found.conduct
    played = (count(found.episodes, "episode"), count(found.pairs, "pair"), count(conduct.turns, "decision"))
    say(f"{a} against {b}: {', '.join(played)}")
    if found.score is not None:
        say(f"{a} takes {percent_with_interval(found.score, found.low, found.high)} of the points")
        say(f"pairs by A's points (0, 1/4, 1/2, 3/4, 1): {' '.join(map(str, found.counts))}")
    if found.episodes:
        returns = (NONE if value is None else signed(value, 3) for value in found.returns)
        say(f"mean return by seat: {', '.join(returns)}")
        for line in lines(((a, found.answers.a), (b, found.answers.b))):
            say(line)
    say(f"{duration(found.seconds)}, {dollars(conduct.cost_usd)}")
    if found.voided:
        say(f"voided by faults: {count(found.voided, 'episode')}, the first: {found.faults[0].message}")
