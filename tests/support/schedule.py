"""Which tests run in one process, and which of these groups begin first; knows only the places of tests.

A file is a group, so that what its fixtures make is made once. Files that share a server, a browser or a cluster are
one group. Each page of the documentation is one by itself. The longest begin first, so that no process ends alone, but
for those whose environment is built meanwhile.
"""

SHARED = {
    "tests/serving/test_served_reflector.py": "vllm",
    "tests/serving/test_served_student.py": "vllm",
    "tests/serving/test_vllm_paths.py": "vllm",
    "tests/docs/test_docs.py::test_the_examples_do_what_the_page_says[web]": "tests/episodes/test_web.py",
}
"""Group of a file or of a single test where that is not the file itself."""

APART = "tests/docs/test_docs.py"

ENVIRONMENTS = {"vllm": "vllm", "tests/episodes/test_diambra.py": "diambra"}
"""What a group needs that is fetched from elsewhere, as ``environments`` names it."""

FIRST = (
    "tests/cornerman/test_night.py",
    "tests/docs/test_docs.py::test_the_examples_do_what_the_page_says[export]",
    "tests/docs/test_docs.py::test_the_examples_do_what_the_page_says[compare]",
    "tests/cornerman/test_ray.py",
    "tests/cornerman/test_opponents.py",
    "tests/episodes/test_web.py",
    "vllm",
    "tests/episodes/test_diambra.py",
    "tests/distill/test_school.py",
    "tests/cornerman/test_night_budget.py",
)


def group_of(test: str) -> str:
    """The group of a test, by its node id."""
    file = test.partition("::")[0]
    return SHARED.get(test) or SHARED.get(file) or (test if file == APART else file)


def place_of(test: str) -> int:
    """Where the group of a test stands among all: the first ones have small numbers."""
    group = group_of(test)
    return FIRST.index(group) if group in FIRST else len(FIRST)
