"""Where a model lies on disk: the rookie, smollm2, a folder, a GGUF file, or a name on the Hugging Face hub.

Knows nothing about loading it.
"""

from collections.abc import Callable
from pathlib import Path

from models.errors import BadInput
from models.gguf import gguf_folder
from models.local import check_folder
from models.smollm2 import smollm2_file

ROOKIE = Path(__file__).with_name("rookie")

FETCHED = ("*.safetensors", "*.json", "*.jinja", "*.model", "tokenizer*", "*.txt")
"""Weights in safetensors, configuration and tokenizer; no pickles and no code."""


def model_folder(name: str, say: Callable[[str], None] = lambda text: None) -> Path:
    """The folder of ``rookie``, of ``smollm2``, of a path (of a GGUF file too), or of OWNER/NAME on the hub.

    ``say`` hears of what takes its time. Raises ``BadInput`` where there is no such model, or it holds pickles or code
    of its own.
    """
    path = Path(name).expanduser()
    if name == "rookie":
        folder = ROOKIE
    elif name == "smollm2":
        folder = gguf_folder(smollm2_file(), say)
    elif path.is_dir():
        folder = path
    elif path.is_file():
        folder = gguf_folder(path, say)
    elif name.count("/") != 1 or name.startswith((".", "/", "~")) or path.suffix == ".gguf":
        raise BadInput(
            f"no model {name!r}: give rookie, smollm2, a folder, a GGUF file, or a name on the Hugging Face hub "
            "(OWNER/NAME)"
        )
    else:
        folder = _fetched(name)
    check_folder(folder)
    return folder


def lies_here(name: str) -> bool:
    """Whether ``name`` is of a model on this machine, and not one of the hub."""
    return name in ("rookie", "smollm2") or Path(name).expanduser().exists()


def _fetched(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=list(FETCHED)))
    except (HfHubHTTPError, LocalEntryNotFoundError, HFValidationError) as problem:
        reason = str(problem).strip().splitlines()[0]
        raise BadInput(f"cannot fetch {name!r} from the Hugging Face hub: {reason}") from None
