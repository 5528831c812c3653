"""Whether setup notices that a plain `pip install torch` would bring CUDA."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "torch_plan.py"


def plan(*names: str) -> str:
    report = {"version": "1", "install": [{"metadata": {"name": name, "version": "1"}} for name in names]}
    run = subprocess.run(
        [sys.executable, SCRIPT], input=json.dumps(report), capture_output=True, text=True, check=True, timeout=60
    )
    return run.stdout.strip()


@pytest.mark.parametrize(
    "culprit", ["nvidia-cublas-cu12", "nvidia_nccl_cu12", "triton", "cuda-bindings", "NVIDIA-cudnn"]
)
def test_cuda_is_noticed(culprit: str) -> None:
    assert plan("torch", "sympy", culprit) == "cuda"


@pytest.mark.parametrize("names", [(), ("torch", "sympy", "filelock", "networkx")])
def test_a_plain_torch_passes(names: tuple[str, ...]) -> None:
    assert plan(*names) == "plain"


def test_no_report_is_a_failure() -> None:
    run = subprocess.run([sys.executable, SCRIPT], input="", capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 1
    assert run.stdout == ""
