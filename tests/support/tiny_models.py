"""Untrained models of a few thousand parameters, with tokenizers of the two common makes; they say anything."""

from pathlib import Path
from typing import Any, Literal

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

Make = Literal["bytes", "pieces"]
"""Byte-level tokens, as of Llama 3, Qwen and SmolLM, or pieces of words with bytes for the rest, as of Llama 2."""

TEXTS = ["jab; heavy if landed; guard if blocked", "advance", "throw if distance=touching", "Legal moves: jab, guard."]
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
OPENED = CHATML.replace("assistant\n", "assistant\n<think>\n")
"""As of models that always think: the template opens the thought."""
HYBRID = CHATML + "{# <think> #}"
"""As of models that think if they like: the template only knows of it."""
SPECIAL = ["<|end|>", "<|im_start|>", "<|im_end|>"]


def tiny_model(folder: Path, make: Make = "bytes", template: str = CHATML, seed: int = 1) -> Path:
    """A folder with an untrained Llama whose answers differ."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=_bytes() if make == "bytes" else _pieces(), eos_token="<|im_end|>"
    )
    tokenizer.add_special_tokens({"additional_special_tokens": SPECIAL})
    tokenizer.chat_template = template
    torch.manual_seed(seed)
    size: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    size |= {"num_attention_heads": 4, "max_position_embeddings": 2048, "initializer_range": 0.5}
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), eos_token_id=end, **size))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _bytes() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(TEXTS * 5, trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet))
    return tokenizer


def _pieces() -> Tokenizer:
    letters = [*"abcdefghijklmnopqrstuvwxyz;=:,.", "▁"]
    merges = [("▁", "j"), ("▁j", "a"), ("▁ja", "b"), ("i", "f"), ("▁", "if"), ("a", "r"), ("▁", "f")]
    tokens = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), *letters, *("".join(pair) for pair in merges)]
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    strip = decoders.Strip(" ", 1, 0)
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), strip])
    return tokenizer
