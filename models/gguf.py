"""GGUF files, the form of llama.cpp, as folders that transformers reads: converted once, into the user's cache.

A folder is named by the digest of its file, so a file that moves or is renamed is not converted again. Weights keep
their precision where it is that of a folder (float32, float16); what is quantised becomes bfloat16, half the size of
float32: rounding to it changes a weight by a five-hundredth at most, quantising to four bits by a thirtieth of its
block's range. Knows nothing about loading what it wrote.
"""

import fcntl
import io
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

from models.errors import BadInput
from models.files import whole_folder
from models.weights import file_digest

EDITION = 2
"""Of the conversion: folders of another are not used."""

PLAIN = {0: "float32", 1: "float16"}
"""Precisions by ``general.file_type``; all other types are quantised, or bfloat16."""

DIGITS_APART = frozenset({"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"})
"""Ways of splitting a text (``tokenizer.ggml.pre``) that part digits before anything else, which transformers does not
know: it would cut "\\n\\n1" in other places than the model has learned."""

AS_GPT2 = frozenset({"", "default", "gpt-2", "gpt2", "phi-2", "olmo", "mpt", "jais", "gigachat", "mellum"})
"""Ways of splitting that are GPT-2's own, or that name none."""


ELSEWHERE = "llama.cpp may serve it, as llamacpp:NAME"


def cache() -> Path:
    """The folder for what can be made again at any time."""
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".cache") / "cornerman"


def gguf_folder(file: Path, say: Callable[[str], None] = lambda text: None) -> Path:
    """The folder with the model of ``file``; the first call of all makes it, and says so: from seconds to minutes.

    Safe against other processes that do the same. Raises ``BadInput`` for a file that is broken, holds no chat model,
    or one that transformers does not know.
    """
    folder = cache() / "gguf" / f"{file_digest(file)}-{EDITION}"
    if not folder.is_dir():
        with alone(folder):
            if not folder.is_dir():
                with whole_folder(folder) as fresh:
                    _convert(file, fresh, say)
    return folder


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Only one process at a time is in the body for ``folder``, which need not exist."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _convert(file: Path, target: Path, say: Callable[[str], None]) -> None:
    """Write the model of ``file`` to the new folder ``target``."""
    metadata = _metadata(file)
    say(f"{file.name} is converted once, into {target.parent}")
    # Only now: what follows takes seconds to import, and a broken file does not need it.
    import torch
    from safetensors import SafetensorError
    from transformers import AutoConfig, AutoModelForCausalLM, GgufConfig, PreTrainedTokenizerFast
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    source: dict[str, Any] = {"pretrained_model_name_or_path": str(file.parent.absolute()), "gguf_file": file.name}
    precision = getattr(torch, PLAIN.get(metadata.get("general.file_type", -1), "bfloat16"))
    try:
        with redirect_stderr(io.StringIO()):  # where progress is shown, whatever was asked for
            tokenizer = PreTrainedTokenizerFast.from_pretrained(**source)
            config = AutoConfig.from_pretrained(**source)
            model, loaded = AutoModelForCausalLM.from_pretrained(
                **source,
                config=config,
                dtype=precision,
                quantization_config=GgufConfig(dequantize=True),
                output_loading_info=True,
            )
    except Exception as problem:  # of broken bytes a parser may think anything
        raise _unreadable(file, f"{str(problem) or type(problem).__name__}; {ELSEWHERE}") from None
    if missing := sorted(loaded["missing_keys"]):  # transformers makes up what is missing
        raise _unreadable(file, f"it has no {missing[0]}, and {len(missing) - 1} other weights are missing")
    _split_as_learned(tokenizer, str(metadata.get("tokenizer.ggml.pre", "")), file)
    # What is saved is a model like any other; with these transformers takes it for a packed one.
    model.hf_quantizer = None
    vars(model.config).pop("quantization_config", None)
    ends = _ends(tokenizer, metadata, file)
    model.generation_config.eos_token_id = ends[0] if len(ends) == 1 else ends
    target.mkdir()
    try:
        model.save_pretrained(str(target))
        tokenizer.save_pretrained(str(target))
    except (OSError, SafetensorError) as problem:
        raise BadInput(
            f"{file} could not be converted into {cache()}: {problem}; set XDG_CACHE_HOME for another"
        ) from None


def _metadata(file: Path) -> Mapping[str, Any]:
    """What the head of ``file`` says of the model; raises ``BadInput`` where it cannot be a whole chat model."""
    try:
        import gguf  # noqa: F401 (what transformers reads such files with)
        from transformers.integrations.gguf.reader import GgufHeader, read_gguf_metadata
    except ImportError as missing:
        raise _unreadable(
            file, f"{missing.name} is missing: run `make setup` or pip install 'cornerman[distill]'"
        ) from None
    try:
        metadata: dict[str, Any] = read_gguf_metadata(str(file))[0]
        tensors = GgufHeader.from_file(str(file))
    except Exception as problem:  # of broken bytes a parser may think anything
        raise _unreadable(file, str(problem) or type(problem).__name__) from None
    end = tensors.data_start + max((one.offset + one.nbytes for one in tensors.tensors), default=0)
    if metadata.get("split.count", 0) > 1:
        raise _unreadable(file, "it is one part of several: join them first, with `llama-gguf-split --merge`")
    if file.stat().st_size < end:
        raise _unreadable(file, f"it is cut short, with {file.stat().st_size} of {end} bytes: fetch it again")
    if not isinstance(metadata.get("tokenizer.chat_template"), str):
        raise _unreadable(file, "it has no chat template, so it is no chat model")
    return metadata


def _split_as_learned(tokenizer: Any, way: str, file: Path) -> None:
    """Make ``tokenizer`` split texts in the way that the file names; raises ``BadInput`` for one that is not known."""
    from tokenizers import pre_tokenizers
    from transformers.integrations.gguf.gguf_tokenizer_mapping import GGUF_PRE_TOKENIZER_SPLITS

    backend = tokenizer.backend_tokenizer
    if not isinstance(backend.pre_tokenizer, pre_tokenizers.ByteLevel) or way in AS_GPT2:
        return
    if way in DIGITS_APART:
        digits = pre_tokenizers.Digits(individual_digits=True)
        backend.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    elif way not in GGUF_PRE_TOKENIZER_SPLITS:
        raise _unreadable(file, f"how it splits texts into tokens, {way!r}, is not known here; {ELSEWHERE}")


def _ends(tokenizer: Any, metadata: Mapping[str, Any], file: Path) -> list[int]:
    """The tokens that end an answer: those that the file names, and the one that the chat template writes after one."""
    from jinja2 import TemplateError

    named = (metadata.get(f"tokenizer.ggml.{kind}_token_id") for kind in ("eos", "eot", "eom"))
    found = [token for token in named if isinstance(token, int)]
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    try:
        asked = tokenizer.apply_chat_template(turns[:1], add_generation_prompt=True, return_dict=False)
        whole = tokenizer.apply_chat_template(turns, return_dict=False)
    except TemplateError as problem:
        raise _unreadable(file, f"its chat template refuses a question and an answer: {problem}") from None
    control = {token for token, added in tokenizer.added_tokens_decoder.items() if added.special}
    after = [token for token in whole[len(asked) :] if token in control]
    return list(dict.fromkeys([*found, *after[:1]]))


def _unreadable(file: Path, reason: str) -> BadInput:
    return BadInput(f"{file} cannot be used: {' '.join(reason.split())[:300]}")
