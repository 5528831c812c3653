"""Which tests run in one process, and which of these groups begin first; knows only the places of tests.

A file is a group, so that what its fixtures make is made once. Files that share a server, a browser, a large model or a
process that commands are forked from are one group. The longest begin first, so that no process ends alone, but for
those for which something is fetched meanwhile.
"""

SHARED = {
    "tests/serving/test_served_reflector.py": "vllm",
    "tests/serving/test_served_student.py": "vllm",
    "tests/serving/test_vllm_paths.py": "vllm",
    "tests/models/test_smollm2.py": "smollm2",
    "tests/distill/test_smollm2_learns.py": "smollm2",
    "tests/docs/test_docs.py": "docs",
    "tests/docs/test_own_game.py": "docs",
    "tests/episodes/test_web.py": "docs",
}
"""Group of a file where that is not the file itself."""

FETCHED = {"vllm": ("vllm", "smollm2"), "tests/episodes/test_diambra.py": ("diambra",), "smollm2": ("smollm2",)}
"""What a group needs that is fetched from elsewhere, as ``environments`` names it."""

FIRST = (
    "tests/cornerman/test_night.py",
    "docs",
    "tests/cornerman/test_ray.py",
    "tests/cornerman/test_opponents.py",
    "vllm",
    "tests/episodes/test_diambra.py",
    "tests/distill/test_school.py",
    "tests/cornerman/test_night_budget.py",
)


def group_of(test: str) -> str:
    """The group of a test, by its node id."""
    file = test.partition("::")[0]
    return SHARED.get(file, file)


def place_of(test: str) -> int:
    """Where the group of a test stands among all: the first ones have small numbers."""
    group = group_of(test)
    return FIRST.index(group) if group in FIRST else len(FIRST)
