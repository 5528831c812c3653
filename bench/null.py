"""How often do simulated nights promote candidates that are truly equal, and how often a truly better one?

    python bench/null.py --nights 300 [--elo 50] [--seed 0]

Without ``--elo`` prints ``nights``, ``false_promotions`` and ``alpha`` and fails if there are more than alpha allows.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from optimize.null import bench_null, bench_power


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--elo", type=float, help="one candidate a round is truly this much better")
    options = parser.parse_args()
    if options.elo:
        print(json.dumps(asdict(bench_power(options.elo, options.nights, options.seed))))
        return 0
    result = bench_null(options.nights, options.seed)
    print(json.dumps(asdict(result)))
    return 0 if result.false_promotions <= result.alpha * result.nights else 1


if __name__ == "__main__":
    sys.exit(main())
