"""What follows from the size and the make of a model of transformers: its precision, its threads, what its layers keep.

Knows nothing about requests.
"""

import inspect
import math
from functools import cache
from typing import Any

SMALL = 100_000_000
"""Parameters below which a model on a CPU computes in float64, and ``auto`` is a CPU."""

LARGE = 1_000_000_000
"""Parameters from which on a model on a CPU keeps its own precision: float32 would take twice its memory."""


def precision_for(parameters: int, device: str, *, bfloat16: bool) -> str | None:
    """The precision that suits a model of this size on a device; ``None`` for its own.

    ``bfloat16``: whether the GPU has it. Processors that have it are half to three quarters faster with it, and it is
    not for them: which of two moves is better would then depend on what else is asked at that moment.
    """
    if device == "cpu":
        return "float32" if parameters < LARGE else None
    if parameters < SMALL:
        return "float32"
    return "bfloat16" if bfloat16 else None


@cache
def all_threads() -> int:
    """How many threads torch takes by itself; asked before a small model has it take one."""
    import torch

    return torch.get_num_threads()


def kept_of_a_token(config: Any) -> int:
    """How many numbers the keys and values of one token are."""
    heads = config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // heads
    return int(2 * config.num_hidden_layers * (getattr(config, "num_key_value_heads", None) or heads) * size)


def seen_whole(model: Any) -> float | None:
    """Up to how many tokens every layer sees them all, so that a mask of ours says what they see; ``None`` for models
    that keep other things than keys and values, or whose positions are not told."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

    layers = DynamicCache(config=model.config).layers
    told = "position_ids" in inspect.signature(model.forward).parameters and not getattr(model.config, "alibi", False)
    if not told or not layers or any(type(layer) not in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers):
        return None
    return min(getattr(layer, "sliding_window", math.inf) for layer in layers)


def keep_float64(model: Any) -> None:
    """Make Llama's normalisation compute in the input's precision: transformers' own goes through float32."""
    from torch.nn import functional
    from transformers.models.llama.modeling_llama import LlamaRMSNorm

    def forward(norm: Any) -> Any:
        size, weight, eps = tuple(norm.weight.shape), norm.weight, norm.variance_epsilon
        return lambda hidden: functional.rms_norm(hidden, size, weight, eps)

    for module in model.modules():
        if isinstance(module, LlamaRMSNorm):
            module.forward = forward(module)
