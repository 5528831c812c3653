"""Read pip's installation report and print ``cuda`` if it would bring CUDA libraries, else ``plain``.

Reads standard input: what ``pip install --dry-run --report -`` writes.
"""

import json
import sys

CUDA = ("nvidia-", "nvidia_", "cuda-", "cuda_", "triton", "pytorch-triton")


def brings_cuda(report: dict[str, list[dict[str, dict[str, str]]]]) -> bool:
    """Whether any package of the plan belongs to CUDA."""
    names = [item["metadata"]["name"].lower() for item in report["install"]]
    return any(name.startswith(CUDA) for name in names)


if __name__ == "__main__":
    text = sys.stdin.read()
    if not text.strip():
        raise SystemExit(1)  # pip has said on standard error why there is no plan
    print("cuda" if brings_cuda(json.loads(text)) else "plain")
