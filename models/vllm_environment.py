"""Where vLLM is installed, and with which environment variables its processes run.

vLLM pins its own torch, so it lives beside this program: in ``.venv-vllm`` on a CPU (``make vllm``), or in this very
environment on a machine with a GPU. Knows nothing about servers and requests.
"""

import json
import os
import sys
from pathlib import Path

from models.errors import BadInput

ENVIRONMENT = ".venv-vllm"
CPU_CONTEXT = 8192
"""Tokens of a conversation at most, where there is no GPU."""


def home() -> Path:
    """Where ``.venv-vllm`` belongs: beside the environment that this program runs in, or here if it runs in none."""
    return Path(sys.prefix).parent if sys.prefix != sys.base_prefix else Path.cwd()


def gpu_present() -> bool:
    """Whether this machine has an NVIDIA or AMD GPU, judged by its device files."""
    return Path("/dev/nvidiactl").exists() or Path("/dev/kfd").exists()


def interpreter(root: Path) -> tuple[Path, bool]:
    """The Python that has vLLM, and whether it is the build for the GPU; raises ``BadInput`` if there is none."""
    import importlib.util

    if gpu_present() and importlib.util.find_spec("vllm") is not None:
        return Path(sys.executable), True
    python = root / ENVIRONMENT / "bin" / "python"
    if python.exists():
        return python, False
    raise BadInput(
        f"vLLM is not installed: run `make vllm` (or `python -m distill.serving.install`) in {root}, "
        "or `pip install vllm` on a machine with a GPU"
    )


def context_of(model: Path) -> int:
    """Tokens of one conversation, at most, on a CPU: what the model in a folder can read, within reason."""
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    length: int = config.get("text_config", config).get("max_position_embeddings", CPU_CONTEXT)
    return min(length, CPU_CONTEXT)


def environment(on_gpu: bool) -> dict[str, str]:
    """The environment variables of vLLM's processes: ours, without keys that they have no business with.

    ``VLLM_API_KEY`` is a server's business: it asks every client for that key.
    """
    secret = ("_API_KEY", "_TOKEN", "_SECRET")
    mine = {name: value for name, value in os.environ.items() if name == "VLLM_API_KEY" or not name.endswith(secret)}
    mine |= {"VLLM_HOST_IP": "127.0.0.1"}  # vLLM's processes talk to each other on this machine only
    mine |= {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    if not on_gpu:
        mine.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
        mine.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 2) - 1)))
        mine.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")
    return mine
