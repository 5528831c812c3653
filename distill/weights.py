"""How much a turn, and each move in it, counts: advantage-weighted regression and move values.

AWR (Peng et al. 2019, "Advantage-Weighted Regression"): a turn of an episode counts exp(advantage / temperature),
where the advantage is the episode's return less the mean return of the same teacher against the same opponent from the
same seat. Lost games count too, only less: learning from wins alone unlearns defending. Pure functions.
"""

import math
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence

from episodes.game import Move


def outcome_weights(
    returns: Sequence[float], groups: Sequence[Hashable], *, temperature: float, clip: float
) -> list[float]:
    """exp((return - mean return of its group) / temperature), held within [1 / clip, clip].

    ``returns`` in [-1, 1], one an episode; ``groups`` name the opponent and the seat of each.
    """
    members: dict[Hashable, list[float]] = defaultdict(list)
    for value, group in zip(returns, groups, strict=True):
        members[group].append(value)
    means = {group: math.fsum(values) / len(values) for group, values in members.items()}
    bound = math.log(clip)
    return [
        math.exp(max(-bound, min(bound, (value - means[group]) / temperature)))
        for value, group in zip(returns, groups, strict=True)
    ]


def move_shares(values: Mapping[Move, float], *, temperature: float, least: float) -> dict[Move, float]:
    """softmax(values / temperature) over the moves, without those below ``least``, summing to 1.

    ``values`` are expected returns in [-1, 1]; differences well above ``temperature`` decide alone.
    """
    top = max(values.values())
    raw = {move: math.exp((value - top) / temperature) for move, value in values.items()}
    total = math.fsum(raw.values())
    kept = {move: share / total for move, share in raw.items() if share / total >= least}
    whole = math.fsum(kept.values())
    return {move: share / whole for move, share in kept.items()}
