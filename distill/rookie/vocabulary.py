"""The rookie's words: its tokenizer and chat template.

Whole words for everything that duel's rules, situations and base texts say; single characters for any other text.
Knows nothing about how rules are drawn or learned.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from episodes.games.duel.words import FEATURES, MOVES

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PAD, UNKNOWN, BEGIN, SYSTEM, USER, ASSISTANT, END = SPECIAL = (
    "<pad>",
    "<unk>",
    "<s>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|end|>",
)

CONTEXT = 512
"""Tokens that fit: twice the longest prompt that a night may write, and then some turns."""

CHAT_TEMPLATE = (
    "{{ '<s>' }}"
    "{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ '<|system|>' + message['content'] + '<|end|>' }}"
    "{% elif message['role'] == 'user' %}{{ '<|user|>' + message['content'] }}"
    "{% elif message['role'] == 'assistant' %}"
    "{{ '<|assistant|>' }}{% generation %}{{ message['content'] + '<|end|>' }}{% endgeneration %}"
    "{% else %}{{ raise_exception('the rookie knows the roles system, user and assistant') }}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)

# Words of the rules, wordings and base texts that the rookie is trained on.
_LESSON_WORDS = """
    - . , : a air always and are choose decides duel field fireball first fits follow if is last meter move opponent
    otherwise play rule rules that the then these use was were when whenever you your distance wall shot health
"""

# Words that a person may well write into a rule.
_OTHER_WORDS = """
    a about act action after again against agent air all always am an and answer any are as at attack avoid away
    back base be because before best better block but by can case choose close coach condition could counter
    decide defend do does down duel each else end enemy every field fight fighter first fit fits follow for from
    game get give go good ground has have he her high him his hit hold how i if in into is it its keep key know last
    left less lose low make many may me might more most move much must my near never next no nor not now of off
    often on once one only opponent or other otherwise out over own play player possible pressure prefer punish put
    range reply right round rule rules s safe say see seen should side since situation so some stay step still stop
    strong system t take tactic than that the their them then there they this through to too try turn two under
    these decides
    unless until up use used user very wait was way weak well were what when whenever where which while who whose
    why will win with without word would you your
"""
_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_PIECE = re.compile(r"\w+|[^\w\s]")


def lesson_words() -> list[str]:
    """The tokens that lessons are made of, the special ones first: the first ones of the vocabulary."""
    values = (value for values in FEATURES.values() for value in values)
    return list(dict.fromkeys((*SPECIAL, *MOVES, *values, *_LESSON_WORDS.split())))


def vocabulary() -> dict[str, int]:
    """Token to id, in a fixed order: special tokens, moves, situation values, lesson words, other words, characters."""
    words = dict.fromkeys((*lesson_words(), *sorted(_OTHER_WORDS.split()), *_CHARACTERS))
    words.update(dict.fromkeys("##" + character for character in _CHARACTERS))
    return {word: index for index, word in enumerate(words)}


def encode(text: str, ids: dict[str, int]) -> list[int]:
    """Token ids of plain text made of whole words of the vocabulary: what the tokenizer gives, only faster.

    Raises ``KeyError`` for any other word: training text holds none.
    """
    return [ids[piece] for piece in _PIECE.findall(text.lower())]


def tokenizer() -> "PreTrainedTokenizerFast":
    """The fast tokenizer with its chat template; lower-cased, spaces and newlines alike."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.WordPiece(vocabulary(), unk_token=UNKNOWN, max_input_chars_per_word=200))
    inner.normalizer = normalizers.Lowercase()
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.decoder = decoders.WordPiece(prefix="##", cleanup=True)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token=PAD,
        unk_token=UNKNOWN,
        bos_token=BEGIN,
        eos_token=END,
        additional_special_tokens=[SYSTEM, USER, ASSISTANT],
        model_max_length=CONTEXT,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def save_tokenizer(folder: Path) -> None:
    """Write tokenizer.json, tokenizer_config.json and chat_template.jinja."""
    tokenizer().save_pretrained(str(folder))
