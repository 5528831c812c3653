"""``cornerman compare``: is A better than B? Stops by itself and measures the gain on fresh pairs."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cornerman.options import AtOnce, ClockName, ConfigFile, Db, GameName, Json, Ray, Seed
from cornerman.terminal import emit, say, show

if TYPE_CHECKING:
    from cornerman.workplace import Workplace
    from episodes.clock import Clock
    from episodes.player import Player
    from optimize.compare import CompareRule

PlayerName = Annotated[str, typer.Argument(help="E.g. rookie@certified, rookie@base, student:ID, bot:turtle.")]


def compare(
    a: PlayerName,
    b: PlayerName,
    *,
    game: GameName = None,
    alpha: Annotated[
        float | None, typer.Option(help="The chance of each false verdict. Default: the configuration's, or 0.05.")
    ] = None,
    max_pairs: Annotated[int, typer.Option(min=1, help="Pairs after which it stops undecided.")] = 400,
    confirm_pairs: Annotated[int, typer.Option(min=0, help="Fresh pairs that measure the gain.")] = 100,
    against: Annotated[
        list[str] | None,
        typer.Option("--against", metavar="NAME", help="Compare by how both do against this player; may be repeated."),
    ] = None,
    clock: ClockName = "paused",
    seed: Seed = None,
    ray: Ray = None,
    at_once: AtOnce = None,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Compare two players over pairs of games: one seed, sides swapped.

    It stops when the evidence suffices, then plays fresh pairs, because the estimate at the moment of stopping is
    inflated. Two prompts of one model: MODEL@ONE MODEL@OTHER. The same command goes on where it stopped.

    With --against the two do not meet: in a pair each plays the same opponent on one seed and in one seat.

    Example: cornerman compare rookie@certified rookie@base --max-pairs 200
    """
    from cornerman.workplace import workplace
    from episodes.clock import Clock
    from optimize.compare import CompareRule

    with workplace(db, config, game, seed=seed, ray=ray, at_once=at_once) as place:
        level = place.config.night.alpha if alpha is None else alpha
        rule = CompareRule(alpha=level, max_pairs=max_pairs, confirm_pairs=confirm_pairs)
        sides = place.players.open(a, place.game), place.players.open(b, place.game)
        opponents = tuple(place.players.open(name, place.game) for name in against or ())
        found = _run(place, sides, opponents, rule, Clock.parse(clock))
    if as_json:
        emit(found)
    else:
        _print(a, b, found)


def _run(
    place: "Workplace",
    sides: "tuple[Player, Player]",
    opponents: "tuple[Player, ...]",
    rule: "CompareRule",
    clock: "Clock",
) -> dict[str, Any]:
    from cornerman.comparing import compare_players
    from cornerman.terminal import live

    with live("the first pairs …") as on_line:
        return place.run(
            lambda: compare_players(
                place,
                sides,
                rule=rule,
                clock=clock,
                seed=place.config.night.seed,
                on_line=on_line,
                opponents=opponents,
            )
        )


def _print(a: str, b: str, found: dict[str, Any]) -> None:
    apart = "against" in found
    through = f", by how both do against {', '.join(found['against'])}" if apart else ""
    equal = " (50 Elo ruled out either way)" if found["equal"] else ""
    say(f"{a} is {found['verdict']} against {b}{through}{equal}")
    scale = "A's score less B's (-1, -1/2, 0, 1/2, 1)" if apart else "A's points (0, 1/4, 1/2, 3/4, 1)"
    say(f"pairs by {scale}: {' '.join(map(str, found['counts']))}; {found['pairs']} pairs")
    say(f"e-value {show(found['e_value'])}, decided at {1 / found['alpha']:g}")
    if found["gain"] is not None:
        # Half of the difference between the two scores is what a pair gives above one half.
        gain, low, high = ((200 if apart else 100) * found[key] for key in ("gain", "gain_low", "gain_high"))
        what = "lead over B" if apart else "gain"
        fresh = f"from {found['confirmation_pairs']} fresh pairs"
        say(f"{what} {gain:+.1f} points of 100  [{low:+.1f}, {high:+.1f}]  {fresh}")
    for name, both in found.get("scores", {}).items():
        shares = (f"{side.upper()} " + ("-" if score is None else f"{score:.1%}") for side, score in both.items())
        say(f"against {name}: {', '.join(shares)} of the points")
    for key, unit in (
        ("latency_ms", "ms a decision"),
        ("tokens", "tokens"),
        ("cost_usd", "US$"),
        ("illegal", "illegal"),
    ):
        say(f"{unit}: A {show(found[key]['a'])}, B {show(found[key]['b'])}")
    if any(found["faulted"].values()):
        say("decisions lost to faults of players' own code: A {a}, B {b}".format(**found["faulted"]))
    if found["reused"]:
        say(
            f"{found['reused']} of the games are of before it was kept which model answers behind a name: they count "
            "as played by the models of now; to play anew, give another --seed or another --db"
        )
    if found["voided"]:
        say(f"{found['voided']} pairs were voided by faults of a provider or of the game, and replaced")
