"""An adapter and its base become one model, and the proof that it says the same.

Everything is computed and written in float32: merged in half precision the difference would be a thousand times as
large. Knows nothing about students or stores.
"""

import errno
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.errors import BadInput
from models.templates import without_thoughts

PARITY = 1e-3
"""The largest difference between logits, in float32, that is still rounding: it grows with the adapter, and up to 1e-4
was seen. Merging in half precision gives 1e-2 and more, another model whole units."""


def write_merged(base: Path, adapter: Path, target: Path, *, temperature: float) -> None:
    """Write base + adapter to the new folder ``target``: weights, configuration, tokenizer, chat template.

    The generation configuration makes any server play as measured: greedy (the top token only) at ``temperature`` 0.
    Raises ``BadInput`` when the disk is full.
    """
    model, tokenizer = load_adapted(base, adapter)
    merged = model.merge_and_unload()
    merged.config.dtype = "float32"
    merged.generation_config = played_as_measured(merged.generation_config, temperature)
    if isinstance(tokenizer.chat_template, str):
        tokenizer.chat_template = without_thoughts(tokenizer.chat_template)
    try:
        target.mkdir(parents=True)
        merged.save_pretrained(str(target))
        tokenizer.save_pretrained(str(target))
    except OSError as problem:
        raise explained(problem, target) from problem


def played_as_measured(base: Any, temperature: float) -> Any:
    """A generation configuration that has the tokens of ``base`` and none of its other habits.

    Penalties and filters of the base would make a server's student another player than the one that was measured.
    """
    from transformers import GenerationConfig

    tokens = {name: getattr(base, name, None) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    return GenerationConfig(
        **{name: token for name, token in tokens.items() if token is not None},
        do_sample=True,
        top_k=0 if temperature > 0 else 1,
        top_p=1.0,
        temperature=temperature if temperature > 0 else 1.0,
        max_new_tokens=16,
    )


def explained(problem: OSError, target: Path) -> BadInput:
    """What went wrong with writing to ``target``, for the user."""
    if problem.errno == errno.ENOSPC:
        return BadInput(f"no space left for {target}: free some and run the same command again")
    return BadInput(f"{target} cannot be written: {problem.strerror or problem}")


def load_adapted(base: Path, adapter: Path) -> tuple[Any, Any]:
    """The base in float32 with the adapter beside it (not merged), and the tokenizer."""
    from peft import PeftModel
    from transformers import AutoTokenizer

    model = load_plain(base)
    adapted = PeftModel.from_pretrained(model, str(adapter), use_safetensors=True).eval()
    return adapted, AutoTokenizer.from_pretrained(str(base), local_files_only=True, trust_remote_code=False)


def load_plain(folder: Path) -> Any:
    """A causal model from ``folder`` in float32, for evaluation."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    return AutoModelForCausalLM.from_pretrained(
        str(folder), use_safetensors=True, dtype=torch.float32, local_files_only=True, trust_remote_code=False
    ).eval()


def parity(expected: Any, found: Any, prompts: Sequence[Sequence[int]]) -> float:
    """The largest absolute difference between two models' logits over all positions of all ``prompts``."""
    import torch

    worst = 0.0
    with torch.inference_mode():
        for prompt in prompts:
            ids = torch.tensor([list(prompt)])
            difference = (expected(ids).logits - found(ids).logits).abs().max().item()
            worst = max(worst, difference)
    return worst
