"""Files and folders that are there whole or not at all, however the program that writes them ends.

What is new is made beside its place, reaches the disk, and is renamed: a reader sees the old content or the new, never
a half. Knows nothing about what is written.
"""

import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.errors import BadInput


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path to write to; what is there at the end takes the place of ``path``, and nothing does if the body fails.

    Links are followed and the permissions of an older file kept. What is no file, such as ``/dev/stdout``, cannot be
    replaced and is written to directly. Raises ``BadInput`` where there is no folder for it, or a folder is in its
    place.
    """
    if path.is_dir():
        raise BadInput(f"{path} is a folder: name a file, or move the folder away")
    if path.exists() and not path.is_file():
        yield path
        return
    place = path.resolve()
    if not place.parent.is_dir():
        raise BadInput(f"there is no folder {path.parent}: make it first")
    part = _beside(place)
    try:
        yield part
        if place.exists():
            shutil.copymode(place, part)
        _to_disk(part)
        part.replace(place)
    except OSError as error:
        if error.filename == str(part):
            error.filename = str(path)  # the name that the user knows
        raise
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8 so that a reader sees the old file or the new one, never a half."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A path to make a folder at; at the end it becomes ``path``, and nothing does if the body fails.

    Links are followed. An older folder makes room first. Who is killed between these two renames leaves it under
    another name, from which ``recover_folder`` brings it back. Raises ``BadInput`` where a file is in its place.
    """
    place = path.resolve()
    recover_folder(place)
    if place.exists() and not place.is_dir():
        raise BadInput(f"{path} is a file: name a folder, or move the file away")
    part, old = _beside(place), _old(place)
    try:
        yield part
        for file in part.rglob("*"):
            if file.is_file():
                _to_disk(file)
        if place.is_dir() and any(place.iterdir()):
            place.rename(old)
        part.rename(place)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        recover_folder(place)


def recover_folder(path: Path) -> None:
    """Bring back a folder that was to be replaced when the writer was killed; remove what a new one left of it."""
    place = path.resolve()
    old = _old(place)
    if place.exists():
        shutil.rmtree(old, ignore_errors=True)
    elif old.exists():
        old.rename(place)


def _old(path: Path) -> Path:
    return path.with_name(f".{path.name}.old")


def _beside(place: Path) -> Path:
    """A name in the folder of ``place`` for what becomes it; what killed writers left there is removed."""
    for left in place.parent.glob(f".{glob.escape(place.name)}.*.part"):
        writer = left.name.removesuffix(".part").rpartition(".")[2]
        if writer.isdecimal() and not _alive(int(writer)):
            _remove(left)
    part = place.with_name(f".{place.name}.{os.getpid()}.part")
    _remove(part)
    return part


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    """Wait until the content is on the disk: after a power cut a rename may be there and what was written not."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
