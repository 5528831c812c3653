"""What the default comparison does to players whose true difference is known, beside a peeking z-test.

    python bench/comparisons.py [--runs 200] [--seed 0]

Runs ``optimize.compare`` on simulated pairs (the shapes of ``optimize.null`` in turn) and prints a table: how often it
says better or worse, after how many pairs, the gain as it looks at the stop and as fresh pairs show it, and how often
the interval of the latter holds the truth.
"""

import argparse
import asyncio
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from optimize.compare import CompareRule, Comparison, compare
from optimize.null import SHAPES, Simulated, SimulatedSource, moved
from optimize.stats.elo import score_of_elo
from optimize.stats.pairs import Counts

ELOS = (0, 25, 50, 75, 100, 200)
COLUMNS = (
    *("true Elo", "better", "worse", "pairs", "true gain"),
    *("at the stop", "fresh pairs", "interval holds", "peeking z: better"),
)
RULE = CompareRule(max_pairs=400)


def run(elo: float, seed: int, number: int) -> Comparison:
    shape = list(SHAPES.values())[number % len(SHAPES)]
    a, b = Simulated("a", moved(shape, elo)), Simulated("b", shape)
    return asyncio.run(compare(SimulatedSource(), a, b, RULE, f"{seed} {elo} {number}"))


def peeks(elo: float, seed: int, number: int) -> bool:
    """Whether a two-sided z-test at p < .05, looked at after every 8 pairs from 16 on, ever says better."""
    shape = list(SHAPES.values())[number % len(SHAPES)]
    a, b = Simulated("a", moved(shape, elo)), Simulated("b", shape)
    start = (seed * 10_000 + number) * RULE.max_pairs
    pairs = asyncio.run(SimulatedSource().play(a, b, range(start, start + RULE.max_pairs), "gate"))
    results = [pair.k for pair in pairs if pair.k is not None]
    for n in range(16, RULE.max_pairs + 1, RULE.look):
        counts = Counts.of(results[:n])
        if counts.variance and (counts.mean - 0.5) / math.sqrt(counts.variance / n) > 1.96:
            return True
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print("| " + " | ".join(COLUMNS) + " |")
    print("|---" * len(COLUMNS) + "|")
    for elo in ELOS:
        truth = score_of_elo(elo) - 0.5
        runs = [run(elo, options.seed, number) for number in range(options.runs)]
        better = [one for one in runs if one.verdict == "better"]
        worse = sum(one.verdict == "worse" for one in runs)
        stops = [one.counts.mean - 0.5 for one in better]
        fresh = [one.confirmation.gain for one in better]
        holds = sum(low <= truth <= high for low, high in (one.confirmation.gain_interval for one in runs))
        peeked = sum(peeks(elo, options.seed, number) for number in range(options.runs))
        cells = [
            f"{elo:+d}",
            f"{len(better) / options.runs:.1%}",
            f"{worse / options.runs:.1%}",
            f"{sum(one.counts.total for one in runs) / options.runs:.0f}",
            f"{truth:+.3f}",
            f"{sum(stops) / len(stops):+.3f}" if stops else "-",
            f"{sum(fresh) / len(fresh):+.3f}" if fresh else "-",
            f"{holds / options.runs:.1%}",
            f"{peeked / options.runs:.1%}",
        ]
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
