"""What a player thought each move was worth, as text that is kept with the decision and read again later.

``jab (jab +0.121, guard +0.034)``: the move decided on, then each legal move with the return that the player expects
of it, in [-1, 1]. Knows nothing about who estimates or who reads.
"""

import re
from collections.abc import Mapping

from episodes.game import Move

_WHOLE = re.compile(r"(?P<move>\S.*?) \((?P<values>[^()]*)\)")
_VALUE = re.compile(r"(?P<move>\S.*) (?P<value>[+-]\d\.\d{3})")


def write_values(move: Move, values: Mapping[Move, float]) -> str:
    """The text for ``move`` and the ``values`` of the legal moves, best first."""
    best_first = sorted(values, key=lambda one: -values[one])
    return f"{move} ({', '.join(f'{one} {values[one]:+.3f}' for one in best_first)})"


def read_values(reply: str) -> dict[Move, float]:
    """The values in a reply that ``write_values`` made; nothing for any other reply."""
    whole = _WHOLE.fullmatch(reply)
    if whole is None:
        return {}
    found = [_VALUE.fullmatch(part) for part in whole["values"].split(", ")]
    values = {match["move"]: float(match["value"]) for match in found if match}
    return values if len(values) == len(found) and whole["move"] in values else {}
