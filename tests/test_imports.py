"""No two files of a package import each other in a circle, be it for types only or inside a function."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("models", "episodes", "prompts", "reflect", "optimize", "distill", "cornerman")


def modules(package: str) -> dict[str, Path]:
    """Every file by its module's name."""
    found = {}
    for path in (ROOT / package).rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(source: str, known: set[str]) -> set[str]:
    """The modules among ``known`` that ``source`` imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (inside & known) or {node.module}
    return found & known


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules of which each leads to every other."""
    reach = {name: reached(graph, name) for name in graph}
    groups = {tuple(sorted(other for other in reach[name] if name in reach[other])) for name in graph}
    return [list(group) for group in sorted(groups) if group]


def reached(graph: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = [*graph[start]]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += graph[name]
    return found


def circles_in(package: str) -> list[list[str]]:
    files = modules(package)
    return circles({name: imports(path.read_text(), set(files)) for name, path in files.items()})


def test_circles_are_found_wherever_the_import_stands() -> None:
    sources = {
        "p.one": "from p import two",
        "p.two": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p.three import Thing",
        "p.three": "def late():\n    import p.one",
        "p.four": "from p.one import thing\nimport json",
    }
    graph = {name: imports(source, set(sources)) for name, source in sources.items()}
    assert graph == {"p.one": {"p.two"}, "p.two": {"p.three"}, "p.three": {"p.one"}, "p.four": {"p.one"}}
    assert circles(graph) == [["p.one", "p.three", "p.two"]]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_circles(package: str) -> None:
    assert circles_in(package) == []
