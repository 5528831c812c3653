"""The documentation is executed: every ```console and ```python example of README.md and docs/, page by page.

In a console example a line that begins with ``$ `` is run; every other line must appear in its output, in order, with
``…`` standing for anything. Each page runs in a folder of its own, from top to bottom. A block below a comment
``<!-- not executed: REASON -->`` is left out. A ```toml block is a configuration, unless it begins with the name of
another file as a comment: that file is then there for what follows. Links between pages must lead somewhere.
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from cornerman.commands import GROUPS, SINGLE
from cornerman.config import load_config

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(
    r"(?P<skip><!-- not executed: (?P<why>[^>]+) -->\n)?```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.S | re.M
)


@dataclass(frozen=True, slots=True)
class Block:
    """An example, with the line where it stands."""

    kind: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    """The examples of a page that are to be run."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(found["kind"], found["text"], text.count("\n", 0, found.start()) + 1)
        for found in BLOCK.finditer(text)
        if not found["skip"] and (found["kind"] in ("console", "python") or named_file(found["text"]))
    ]


def named_file(text: str) -> str | None:
    """The file that a block of a page is, if its first line says so and it is no configuration."""
    found = re.match(r"# (?!cornerman\.)([\w-]+\.toml)\n", text)
    return found[1] if found else None


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.stem)
def test_the_examples_do_what_the_page_says(page: Path, shell: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    for block in blocks(page):
        where = f"{page.name}:{block.line}"
        if block.kind == "toml":
            (folder / (named_file(block.text) or "")).write_text(block.text, encoding="utf-8")
            continue
        if block.kind == "python":
            run([sys.executable, "-c", block.text], folder, shell, where)
            continue
        for command, expected in commands(block.text):
            shown = run(["bash", "-c", command], folder, shell, f"{where}: {command}")
            assert_in_order(expected, shown, f"{where}: {command}")


def commands(text: str) -> list[tuple[str, list[str]]]:
    """Each command of a console block with the lines it should print."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found and found[-1][0].endswith("\\"):
            found[-1] = (found[-1][0] + "\n" + line, [])
        elif found and line.strip():
            found[-1][1].append(line.strip())
    return found


def run(command: list[str], folder: Path, shell: dict[str, str], where: str) -> str:
    done = subprocess.run(command, cwd=folder, env=shell, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{where}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def assert_in_order(expected: list[str], shown: str, where: str) -> None:
    left = [" ".join(line.split()) for line in shown.splitlines()]
    for line in expected:
        pattern = re.compile(".*".join(re.escape(part) for part in " ".join(line.split()).split("…")))
        at = next((n for n, printed in enumerate(left) if pattern.fullmatch(printed)), None)
        assert at is not None, f"{where}: nothing printed like {line!r} in\n{shown}"
        left = left[at + 1 :]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("https://", "http://")):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path) if path else page
        assert found.exists(), f"{page.name}: no {target}"
        if anchor and found.suffix == ".md":
            heads = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.M)
            assert anchor in {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}, target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_configuration_that_a_page_shows_is_valid(page: Path, tmp_path: Path) -> None:
    shown = [found["text"] for found in BLOCK.finditer(page.read_text(encoding="utf-8")) if found["kind"] == "toml"]
    for text in (text for text in shown if not named_file(text)):
        path = tmp_path / "cornerman.toml"
        path.write_text(text, encoding="utf-8")
        load_config(path)


def test_every_page_is_linked_from_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in PAGES[1:] if f"docs/{page.name}" not in text] == []


def test_every_command_that_the_pages_name_exists() -> None:
    known = set(SINGLE) | set(GROUPS)
    for page in PAGES:
        for command in re.findall(r"`cornerman ([a-z-]+)", page.read_text(encoding="utf-8")):
            assert command in known, f"{page.name}: cornerman {command}"


def test_the_harness_notices_what_is_not_printed() -> None:
    assert_in_order(["a … c", "d"], "x\na b c\nd\n", "here")
    with pytest.raises(AssertionError, match="nothing printed like"):
        assert_in_order(["d", "a … c"], "a b c\nd\n", "here")
