"""Rules about where code stands that no linter knows."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]

REPOSITORIES = {
    *(str(path.relative_to(ROOT)) for path in (ROOT / "episodes" / "store").glob("*.py")),
    "prompts/library.py",
    "prompts/aliases.py",
    "reflect/rows.py",
    "optimize/comparison_store.py",
    "distill/rows.py",
    "cornerman/report/queries.py",
    "cornerman/colosseum/queries.py",
    # Not the store: the prepared form of a draft file is an SQLite file of its own, written and read only there.
    "episodes/games/draft/prepared.py",
}
"""The files that may speak SQL."""

SQL = re.compile(
    r"\s*(select\s.+\sfrom\s|select\s+(1|count|\?)|insert\s+(or\s+\w+\s+)?into\s|replace\s+into\s|"
    r"update\s+(\w+|\{\})\s+set\s|delete\s+from\s|(create|drop)\s+(temp\s+)?(table|index|view|trigger)\s|"
    r"alter\s+table\s|pragma\s+\w|begin\s+(immediate|exclusive)|with\s+\w+\s+as\s*\()",
    re.IGNORECASE | re.DOTALL,
)
CALLS = {"execute", "executemany", "executescript", "query"}


def sources() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def text_of(node: ast.AST) -> str | None:
    """The text of a string; what an f-string fills in is ``{}``."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) or "{}" for part in node.values)
    return None


def speaks_sql(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of every statement and of every call that runs one; what stands alone is prose."""
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        text = None if id(node) in prose else text_of(node)
        if text is not None and SQL.match(text):
            yield node.lineno, text.strip()[:40]  # type: ignore[attr-defined]  # every node with a text has a line
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CALLS:
            yield node.lineno, ast.unparse(node.func)


def test_sql_is_in_repositories_only() -> None:
    found = {str(path.relative_to(ROOT)): list(speaks_sql(ast.parse(path.read_text()))) for path in sources()}
    speakers = {path for path, lines in found.items() if lines}
    strangers = [f"{path}:{line}: {text}" for path in sorted(speakers - REPOSITORIES) for line, text in found[path]]
    assert not strangers, "give a repository a function that returns typed rows"
    assert {path for path in REPOSITORIES if not path.startswith("episodes/store/")} <= speakers, "needless exemptions"


@pytest.mark.parametrize(
    "code",
    [
        'rows = db.query("")',
        "connection.executemany(statement, rows)",
        'found = f"select {columns} from students where id = ?"',
        'Q = """\nselect id\nfrom nights\n"""',
        'x = "insert or ignore into texts values (?)"',
        'x = f"update {table} set a = 1"',
        'x = "delete from steps where key = ?"',
        'x = "create temp table t (a)"',
    ],
)
def test_sql_is_recognised(code: str) -> None:
    assert list(speaks_sql(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        '"""select the best from all"""',
        "x = urlsplit(url).query",
        'say("update your configuration: set a limit")',
        'say("with a model as coach")',
        'note("insert a coin")',
    ],
)
def test_prose_is_not_sql(code: str) -> None:
    assert not list(speaks_sql(ast.parse(code)))
