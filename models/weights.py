"""Digests of what decides how a model of this machine answers: the files of its folder, or the file of a script.

Each is computed once a process, for a folder may hold gigabytes. Knows nothing about what is in the files.
"""

import hashlib
from functools import lru_cache
from pathlib import Path

SHAPING = ("*.safetensors", "*.json", "*.jinja", "*.model")
"""Weights, configuration, chat template and tokenizer."""

WORD_LISTS = ("vocab.txt", "merges.txt")
"""Of tokenizers that are not in one file, ``tokenizer.json``."""

BLOCK = 1 << 20


def model_digest(folder: Path) -> str:
    """A hash of everything in ``folder`` that decides what the model says: the same model has it wherever it lies."""
    lists = () if (folder / "tokenizer.json").exists() else (folder / name for name in WORD_LISTS)
    return "+".join([folder_digest(folder), *(file_digest(file) for file in lists if file.exists())])


def folder_digest(folder: Path) -> str:
    """As ``model_digest``, without word lists: stores name students and their bases by it."""
    return _folder_digest(_stamps(sorted({file for pattern in SHAPING for file in folder.glob(pattern)})))


def file_digest(file: Path) -> str:
    """A hash of what ``file`` holds."""
    return _file_digest(_stamps([file]))


Stamps = tuple[tuple[Path, int, int], ...]
"""Files as they were when they were looked at: size in bytes and time of the last change in nanoseconds."""


def _stamps(files: list[Path]) -> Stamps:
    seen = ((file.absolute(), file.stat()) for file in files)
    return tuple((file, status.st_size, status.st_mtime_ns) for file, status in seen)


@lru_cache(maxsize=64)
def _folder_digest(files: Stamps) -> str:
    digest = hashlib.blake2b(digest_size=10)
    for file, size, _ in sorted(files, key=lambda stamp: stamp[0].name):
        digest.update(f"{file.name} {size}\n".encode())
        _read_into(digest, file)
    return digest.hexdigest()


@lru_cache(maxsize=64)
def _file_digest(files: Stamps) -> str:
    digest = hashlib.blake2b(digest_size=10)
    _read_into(digest, files[0][0])
    return digest.hexdigest()


def _read_into(digest: "hashlib.blake2b", file: Path) -> None:
    with file.open("rb") as content:
        while block := content.read(BLOCK):
            digest.update(block)
