"""``cornerman stats``: the statistics of comparisons, from numbers typed by hand."""

from pathlib import Path
from typing import Annotated

import typer

from cornerman.format import bracketed, e_value, elo, elo_interval, fixed, number, plain
from cornerman.options import Db, Json
from cornerman.terminal import emit, say, table

Counts = Annotated[
    tuple[int, int, int, int, int],
    typer.Argument(metavar="N0 N1 N2 N3 N4", help="Pairs in which A took 0, 1/4, 1/2, 3/4 and all of the points."),
]


def eprocess(
    counts: Counts,
    *,
    alpha: Annotated[float, typer.Option(help="The interval fails with at most this chance.")] = 0.05,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """The e-value of five counts, futility at +50 Elo, and the interval of the score and of Elo.

    Example: cornerman stats eprocess 2 6 20 18 14
    """
    from optimize.stats import pairs, report
    from optimize.stats.elo import elo_of_score
    from optimize.stats.eprocess import log_e_lower

    found = report.eprocess_report(pairs.Counts(*counts), alpha)
    if as_json:
        return emit(found)
    say(f"e-value against no better  {e_value(found.log_e)}")
    say(f"e-value against +50 Elo    {e_value(log_e_lower(found.counts))}")
    say(f"score  {fixed(found.score, 4)}  {bracketed(fixed(found.low, 4), fixed(found.high, 4))}")
    rating, low, high = (elo_of_score(score) for score in (found.score, found.low, found.high))
    return say(f"Elo    {elo(rating)}  {elo_interval(low, high)}")


def sprt(
    counts: Counts,
    *,
    elo0: Annotated[float, typer.Option(help="The Elo of the null hypothesis.")] = 0.0,
    elo1: Annotated[float, typer.Option(help="The Elo of the alternative.")] = 50.0,
    model: Annotated[str, typer.Option(help="logistic or normalized Elo.")] = "logistic",
    alpha: Annotated[float, typer.Option(help="The chance to accept H1 where H0 is true.")] = 0.05,
    beta: Annotated[float, typer.Option(help="The chance to accept H0 where H1 is true.")] = 0.05,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """The pentanomial sequential probability ratio test of five counts, as fishtest computes it.

    Example: cornerman stats sprt 2 6 20 18 14 --elo0 0 --elo1 50 --model logistic
    """
    from optimize.stats import pairs, report

    found = report.sprt_report(pairs.Counts(*counts), elo0, elo1, model, alpha=alpha, beta=beta)
    if as_json:
        return emit(found)
    llr, lower, upper = (fixed(value, 4) for value in (found.llr, found.lower, found.upper))
    return say(f"LLR {llr} between {lower} and {upper}: {found.verdict}")


def ratings(
    path: Annotated[Path, typer.Argument(help="A CSV table with the columns a, b, score and, optionally, pair.")],
    *,
    samples: Annotated[int, typer.Option(min=0, help="Bootstrap samples for the intervals.")] = 400,
    seed: Annotated[int, typer.Option(help="Where the bootstrap's draws come from.")] = 0,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Bradley-Terry ratings of a table of results, with 95 % intervals.

    Example: cornerman stats ratings results.csv
    """
    from optimize.stats import report

    found = report.ratings_report(path, samples=samples, seed=seed)
    if as_json:
        return emit(found)
    rows = [
        (row.player, elo(row.elo), elo_interval(row.elo_low, row.elo_high), number(row.games), plain(row.score))
        for row in found.ratings
    ]
    return table(("player", "Elo", "95%", "games", "points"), rows)
