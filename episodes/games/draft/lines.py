"""The lines of a file, plain or gzipped, in batches of about a megabyte: memory does not grow with the file.

Knows nothing about what the lines say.
"""

import zlib
from collections.abc import Callable, Iterator
from io import BufferedReader
from pathlib import Path

from models.errors import BadInput

CHUNK = 1 << 20
"""Bytes of text that are looked at together."""
_READ = 1 << 17
_GZIP = b"\x1f\x8b"


def read_lines(
    path: Path, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> Iterator[tuple[int, list[bytes]]]:
    """Batches of whole lines without their ends, each with the number of its first line, counted from 1.

    ``on_progress`` gets how many bytes of the file were read, and its size. Raises ``BadInput`` for a file that is not
    there, that is cut off in the middle of its compressed data, or that is damaged.
    """
    if not path.is_file():
        raise BadInput(f"there is no file {path}")
    total = path.stat().st_size
    number, rest = 1, b""
    with path.open("rb") as file:
        for chunk in _chunks(file, path):
            text = rest + chunk if rest else chunk
            end = text.rfind(b"\n") + 1
            if not end:
                rest = text
                continue
            rest = text[end:]
            whole = text[: end - 1]
            if b"\r" in whole:
                whole = whole.replace(b"\r\n", b"\n").removesuffix(b"\r")
            lines = whole.split(b"\n")
            yield number, lines
            number += len(lines)
            on_progress(file.tell(), total)
    if rest:
        yield number, [rest.removesuffix(b"\r")]
    on_progress(total, total)


def _chunks(file: BufferedReader, path: Path) -> Iterator[bytes]:
    if file.peek(2)[:2] == _GZIP:
        yield from _unzipped(file, path)
        return
    while chunk := file.read(CHUNK):
        yield chunk


def _unzipped(file: BufferedReader, path: Path) -> Iterator[bytes]:
    """The text of all members of a gzip file; such text packs up to a thousand times, so its size is bounded here."""
    unzip, data, rows = zlib.decompressobj(wbits=31), file.read(_READ), 0
    while data:
        try:
            text = unzip.decompress(data, CHUNK)
        except zlib.error as error:
            raise BadInput(f"{path} is damaged after row {rows} ({error}): download it again") from None
        if text:
            rows += text.count(b"\n")
            yield text
        if unzip.eof:
            data = unzip.unused_data.lstrip(b"\0") or file.read(_READ).lstrip(b"\0")
            if data:
                unzip = zlib.decompressobj(wbits=31)
        else:
            data = unzip.unconsumed_tail or file.read(_READ)
    if not unzip.eof:
        raise BadInput(f"{path} is cut off after row {rows}, in the middle of its gzip data: download it again")
