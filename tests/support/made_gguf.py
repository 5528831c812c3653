"""Small GGUF files, written as llama.cpp's own converter writes them, from models that transformers made."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
DOUBLE = ("Ċ", "Ċ", "ĊĊ")
"""The one pair of bytes that is one token: two line breaks."""


def tiny_llama(seed: int = 1) -> Any:
    """An untrained Llama of two layers, whose heads share keys and values in pairs."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(words()),
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        eos_token_id=0,
    )
    return LlamaForCausalLM(config).eval()


def words() -> list[str]:
    """A vocabulary of bytes, spelled as GPT-2 spells them."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    return [*SPECIAL, *bytes_to_unicode().values(), DOUBLE[2]]


def write_gguf(model: Any, file: Path, *, quantized: str = "F32", **said: Any) -> Path:
    """Write ``model`` to ``file``; ``said`` changes what its head says (dots as ``__``), ``None`` leaves it out."""
    import gguf

    writer = gguf.GGUFWriter(str(file), "llama")
    for key, value in _head(model, {key.replace("__", "."): value for key, value in said.items()}).items():
        kinds: dict[type, Callable[[str, Any], None]] = {
            str: writer.add_string,
            int: writer.add_uint32,
            float: writer.add_float32,
            list: writer.add_array,
        }
        kinds[type(value)](key, value)
    heads, shared = model.config.num_attention_heads, model.config.num_key_value_heads
    kind = gguf.GGMLQuantizationType[quantized]
    for name, value in model.state_dict().items():
        if name == "lm_head.weight":
            continue
        weight = value.numpy()
        if "q_proj" in name or "k_proj" in name:
            weight = _turned(weight, heads if "q_proj" in name else shared)
        if weight.ndim == 2:
            writer.add_tensor(_name(name), gguf.quantize(weight, kind), raw_dtype=kind)
        else:
            writer.add_tensor(_name(name), weight.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def _head(model: Any, said: dict[str, Any]) -> dict[str, Any]:
    config, vocabulary = model.config, words()
    head: dict[str, Any] = {
        "general.architecture": None,  # the writer's own
        "general.name": "tiny",
        "general.file_type": 0,
        "llama.context_length": config.max_position_embeddings,
        "llama.embedding_length": config.hidden_size,
        "llama.block_count": config.num_hidden_layers,
        "llama.feed_forward_length": config.intermediate_size,
        "llama.attention.head_count": config.num_attention_heads,
        "llama.attention.head_count_kv": config.num_key_value_heads,
        "llama.attention.layer_norm_rms_epsilon": float(config.rms_norm_eps),
        "llama.rope.dimension_count": config.hidden_size // config.num_attention_heads,
        "llama.rope.freq_base": 10000.0,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "smollm",
        "tokenizer.ggml.tokens": vocabulary,
        "tokenizer.ggml.token_type": [3] * len(SPECIAL) + [1] * (len(vocabulary) - len(SPECIAL)),
        "tokenizer.ggml.merges": [" ".join(DOUBLE[:2])],
        "tokenizer.ggml.eos_token_id": 0,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.chat_template": CHATML,
    }
    return {key: value for key, value in (head | said).items() if value is not None}


def _turned(weight: Any, heads: int) -> Any:
    """Rows in llama.cpp's order of rotary halves."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns).copy()


def _name(name: str) -> str:
    parts = {
        "model.embed_tokens": "token_embd",
        "model.norm": "output_norm",
        "model.layers": "blk",
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
    }
    for ours, theirs in parts.items():
        name = name.replace(ours, theirs)
    return name
