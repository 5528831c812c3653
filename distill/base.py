"""What identifies a base model, and how large it is. Knows nothing about training."""

import hashlib
import math
from pathlib import Path


def base_digest(folder: Path) -> str:
    """A hash of everything in ``folder`` that decides what the model says: the same model has it wherever it lies."""
    digest = hashlib.blake2b(digest_size=10)
    files = {file for pattern in ("*.safetensors", "*.json", "*.jinja", "*.model") for file in folder.glob(pattern)}
    for file in sorted(files, key=lambda file: file.name):
        digest.update(f"{file.name} {file.stat().st_size}\n".encode())
        with file.open("rb") as content:
            while block := content.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def parameters(folder: Path) -> int:
    """How many weights the model in ``folder`` has, read from the headers of its safetensors files."""
    from safetensors import safe_open

    total = 0
    for file in folder.glob("*.safetensors"):
        with safe_open(str(file), framework="np") as content:
            for name in content.keys():  # noqa: SIM118 (not a mapping)
                total += math.prod(content.get_slice(name).get_shape())
    return total
