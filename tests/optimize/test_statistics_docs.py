"""The numbers that docs/statistics.md quotes for its examples are those that the program prints."""

import re
from pathlib import Path

import pytest

from optimize.gate import WORKING_E, GateRule
from optimize.stats.pairs import Counts
from optimize.stats.report import eprocess_report, sprt_report

PAGE = " ".join((Path(__file__).parents[2] / "docs" / "statistics.md").read_text(encoding="utf-8").split())


def quoted(pattern: str) -> list[float]:
    found = re.search(pattern, PAGE)
    assert found is not None, f"docs/statistics.md no longer says {pattern}"
    return [float(group) for group in found.groups()]


def test_the_e_value_example() -> None:
    counts = Counts(*(int(n) for n in quoted(r"stats eprocess (\d+) (\d+) (\d+) (\d+) (\d+) --json")))
    report = eprocess_report(counts)
    assert quoted(r"`e` = ([\d.]+)") == pytest.approx([report.e], rel=1e-3)
    assert quoted(r"`e_lower` = ([\d.]+)") == pytest.approx([report.e_lower], rel=1e-3)
    assert quoted(r"`low`, `high` = ([\d.]+), ([\d.]+):") == pytest.approx([report.low, report.high], abs=5e-5)


def test_the_sprt_example() -> None:
    *counts, elo0, elo1 = quoted(r"stats sprt (\d+) (\d+) (\d+) (\d+) (\d+) --elo0 (\d+) --elo1 (\d+)")
    report = sprt_report(Counts(*map(int, counts)), elo0, elo1)
    found = quoted(r"`llr` = ([\d.]+), bounds (-[\d.]+) and ([\d.]+)")
    assert found == pytest.approx([report.llr, report.lower, report.upper], abs=5e-4)
    assert report.verdict in PAGE


def test_the_thresholds() -> None:
    candidates, alpha, threshold = quoted(r"with (\d+) candidates at ([\d.]+), (\d+)\.")
    assert GateRule(candidates=int(candidates), alpha=alpha).threshold == pytest.approx(threshold)
    assert quoted(r"whose e-value reaches (\d+) becomes the \*\*working") == [WORKING_E]
