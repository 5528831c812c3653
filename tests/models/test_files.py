"""A reader sees the old content or the new, wherever the writer is killed."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from models.errors import BadInput
from models.files import recover_folder, whole_file, whole_folder, write_whole

OLD, NEW = "old " * 1000, "new " * 2000


class Killed(BaseException):
    """What ends the program in these tests: nothing in the code under test catches it."""


STEPS = [(os, "fsync"), (os, "rename"), (os, "replace"), (os, "unlink"), (os, "chmod"), (Path, "write_text")]
"""Every way in which a writer changes what is on the disk."""
KILLS = [(step, after) for step in range(1, 10) for after in (False, True)]


@contextmanager
def killed_at(step: int, *, after: bool) -> Iterator[None]:
    """From step number ``step`` on nothing works, that step before or ``after`` it took effect; a text is then half
    written. What runs in a ``finally`` fails as well: in a process that is gone it would not run at all."""
    count = 0

    def dying(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(first: object, *more: str, **options: object) -> object:
            nonlocal count
            count += 1
            if count == step and after:
                real(first, *(text[: len(text) // 2] if name == "write_text" else text for text in more), **options)
            if count >= step:
                raise Killed
            return real(first, *more, **options)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for owner, name in STEPS:
            patch.setattr(owner, name, dying(name, getattr(owner, name)))
        with suppress(Killed):
            yield


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("there", [True, False])
def test_a_file_is_the_old_one_or_the_new_one(tmp_path: Path, there: bool) -> None:
    path, seen = tmp_path / "page.html", set()
    for step, after in KILLS:
        path.unlink(missing_ok=True)
        if there:
            path.write_text(OLD)
        with killed_at(step, after=after):
            write_whole(path, NEW)
        seen.add(path.read_text() if path.exists() else None)
        write_whole(path, NEW)
        assert names(tmp_path) == ["page.html"], "the next writer leaves nothing of the killed one"
    assert seen == {OLD if there else None, NEW}


def test_a_folder_is_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    path, seen = tmp_path / "model", set()

    def write(text: str) -> None:
        with whole_folder(path) as fresh:
            fresh.mkdir()
            for name in ("a", "b"):
                (fresh / name).write_text(text)

    for step, after in KILLS:
        write(OLD)
        with killed_at(step, after=after):
            write(NEW)
        recover_folder(path)
        seen.add(tuple(file.read_text() for file in sorted(path.iterdir())))
        write(NEW)
        assert names(tmp_path) == ["model"]
    assert seen == {(OLD, OLD), (NEW, NEW)}


def test_a_body_that_fails_changes_nothing(tmp_path: Path) -> None:
    file, folder = tmp_path / "file", tmp_path / "folder"
    file.write_text(OLD)
    with pytest.raises(ValueError, match="half"), whole_file(file) as part:
        part.write_text("a half")
        raise ValueError("half")
    with pytest.raises(ValueError, match="half"), whole_folder(folder) as fresh:
        fresh.mkdir()
        (fresh / "a").write_text("a half")
        raise ValueError("half")
    assert file.read_text() == OLD
    assert names(tmp_path) == ["file"]


def test_what_killed_writers_left_goes_and_what_others_write_stays(tmp_path: Path) -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    dead, alive = int(gone.stdout), os.getppid()
    for name in (f".a[1].{dead}.part", f".a[1].{alive}.part", f".b.{dead}.part"):
        (tmp_path / name).write_text("a half")
    write_whole(tmp_path / "a[1]", NEW)
    assert names(tmp_path) == sorted([f".a[1].{alive}.part", f".b.{dead}.part", "a[1]"])


def test_a_link_and_the_permissions_stay(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    real, link = tmp_path / "elsewhere" / "real.toml", tmp_path / "link.toml"
    real.write_text(OLD)
    real.chmod(0o640)
    link.symlink_to(real)
    write_whole(link, NEW)
    assert link.is_symlink()
    assert real.read_text() == NEW
    assert real.stat().st_mode & 0o777 == 0o640


def test_a_folder_is_replaced_where_a_link_leads(tmp_path: Path) -> None:
    real, link = tmp_path / "elsewhere" / "model", tmp_path / "model"
    real.mkdir(parents=True)
    link.symlink_to(real)
    for text in (OLD, NEW):
        with whole_folder(link) as fresh:
            fresh.mkdir()
            (fresh / "a").write_text(text)
        assert link.is_symlink()
        assert (real / "a").read_text() == text
        assert names(tmp_path) + names(real.parent) == ["elsewhere", "model", "model"]
    real.rename(real.with_name(".model.old"))
    recover_folder(link)
    assert (real / "a").read_text() == NEW, "as the writer leaves it that is killed between the renames"


def test_what_is_no_file_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    write_whole(Path(os.devnull), NEW)
    assert Path(os.devnull).is_char_device()
    reader, writer = os.pipe()
    write_whole(Path(f"/dev/fd/{writer}"), "through a pipe")
    os.close(writer)
    with open(reader, encoding="utf-8") as found:  # noqa: PTH123 (a descriptor has no path)
        assert found.read() == "through a pipe"


def test_places_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no folder"):
        write_whole(tmp_path / "missing" / "a", NEW)
    with pytest.raises(BadInput, match="is a folder"):
        write_whole(tmp_path, NEW)
    (tmp_path / "a").write_text(OLD)
    with pytest.raises(BadInput, match="is a file"), whole_folder(tmp_path / "a"):
        raise AssertionError("found out before anything is made")
    with pytest.raises(OSError, match="page") as found:
        write_whole(Path("/proc/page.html"), NEW)  # a folder that not even root writes to
    assert found.value.filename == "/proc/page.html", "the name that the user gave"
