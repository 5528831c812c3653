"""How figures are written: the same on the screen and on every page."""

import ast
import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import cornerman
from cornerman.format import (
    count,
    dollars,
    duration,
    e_value,
    elo,
    elo_interval,
    estimated,
    fixed,
    lead,
    listed,
    milliseconds,
    number,
    pace,
    percent,
    percent_in_words,
    percent_with_interval,
    plain,
    points,
    points_in_words,
    signed,
    threshold,
    usd,
)

WRITERS: list[Callable[[float], str]] = [
    number,
    elo,
    percent,
    dollars,
    lead,
    plain,
    lambda value: fixed(value, 2),
    lambda value: signed(value, 1),
    lambda value: elo_interval(value, value),
    lambda value: estimated(value, value, value, 3),
    lambda value: points(value, value, value),
    lambda value: points(value, value, value, apart=True),
    lambda value: points_in_words(value, value, value),
    lambda value: percent_in_words(value, value, value),
    lambda value: percent_with_interval(value, value, value, 0),
]
SIZES = st.floats(min_value=0, max_value=1e12)


@given(st.floats(min_value=-1e6, max_value=1e6))
@example(-0.0)
@example(-0.4)
@example(-0.00004)
@example(-1e-300)
def test_nothing_is_minus_zero(value: float) -> None:
    for write in WRITERS:
        for shown in re.findall(r"-[\d.,]+", write(value)):
            assert float(shown.replace(",", "")) != 0, f"{value!r} is written {write(value)}"


@pytest.mark.parametrize(
    ("faster", "said"),
    [
        (62.4, "62 times faster"),
        (2.34, "2.3 times faster"),
        (1.02, "as fast"),
        (0.97, "as fast"),
        (0.22, "4.5 times slower"),
        (0.01, "100 times slower"),
    ],
)
def test_who_decides_more_slowly_is_not_said_to_be_faster(faster: float, said: str) -> None:
    assert pace(faster) == said


@given(st.integers(min_value=0, max_value=10**9))
@example(1)
def test_one_of_anything_is_not_several(n: int) -> None:
    shown = count(n, "pair")
    assert shown.endswith(" pair") == (n == 1)
    assert int(shown.split()[0].replace(",", "")) == n
    assert count(n, "alias", "aliases").endswith(" alias") == (n == 1)


def magnitude(shown: str) -> float:
    """What a reader takes an amount of time or money for, in its smallest unit."""
    unit = {"ms": 1, "s": 1e3, "seconds": 1e3, "minutes": 6e4, "hours": 3.6e6}
    if shown.startswith("under"):
        return 0.0
    if shown.startswith("US$"):
        return 0.0 if "<" in shown else float(shown.removeprefix("US$ ").replace(",", ""))
    value, name = shown.split()
    return float(value.replace(",", "")) * unit[name]


@pytest.mark.parametrize("write", [milliseconds, duration, dollars])
@given(one=SIZES, other=SIZES)
@example(one=9.994, other=9.996)
@example(one=59.4, other=59.6)
@example(one=999.4, other=999.6)
@example(one=3596.9, other=3597.1)
@example(one=0.99994, other=0.99996)
def test_what_is_more_is_never_written_as_less(write: Callable[[float], str], one: float, other: float) -> None:
    small, large = sorted((one, other))
    assert magnitude(write(small)) <= magnitude(write(large))


@pytest.mark.parametrize(("write", "unit", "least"), [(milliseconds, 1, 0.1), (duration, 1e3, 0.1), (dollars, 1, 1e-4)])
@given(value=SIZES)
def test_a_reader_is_never_off_by_more_than_a_twentieth(
    write: Callable[[float], str], unit: float, least: float, value: float
) -> None:
    assume(value >= 10 * least)
    assert magnitude(write(value)) == pytest.approx(value * unit, rel=0.05)


@given(st.floats(min_value=-9.4, max_value=9.4), st.floats(min_value=-9.4, max_value=9.4))
def test_signed_figures_have_one_width(one: float, other: float) -> None:
    assert len(signed(one, 1)) == len(signed(other, 1)) == len("+9.4")
    assert len(elo(one)) == len(elo(other)) == len("+9")


@given(st.floats(min_value=-2000, max_value=2000))
def test_an_e_value_keeps_its_order_of_magnitude(log_e: float) -> None:
    shown = e_value(log_e)
    decade = float(shown[3:]) if shown.startswith("10^") else None
    if decade is not None:
        assert abs(decade - log_e / 2.302585) <= 0.5 + 1e-3
    else:
        assert "e" not in shown
        assert float(shown.replace(",", "")) == pytest.approx(2.718281828459045**log_e, rel=0.006)


@pytest.mark.parametrize(
    ("shown", "is_written"),
    [
        (count(1, "rule"), "1 rule"),
        (count(1200, "pair"), "1,200 pairs"),
        (percent(None), ""),
        (percent(0.61), "61%"),
        (percent(-0.001), "0%"),
        (percent_with_interval(0.61, 0.523, 0.69), "61.0% [52.3%, 69.0%]"),
        (percent_in_words(0.61, 0.523, 0.69), "61.0% of the points (95% interval 52.3% to 69.0%)"),
        (points(0.125, 0.03, 0.21), "+12.5 points of 100 [+3.0, +21.0]"),
        (points(0.125, -0.03, 0.21, apart=True), "+25.0 points of 100 [-6.0, +42.0]"),
        (points_in_words(0.275, 0.2035, 0.3505), "55.0 points of 100 (95% interval 40.7 to 70.1)"),
        (lead(0.275), "+55"),
        (elo(107.6), "+108"),
        (elo(math.inf), "+infinite"),
        (elo(-math.inf), "-infinite"),
        (elo(-0.3), "+0"),
        (elo_interval(-120, math.inf), "[-120, +infinite]"),
        (elo_interval(-math.inf, 35), "[-infinite, +35]"),
        (milliseconds(None), ""),
        (milliseconds(0.0), "under 0.1 ms"),
        (milliseconds(0.25), "0.25 ms"),
        (milliseconds(3.666), "3.67 ms"),
        (milliseconds(9.999), "10 ms"),
        (milliseconds(45.2), "45 ms"),
        (milliseconds(999.9), "1.00 s"),
        (milliseconds(1620), "1.62 s"),
        (duration(0.01), "under 0.1 seconds"),
        (duration(4.25), "4.2 seconds"),
        (duration(59.7), "1.0 minutes"),
        (duration(750), "12.5 minutes"),
        (duration(7200), "2.0 hours"),
        (usd(0), "0"),
        (usd(0.00001), "<0.0001"),
        (dollars(0.0012), "US$ 0.0012"),
        (dollars(0.99996), "US$ 1.00"),
        (dollars(1234.5), "US$ 1,234.50"),
        (plain(0.5), "0.5"),
        (plain(12.0), "12"),
        (plain(-0.0), "0"),
        (plain(0.00000123456, 2), "1.2e-06"),
        (threshold(0.05), "20"),
        (threshold(0.05 / 14), "280"),
        (threshold(0.3), "3.33"),
        (threshold(0.00001), "100,000"),
        (e_value(0.0), "1"),
        (e_value(-2.302585), "0.1"),
        (e_value(6.9043353), "997"),
        (e_value(6.9077), "1,000"),
        (e_value(-11.5129), "10^-5"),
        (e_value(9.21034), "10,000"),
        (e_value(100.0), "10^43"),
        (listed(["a"]), "a"),
        (listed(["a", "b", "c"]), "a, b and c"),
    ],
)
def test_examples(shown: str, is_written: str) -> None:
    assert shown == is_written


APART = {"format.py", "report/curve.py"}
"""The place itself, and one that writes the coordinates of an SVG file."""


def test_figures_are_written_in_one_place() -> None:
    package = Path(cornerman.__file__).parent
    spelled = [
        f"{path.relative_to(package)}:{node.lineno}: {ast.unparse(node)}"
        for path in sorted(package.rglob("*.py"))
        if path.relative_to(package).as_posix() not in APART
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FormattedValue) and node.format_spec and re.search(r"[,_]|[fFgGeE%]$", _spec(node))
    ]
    assert not spelled


def _spec(node: ast.FormattedValue) -> str:
    """What stands behind the colon, without values of its own: the ``.f`` of ``{value:.{digits}f}``."""
    assert isinstance(node.format_spec, ast.JoinedStr)
    return "".join(str(part.value) for part in node.format_spec.values if isinstance(part, ast.Constant))
