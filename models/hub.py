"""Where a model lies on disk: the rookie, a folder, or a name on the Hugging Face hub, fetched once.

Knows nothing about loading it.
"""

from pathlib import Path

from models.errors import BadInput
from models.local import check_folder

ROOKIE = Path(__file__).with_name("rookie")

FETCHED = ("*.safetensors", "*.json", "*.jinja", "*.model", "tokenizer*", "*.txt")
"""Weights in safetensors, configuration and tokenizer; no pickles and no code."""


def model_folder(name: str) -> Path:
    """The folder of ``rookie``, of a path, or of OWNER/NAME on the hub.

    Raises ``BadInput`` where there is no such model, or it holds pickles or code of its own.
    """
    if name == "rookie":
        folder = ROOKIE
    elif (path := Path(name).expanduser()).is_dir():
        folder = path
    elif name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise BadInput(f"no model {name!r}: give rookie, a folder, or a name on the Hugging Face hub (OWNER/NAME)")
    else:
        folder = _fetched(name)
    check_folder(folder)
    return folder


def _fetched(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=list(FETCHED)))
    except (HfHubHTTPError, LocalEntryNotFoundError, HFValidationError) as problem:
        reason = str(problem).strip().splitlines()[0]
        raise BadInput(f"cannot fetch {name!r} from the Hugging Face hub: {reason}") from None
