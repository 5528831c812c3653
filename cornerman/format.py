"""How the program writes figures: one way for each, on the screen and on its pages.

Nothing rounds to a zero with a minus sign, and one of anything is not called several. Knows nothing about results.
"""

import math
from collections.abc import Sequence

FASTEST = 0.1
"""Milliseconds below which times are not told apart: bots take next to nothing."""
NONE = "-"
"""Stands for a figure that there is none of."""

HOUR, MINUTE = 3600.0, 60.0


def count(n: int, one: str, many: str = "") -> str:
    """E.g. ``1 rule``, ``12 rules``, ``1,200 pairs``; ``many`` where it is not ``one`` with an s."""
    return f"{n:,} {one if n == 1 else many or f'{one}s'}"


def number(n: float) -> str:
    """A whole number with its thousands apart: ``12,345``."""
    return f"{n:z,.0f}"


def fixed(value: float, digits: int) -> str:
    """A fraction with ``digits`` decimals: ``0.250``."""
    return f"{value:z.{digits}f}"


def plain(value: float, digits: int = 6) -> str:
    """A figure of any size with at most ``digits`` significant digits: ``0.5``, ``12``, ``1.2e-06``."""
    return f"{value:z.{digits}g}"


def signed(value: float, digits: int = 0) -> str:
    """With its sign, so that columns line up: ``+0.25``, ``-3.00``, ``+0.00``."""
    return f"{value:+z.{digits}f}"


def bracketed(low: str, high: str) -> str:
    """An interval: ``[+3.0, +21.0]``."""
    return f"[{low}, {high}]"


def estimated(value: float, low: float, high: float, digits: int) -> str:
    """A signed figure with its interval: ``+12.5 [+3.0, +21.0]``."""
    return f"{signed(value, digits)} {bracketed(signed(low, digits), signed(high, digits))}"


def percent(share: float | None, digits: int = 0) -> str:
    """A share as a percentage: ``61%``; nothing for ``None``."""
    return "" if share is None else f"{share:z.{digits}%}"


def percent_with_interval(share: float, low: float, high: float, digits: int = 1) -> str:
    """E.g. ``61.0% [52.3%, 69.0%]``."""
    return f"{percent(share, digits)} {bracketed(percent(low, digits), percent(high, digits))}"


def percent_in_words(share: float, low: float, high: float) -> str:
    """E.g. ``61.0% of the points (95% interval 52.3% to 69.0%)``."""
    return f"{percent(share, 1)} of the points (95% interval {percent(low, 1)} to {percent(high, 1)})"


def points(gain: float, low: float, high: float, *, apart: bool = False) -> str:
    """A gain in pair score with its interval, as points of 100: ``+12.5 points of 100 [+3.0, +21.0]``.

    ``apart``: the two did not meet, so the gain is half of the difference of their scores.
    """
    value, least, most = (_points(one, apart) for one in (gain, low, high))
    return f"{signed(value, 1)} points of 100 {bracketed(signed(least, 1), signed(most, 1))}"


def lead(gain: float, *, apart: bool = True, digits: int = 0) -> str:
    """A gain in pair score as points of 100, on its own: ``+55``."""
    return signed(_points(gain, apart), digits)


def points_in_words(gain: float, low: float, high: float, *, apart: bool = True) -> str:
    """E.g. ``55.0 points of 100 (95% interval 40.7 to 70.1)``."""
    value, least, most = (fixed(_points(one, apart), 1) for one in (gain, low, high))
    return f"{value} points of 100 (95% interval {least} to {most})"


def _points(gain: float, apart: bool) -> float:
    return (200 if apart else 100) * gain


def elo(value: float) -> str:
    """``+108``; of who took every point ``+infinite``, of who took none ``-infinite``."""
    return f"{'-' if value < 0 else '+'}infinite" if math.isinf(value) else signed(value)


def elo_interval(low: float, high: float) -> str:
    """``[-120, +35]``."""
    return bracketed(elo(low), elo(high))


def e_value(log_e: float) -> str:
    """An e-value from its natural logarithm, readable at any size: ``0.07``, ``997``, ``10,000``, ``10^43``."""
    decade = log_e / math.log(10)
    if not -3 <= decade < 6:
        return f"10^{decade:.0f}"
    value = math.exp(log_e)
    # From here on three significant digits would be written with an exponent.
    return f"{value:.3g}" if value < 999.5 else f"{value:,.0f}"


def threshold(alpha: float) -> str:
    """The e-value that decides at the level ``alpha``: ``20``."""
    return e_value(-math.log(alpha))


def milliseconds(value: float | None) -> str:
    """A latency: ``under 0.1 ms``, ``3.67 ms``, ``61 ms``, ``1.62 s``; nothing for ``None``."""
    if value is None:
        return ""
    if value < FASTEST:
        return f"under {FASTEST:g} ms"
    # Each unit begins where the one before it would round up to it.
    if value < 9.995:
        return f"{value:.2f} ms"
    return f"{value:.0f} ms" if value < 999.5 else f"{value / 1000:,.2f} s"


def duration(seconds: float) -> str:
    """How long something took: ``under 0.1 seconds``, ``42 seconds``, ``12.5 minutes``, ``2.0 hours``."""
    if seconds < 0.1:
        return "under 0.1 seconds"
    if seconds < 9.95:
        return f"{seconds:.1f} seconds"
    if seconds < MINUTE - 0.5:
        return f"{seconds:.0f} seconds"
    if seconds < HOUR - 3:
        return f"{seconds / MINUTE:.1f} minutes"
    return f"{seconds / HOUR:,.1f} hours"


def pace(faster: float) -> str:
    """How fast one decides in another's measure: ``62 times faster``, ``2.3 times slower``, ``as fast``."""
    ratio = max(faster, 1 / faster)
    if ratio < 1.05:
        return "as fast"
    shown = number(ratio) if ratio >= 9.95 else fixed(ratio, 1)
    return f"{shown} times {'faster' if faster > 1 else 'slower'}"


def usd(value: float) -> str:
    """Dollars without their sign, for columns: ``0``, ``0.0012``, ``3.50``."""
    if value == 0:
        return "0"
    if 0 < value < 0.00005:
        return "<0.0001"
    return f"{value:z,.4f}" if abs(value) < 0.99995 else f"{value:,.2f}"


def dollars(value: float) -> str:
    """Money: ``US$ 0``, ``US$ 0.0012``, ``US$ 3.50``."""
    return f"US$ {usd(value)}"


def listed(names: Sequence[str]) -> str:
    """E.g. ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
