"""What training will take: memory, reckoned from the model's shape, and with it how many sequences go at once.

What a step does is one batch; where the memory is short it is made of smaller parts, whose gradients are summed, and
where that is not enough activations are computed a second time and not kept (Chen et al. 2016). Neither changes what is
learned. Knows nothing about what is in the sequences.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill.method import Method
from models.errors import BadInput

USABLE = 0.8
"""The share of the free memory that a run may take: the reckoning is not exact, and others live here too."""
TRAINING = 2.5
"""How often longer than looking at a turn learning from it takes: forward, backward, and the step."""
GIGABYTE = 1e9


@dataclass(frozen=True, slots=True)
class Room:
    """How a batch goes through the model: ``at_once`` sequences, and about ``memory`` bytes in all."""

    at_once: int
    checkpointing: bool
    memory: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run will take: ``memory`` in bytes, ``seconds`` as if it made all its passes."""

    steps: int
    passes: int
    memory: float
    checkpointing: bool
    seconds: float


def fitting(model: Any, tokens: int, method: Method) -> Room:
    """How sequences of up to ``tokens`` tokens fit into the free memory; raises ``BadInput`` where none does.

    ``model`` is loaded, and not on a GPU yet.
    """
    free = free_memory(model)
    sizes = [size for size in range(method.batch, 0, -1) if method.batch % size == 0]
    rooms = [
        Room(size, again, reckoned(model, method.rank, size * tokens, again))
        for again in (False, True)
        for size in sizes
    ]
    for room in rooms:
        if room.memory <= USABLE * free:
            return room
    least = rooms[-1].memory / GIGABYTE
    raise BadInput(
        f"training this base takes about {least:.1f} GB of memory, and {free / GIGABYTE:.1f} GB are free: use a "
        "smaller base, or hold it in 4 bits (--bits 4)"
    )


def reckoned(model: Any, rank: int, tokens: int, checkpointing: bool) -> float:
    """Bytes for the weights, the adapter with its optimizer, and the activations of ``tokens`` tokens at once."""
    config = model.config.get_text_config()
    width, layers = config.hidden_size, config.num_hidden_layers
    inner = getattr(config, "intermediate_size", None) or 4 * width
    half = model.dtype.itemsize == 2
    # A layer keeps inputs of its matrices, norms and gates: about 12 vectors of its width and 5 of its inner width; the
    # adapter's own inputs and the copies of a mixed precision are among them.
    layer = (2 if half else 4) * (12 * width + 5 * inner)
    kept = layers * 2 * width * 4 + layer if checkpointing else layers * layer
    head = 3 * 4 * config.vocab_size / 2  # half of the places are learned, at most about
    adapter = 16 * layers * rank * (8 * width + 3 * (width + inner))  # weights, gradients, two moments: 4 bytes each
    return float(model.get_memory_footprint() + adapter + tokens * (kept + head))


def free_memory(model: Any) -> float:
    """Bytes for the training of ``model``: what is free on a GPU, or on this machine beside the loaded weights."""
    import torch

    if torch.cuda.is_available():
        return float(torch.cuda.mem_get_info()[0])
    memory = Path("/proc/meminfo").read_text()
    available = next(line for line in memory.splitlines() if line.startswith("MemAvailable"))
    return float(available.split()[1]) * 1024 + float(model.get_memory_footprint())
