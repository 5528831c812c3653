"""Start-up: seconds until ``cornerman --help`` has answered, over those of a bare ``import typer``.

Prints one ratio and the seconds; the program's promise is 0.4 s.
"""

import subprocess
import sys
import time

RUNS = 7


def seconds(code: str) -> float:
    """The fastest of several runs: what is slower is the machine's business."""
    taken = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code, "--help"], check=True, stdout=subprocess.DEVNULL)
        taken.append(time.perf_counter() - started)
    return min(taken)


if __name__ == "__main__":
    program = seconds("from cornerman.cli import main; main()")
    bare = seconds("import typer")
    print(f"startup: {program / bare:.2f} times a bare import of typer ({program:.3f} s, promised 0.4 s)")
