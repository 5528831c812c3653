"""Which tests share a process: the tables name what there is, and what shares something stays together."""

from pathlib import Path

import pytest
from schedule import FETCHED, FIRST, SHARED, group_of, place_of

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("named", [*SHARED, *FIRST, *FETCHED])
def test_the_tables_name_what_there_is(named: str) -> None:
    """A file that was renamed would lose its place without a word."""
    assert named in SHARED.values() or (ROOT / named).exists()


def test_groups() -> None:
    assert group_of("tests/models/test_local.py::test_x[a::b]") == "tests/models/test_local.py"
    assert group_of("tests/serving/test_vllm_paths.py::test_x") == group_of(
        "tests/serving/test_served_student.py::test_y"
    )
    assert group_of("tests/docs/test_docs.py::test_x[web]") == group_of("tests/episodes/test_web.py::test_x")
    assert group_of("tests/docs/test_docs.py::test_x") != group_of("tests/serving/test_vllm_paths.py::test_x")


def test_the_longest_begin_first() -> None:
    assert place_of("tests/cornerman/test_night.py::test_x") == 0
    assert place_of("tests/models/test_local.py::test_x") == len(FIRST)
