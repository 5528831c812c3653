"""The answers of ``cornerman stats``: what goes in is what a person typed, what comes out are frozen records."""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from models.errors import BadInput
from optimize.stats.elo import elo_of_score, normalized_elo
from optimize.stats.eprocess import e_lower, e_value, interval, log_e
from optimize.stats.pairs import Counts
from optimize.stats.ratings import Rating, Result, rate
from optimize.stats.sprt import Model, Verdict, sprt

_WORDS = {
    "w": 1.0,
    "win": 1.0,
    "1-0": 1.0,
    "d": 0.5,
    "draw": 0.5,
    "tie": 0.5,
    "1/2": 0.5,
    "1/2-1/2": 0.5,
    "l": 0.0,
    "loss": 0.0,
    "0-1": 0.0,
}
_COLUMNS = {"a": ("a", "player_a"), "b": ("b", "player_b"), "score": ("score", "result"), "pair": ("pair", "pair_id")}


@dataclass(frozen=True, slots=True)
class EprocessReport:
    """``e`` with its logarithm, ``e_lower`` (futility at +50 Elo), the mean pair ``score`` with ``low`` and ``high``,
    and the same in Elo.

    An Elo of infinity (a score of 0 or 1) is ``None``, since JSON has no word for it.
    """

    counts: Counts
    pairs: int
    e: float
    log_e: float
    e_lower: float
    score: float
    low: float
    high: float
    elo: float | None
    elo_low: float | None
    elo_high: float | None
    normalized_elo: float | None
    alpha: float


@dataclass(frozen=True, slots=True)
class SprtReport:
    """The log-likelihood ratio, its bounds, and ``accepted`` (H1 is), ``rejected`` (H0 is) or ``undecided``."""

    counts: Counts
    llr: float
    lower: float
    upper: float
    verdict: Verdict
    elo0: float
    elo1: float
    model: Model


@dataclass(frozen=True, slots=True)
class RatingsReport:
    """Ratings, best first, with 95 % intervals; ``results`` is the number of lines that they follow from."""

    ratings: tuple[Rating, ...]
    results: int


def eprocess_report(counts: Counts, alpha: float = 0.05) -> EprocessReport:
    """What five counts say."""
    if not 0 < alpha < 1:
        raise BadInput(f"alpha must be between 0 and 1, not {alpha:g}")
    low, high = interval(counts, alpha)
    return EprocessReport(
        counts=counts,
        pairs=counts.total,
        e=e_value(counts),
        log_e=log_e(counts),
        e_lower=e_lower(counts),
        score=counts.mean,
        low=low,
        high=high,
        elo=finite(elo_of_score(counts.mean)),
        elo_low=finite(elo_of_score(low)),
        elo_high=finite(elo_of_score(high)),
        normalized_elo=finite(normalized_elo(counts)),
        alpha=alpha,
    )


def sprt_report(
    counts: Counts, elo0: float, elo1: float, model: str = "logistic", *, alpha: float = 0.05, beta: float = 0.05
) -> SprtReport:
    """The test of H0 (``elo0``) against H1 (``elo1``); raises ``BadInput`` for a model of Elo that is not known."""
    known = _model(model)
    test = sprt(counts, elo0, elo1, known, alpha=alpha, beta=beta)
    return SprtReport(counts, test.llr, test.lower, test.upper, test.verdict, elo0, elo1, known)


def ratings_report(path: Path, *, samples: int = 400, seed: int = 0) -> RatingsReport:
    """Bradley-Terry ratings of the results in a CSV file (see ``read_results``), best first, with 95 % intervals."""
    results = read_results(path)
    return RatingsReport(tuple(rate(results, samples=samples, seed=seed)), len(results))


def read_results(path: Path) -> list[Result]:
    """Read a table of results, one a line, with a line of column names first.

    ``a`` (or ``player_a``) and ``b`` (``player_b``) are names; ``score`` (``result``) is A's: a number in [0, 1], or
    one of win, draw, loss, W, D, L, 1-0, 1/2-1/2, 0-1. Lines that share a ``pair`` (``pair_id``, optional) were played
    as a pair. Other columns are ignored. Raises ``BadInput`` that names the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not UTF-8 text: save the table as UTF-8 CSV") from error
    reader = csv.reader(text.splitlines())
    try:
        lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise BadInput(f"{path}, line {reader.line_num}: {error}") from error
    if len(lines) < 2:
        raise BadInput(f"{path} holds no results: the first line names the columns, each other line is one result")
    return _results(path, lines)


def _results(path: Path, lines: list[tuple[int, list[str]]]) -> list[Result]:
    header = [name.strip().lower() for name in lines[0][1]]
    where: dict[str, int] = {}
    for column, names in _COLUMNS.items():
        found = [header.index(name) for name in names if name in header]
        if found:
            where[column] = found[0]
        elif column != "pair":
            raise BadInput(f"{path}, line 1: no column {' or '.join(names)}; the first line must name the columns")
    results = []
    for line, cells in lines[1:]:
        if len(cells) <= max(where.values()):
            raise BadInput(f"{path}, line {line}: {len(cells)} cells, but the first line names {len(header)}")
        row = {column: cells[at].strip() for column, at in where.items()}
        results.append(_result(row, f"{path}, line {line}"))
    return results


def _result(row: dict[str, str], place: str) -> Result:
    if not row["a"] or not row["b"]:
        raise BadInput(f"{place}: a player has no name")
    if row["a"] == row["b"]:
        raise BadInput(f"{place}: {row['a']!r} cannot play against itself")
    score = _WORDS.get(row["score"].lower())
    if score is None:
        try:
            score = float(row["score"])
        except ValueError:
            score = math.nan
        if not 0 <= score <= 1:
            raise BadInput(f"{place}: the score {row['score']!r} is neither a number from 0 to 1 nor win, draw or loss")
    return Result(row["a"], row["b"], score, pair=row.get("pair") or None)


def finite(value: float) -> float | None:
    """``value``, or ``None`` where it is infinite."""
    return value if math.isfinite(value) else None


def _model(name: str) -> Model:
    if name == "logistic":
        return "logistic"
    if name == "normalized":
        return "normalized"
    raise BadInput(f"unknown model {name!r}: use logistic or normalized")
