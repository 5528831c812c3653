"""Language models of transformers in this process: the rookie, students, any causal model in a folder.

All calls that wait at the same time go through the model together; the system prompt that they share is computed once.
Knows nothing about games; the arithmetic is in ``engine``.
"""

import json
import re
import time
from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from models import sizes
from models.batching import Batcher
from models.chat import ChatRequest, Completion, FinishReason, Holds, Message, Usage, given_whole
from models.endpoint import Endpoint
from models.engine import Answer, Ask, Engine
from models.errors import BadInput
from models.grammar import Either
from models.masked import Pen, Spelling, Thinking, ThinkingPen
from models.notes import Notes
from models.templates import ChatTemplate
from models.thoughts import NAMES, apart
from models.weights import model_digest

TAUGHT = frozenset({"rookie", "student"})
"""Kinds that were taught to answer at once, whatever the template of their base knows of thoughts."""
TAIL = 16
"""Tokens at the end of a prompt in which a tag of a thought may stand."""

_TAG = re.compile(rf"<(?P<name>{'|'.join(NAMES)})>")
_OPENED = re.compile(rf"<(/?)(?P<name>{'|'.join(NAMES)})>\s*$")

_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")


def check_folder(path: Path, *, adapter: bool = False) -> None:
    """Raise ``BadInput`` unless ``path`` holds a model (or a LoRA adapter) in safetensors and no code of its own."""
    what, configuration = ("adapter", "adapter_config.json") if adapter else ("model", "config.json")
    if not path.is_dir():
        raise BadInput(f"no {what} folder at {path}")
    pickles = sorted(file.name for file in path.iterdir() if file.suffix.lower() in _PICKLES)
    if pickles:
        raise BadInput(
            f"{path} holds {pickles[0]}: a pickle file can run any code when it is loaded; "
            "convert the weights to safetensors and remove it"
        )
    if not any(path.glob("*.safetensors")):
        raise BadInput(f"{path} holds no *.safetensors file: not a {what} that can be loaded")
    for name in {configuration, "config.json", "tokenizer_config.json"}:
        file = path / name
        if not file.exists():
            if name == configuration:
                raise BadInput(f"{path} holds no {name}: not a {what} that can be loaded")
            continue
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as problem:
            raise BadInput(f"{file} is not valid JSON: {problem}") from None
        if isinstance(content, dict) and "auto_map" in content:
            raise BadInput(f"{file} asks to run code of its own (auto_map); only models that transformers knows load")


class LocalModel:
    """A chat model in this process; implements ``ChatModel``.

    ``path``: a folder with safetensors weights, configuration, tokenizer and chat template. ``kind``: of its endpoint.
    ``device``: ``cpu``, ``cuda``, ``cuda:N``, or ``auto`` for a GPU if there is one and the model is not a small one.
    ``adapter``: a folder with a LoRA adapter to put on top. ``most``: rows of one forward pass at most. ``prefixes``:
    how many shared system prompts are kept computed. Raises ``BadInput`` for a folder that cannot be loaded, or a
    device that is not there.

    Without a seed a call uses seed 0. Among ``choices`` the answer is drawn by the log-probability of each choice's
    tokens (and of the end token after it, unless every choice is a single token). A text of a grammar is drawn token by
    token from those that go on with it. A model whose template knows thoughts thinks first, choices or grammar; the
    rookie and students were taught to answer at once.
    """

    streams = False

    def __init__(
        self,
        path: Path,
        *,
        name: str,
        kind: str = "local",
        device: str = "auto",
        adapter: Path | None = None,
        most: int = 128,
        prefixes: int = 16,
    ) -> None:
        check_folder(path)
        if adapter is not None:
            check_folder(adapter, adapter=True)
        self._name = name
        self._kind = kind
        self._folders = (path,) if adapter is None else (path, adapter)
        self._tokenizer, model = _load(path, device, adapter)
        ends = model.generation_config.eos_token_id
        ends = [] if ends is None else ends if isinstance(ends, list) else [ends]
        self._template = ChatTemplate(self._tokenizer, name, thinking=kind not in TAUGHT)
        end = self._template.end(ends)
        ends = [end, *(token for token in ends if token != end)]
        self._engine = Engine(model, end_tokens=ends, name=name, most=most, prefixes=prefixes)
        self._ends = ends
        self._batcher: Batcher[Ask, Answer] = Batcher(self._engine.answer, most=most)
        self._encoded = lru_cache(maxsize=8192)(self._encode)
        self._choice = lru_cache(maxsize=8192)(self._encode_choice)
        self._shared = lru_cache(maxsize=1024)(self._shared_tokens)

    @property
    def name(self) -> str:
        return self._name

    @property
    def place(self) -> tuple[str, str]:
        """Where it computes and in which numbers, e.g. ``cuda:0`` and ``bfloat16``."""
        return self._engine.device, self._engine.precision

    @cached_property
    def _spelling(self) -> Spelling | None:
        return Spelling.of(self._tokenizer)

    @property
    def holds(self) -> Holds:
        """A tokenizer that does more than to join its tokens, as the rookie's, leaves choices."""
        return "choices" if self._spelling is None else "grammar"

    @cached_property
    def endpoint(self) -> Endpoint:
        """Computed when it is first asked for: the digest reads every file of the folders."""
        weights = "+".join(model_digest(folder) for folder in self._folders)
        return Endpoint(self._kind, device=self._engine.device, precision=self._engine.precision, weights=weights)

    async def complete(self, request: ChatRequest) -> Completion:
        """See ``ChatModel``; ``latency`` counts from the call to the answer, waiting for others included."""
        began = time.perf_counter()
        tokens, shared = self._encoded(request.messages)
        thinking = self._thinking(tokens)
        pen = self._pen(request, thinking)
        scored = request.choices if pen is None else None
        asked = tuple(self._choice(choice) for choice in scored) if scored else None
        ask = Ask(tokens, shared, asked, request.max_tokens, request.temperature, request.seed or 0, pen)
        answer = await self._batcher.ask(ask)
        if scored:
            text, thought = scored[answer.choice], ""
        else:
            opened = f"<{thinking.tag}>" if thinking and thinking.opened else ""
            text, thought = apart(opened + self._tokenizer.decode(answer.tokens, skip_special_tokens=True).strip())
        reason: FinishReason = "stop" if answer.ended else "length"
        usage = Usage(len(tokens), len(answer.tokens))
        latency = time.perf_counter() - began
        return given_whole(request, Completion(text, usage, latency, reason, thought=thought))

    async def close(self) -> None:
        self._batcher.close()

    def _pen(self, request: ChatRequest, thinking: Thinking | None) -> Callable[[int], Pen] | None:
        """What writes an answer that is held to a grammar, or to choices after a thought; ``None`` for all others."""
        spelling = self._spelling
        grammar = Either(request.choices) if request.choices and thinking else request.grammar
        if spelling is None or grammar is None:
            return None
        if thinking is None:
            return lambda most: Pen(spelling.walk(grammar), self._ends)
        return lambda most: ThinkingPen(spelling, grammar, self._ends, thinking, most)

    def _thinking(self, tokens: tuple[int, ...]) -> Thinking | None:
        """How the model thinks before it goes on after ``tokens``, if it does."""
        if self._kind in TAUGHT:
            return None
        tag = _OPENED.search(self._tokenizer.decode(tokens[-TAIL:]))
        if tag and tag[1]:
            return None
        known = tag or _TAG.search(self._tokenizer.chat_template)
        if known is None:
            return None
        close = self._tokenizer(f"</{known['name']}>", add_special_tokens=False).input_ids
        return Thinking(known["name"], tag is not None, tuple(close))

    def _encode(self, messages: tuple[Message, ...]) -> tuple[tuple[int, ...], int]:
        """The prompt's tokens, and how many of its first ones are the shared system prompt."""
        tokens = self._template.tokens(messages)
        self._engine.check_room(tokens)
        if len(messages) < 2 or messages[0].role != "system":
            return tokens, 0
        shared = self._shared(messages[0])
        return tokens, len(shared) if len(shared) < len(tokens) and tokens[: len(shared)] == shared else 0

    def _shared_tokens(self, system: Message) -> tuple[int, ...]:
        """The tokens that every conversation under ``system`` begins with, found by comparing two that differ."""
        first, second = (self._template.tokens((system, Message("user", text))) for text in ("a b", "0 1"))
        same = next((at for at, (one, other) in enumerate(zip(first, second, strict=False)) if one != other), 0)
        return first[:same]

    def _encode_choice(self, choice: str) -> tuple[int, ...]:
        ids = tuple(self._tokenizer(choice, add_special_tokens=False).input_ids)
        if not ids:
            raise BadInput(f"{self._name}: the choice {choice!r} has no tokens")
        return ids


def tell_place(model: LocalModel, notes: Notes) -> None:
    """Tell where ``model`` computes; of a small one nothing: it is quick, and decides alike in every company."""
    device, precision = model.place
    if precision != "float64":
        notes.tell(model.name, "place", f"computes here, on {device} in {precision}")


def _load(path: Path, wanted: str, adapter: Path | None) -> tuple[Any, Any]:
    """Tokenizer and model, on the device that is ``wanted``; the chat template runs in transformers' sandbox."""
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    device = found_device(wanted)
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(path), **options)
        model = AutoModelForCausalLM.from_pretrained(str(path), use_safetensors=True, dtype="auto", **options)
        size = model.num_parameters()
        if wanted == "auto" and size < sizes.SMALL:
            device = "cpu"
        if adapter is not None:
            from peft import PeftModel

            if size < sizes.LARGE:  # merged in half precision, what was learned would be rounded
                model = model.float()
            model = PeftModel.from_pretrained(model, str(adapter), use_safetensors=True).merge_and_unload()
        precision = sizes.precision_for(size, device, bfloat16=device != "cpu" and torch.cuda.is_bf16_supported(False))
        model = model.to(device, getattr(torch, precision or str(model.dtype).removeprefix("torch.")))
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as problem:
        reason = str(problem).strip().splitlines()[0]
        raise BadInput(f"cannot load the model in {adapter or path}: {reason}") from None
    return tokenizer, model


def found_device(wanted: str) -> str:
    """The device of torch's that ``wanted`` names; raises ``BadInput`` where there is none such."""
    if wanted == "cpu":
        return wanted
    named = re.fullmatch(r"auto|cuda(?::(\d+))?", wanted)
    if named is None:
        raise BadInput(f"the device {wanted!r} is none: write cpu, cuda, cuda:N, or auto for a GPU if there is one")
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted == "auto":
        return "cuda" if count else "cpu"
    if int(named[1] or 0) >= count:
        raise BadInput(f"the device {wanted} is not there: torch sees {count} of CUDA; leave device out, or set auto")
    return wanted
