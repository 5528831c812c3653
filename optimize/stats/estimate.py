"""How many more pairs until a comparison decides, if the pairs go on as they have.

An estimate for the person who waits, never an input to a verdict.
"""

from collections.abc import Callable

from optimize.stats.pairs import Counts

Cells = tuple[float, ...]
_PRIOR = (0.2, 0.2, 0.2, 0.2, 0.2)
"""One pair's worth of ignorance, so that the first results do not promise a quick end."""


def pairs_to_decision(counts: Counts, decided: Callable[[Cells], bool], most: int) -> int | None:
    """The smallest number of further pairs, at most ``most``, after which ``decided`` holds; ``None`` if it never does.

    Further pairs fall in the proportions seen so far (with one imaginary pair spread over the five results), as
    expected counts. ``decided`` must be monotone along them, as all thresholds on evidence that grows are.
    """
    observed = tuple(n + prior for n, prior in zip(counts, _PRIOR, strict=True))
    shares = [n / sum(observed) for n in observed]

    def after(pairs: int) -> bool:
        return decided(tuple(n + pairs * share for n, share in zip(counts, shares, strict=True)))

    if after(0):
        return 0
    if not after(most):
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if after(middle) else (middle, high)
    return high
