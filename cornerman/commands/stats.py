"""``cornerman stats``: the statistics of comparisons, from numbers typed by hand."""

from pathlib import Path
from typing import Annotated

import typer

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

    found = report.eprocess_report(pairs.Counts(*counts), alpha)
    if as_json:
        return emit(found)
    say(f"e-value against no better  {found['e']:.6g}")
    say(f"e-value against +50 Elo    {found['e_lower']:.6g}")
    say(f"score  {found['score']:.4f}  [{found['low']:.4f}, {found['high']:.4f}]")
    return say(f"Elo    {_elo(found['elo'])}  [{_elo(found['elo_low'])}, {_elo(found['elo_high'])}]")


def _elo(value: object) -> str:
    return f"{value:+.0f}" if isinstance(value, float) else "infinite"


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
    return say(f"LLR {found['llr']:.4f} between {found['lower']:.4f} and {found['upper']:.4f}: {found['verdict']}")


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
    rows = found["ratings"]
    assert isinstance(rows, list)
    columns = ("player", "elo", "elo_low", "elo_high", "games", "score")
    return table(columns, [[row[column] for column in columns] for row in rows])
