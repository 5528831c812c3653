"""Packages come into an environment by uv and by pip alike, from where pip is configured to look.

Invariants:
1. uv gets every setting of pip that changes what is installed; where it has none for one, or fails, pip does it.
2. What cannot be installed is one line with pip's reason.
3. An environment that was not filled to its end is not complete.
"""

import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import packages
from models.errors import BadInput

LISTED = """:env:.default-timeout='180'
:env:.find-links='/wheels /more'
global.cert='/certificates.pem'
global.extra-index-url='https://one/simple\\nhttps://two/simple'
global.find-links='/other'
global.index-url='https://all/simple'
global.no-index='false'
install.index-url='https://mine/simple'
freeze.exclude='x'
"""


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one package, which is all that there is."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with ZipFile(folder / "heaps-1.5-py3-none-any.whl", "w") as wheel:
        wheel.writestr("heaps.py", "SIZE = 15\n")
        wheel.writestr("heaps-1.5.dist-info/METADATA", "Metadata-Version: 2.1\nName: heaps\nVersion: 1.5\n")
        wheel.writestr("heaps-1.5.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("heaps-1.5.dist-info/RECORD", "heaps.py,,\n")
    for name in ("EXTRA_INDEX_URL", "INDEX_URL", "CONSTRAINT"):
        monkeypatch.delenv(f"PIP_{name}", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", f"{folder} {tmp_path / 'missing'}")
    return folder


@pytest.fixture(params=["uv", "pip"])
def installer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which of the two installs, alone."""
    if request.param == "pip":
        monkeypatch.setattr(packages, "_uv", lambda: None)
        return "pip"
    assert packages._uv() is not None, "make setup installs it"
    run = subprocess.run

    def without_pip(command: Sequence[str], **named: Any) -> Any:
        assert "--python" not in command[:4], "uv was to do it"
        return run(command, **named)

    monkeypatch.setattr("models.packages.subprocess.run", without_pip)
    return "uv"


def test_a_package_is_installed_once_and_its_environment_complete(installer: str, wheels: Path, tmp_path: Path) -> None:
    filled: list[Path] = []

    def fill(python: Path) -> None:
        packages.install(python, ["--no-deps", "heaps==1.5"])
        filled.append(python)

    said: list[str] = []
    for _ in range(2):
        python = packages.build(tmp_path / "own", "heaps 1.5", fill, said.append)
    assert filled == [python]
    assert said == [f"creating {tmp_path / 'own'}", *[f"{tmp_path / 'own'} is complete"] * 2]
    shown = subprocess.run([python, "-I", "-c", "import heaps; print(heaps.SIZE)"], capture_output=True, check=True)
    assert shown.stdout.strip() == b"15"
    packages.build(tmp_path / "own", "heaps 1.6", fill, said.append)
    assert len(filled) == 2


def test_what_cannot_be_installed_is_one_line_with_the_reason(wheels: Path, tmp_path: Path) -> None:
    def fill(python: Path) -> None:
        packages.install(python, ["heaps==1.6"])

    with pytest.raises(BadInput, match=r"^could not install heaps==1\.6: .*heaps==1\.6.*; see to it and try again$"):
        packages.build(tmp_path / "own", "heaps", fill, lambda text: None)
    assert not packages.complete(tmp_path / "own", "heaps")


def test_a_constraint_counts(wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "older.txt").write_text("heaps<1.5\n")
    monkeypatch.setenv("PIP_CONSTRAINT", str(tmp_path / "older.txt"))
    venv.create(tmp_path / "own")
    with pytest.raises(BadInput, match="could not install heaps"):
        packages.install(tmp_path / "own" / "bin" / "python", ["heaps"])


def test_where_uv_fails_pip_goes_on(wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "_uv", lambda: "/bin/false")
    venv.create(tmp_path / "own")
    packages.install(tmp_path / "own" / "bin" / "python", ["heaps"])
    assert list((tmp_path / "own").glob("lib/*/site-packages/heaps.py"))


def test_as_a_program_it_says_so_and_exits_with_2(wheels: Path) -> None:
    command = [sys.executable, "-m", "models.packages", "--dry-run", "no-such-heaps"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: could not install --dry-run no-such-heaps: ")
    assert len(done.stderr.splitlines()) == 1


def test_what_the_variables_say_goes_before_the_files() -> None:
    assert packages.settings_in(LISTED) == {
        "cert": ["/certificates.pem"],
        "extra-index-url": ["https://one/simple", "https://two/simple"],
        "find-links": ["/wheels", "/more"],
        "index-url": ["https://mine/simple"],
        "no-index": ["false"],
        "timeout": ["180"],
    }


def test_uv_is_told_the_same(tmp_path: Path) -> None:
    settings = packages.settings_in(LISTED) | {"find-links": [str(tmp_path), "/missing", tmp_path.as_uri()]}
    assert packages.for_uv(settings) == [
        "--index-url=https://mine/simple",
        "--extra-index-url=https://one/simple",
        "--extra-index-url=https://two/simple",
        f"--find-links={tmp_path}",
        f"--find-links={tmp_path.as_uri()}",
    ]
    assert packages.for_uv({"no-index": ["True"]}) == ["--no-index"]


@given(st.from_regex(r"[a-z]+(-[a-z]+){0,2}", fullmatch=True))
def test_a_setting_that_uv_is_not_told_leaves_it_to_pip(key: str) -> None:
    told = packages.for_uv({key: ["1"]}) is not None
    known = {*packages.SAME_FOR_UV, *packages.VARIABLES_OF_UV, *packages.NOTHING_FOR_UV, "no-index"}
    assert told == (key in known)
    assert packages.for_uv({key: ["1"], "only-binary": [":all:"]}) is None
