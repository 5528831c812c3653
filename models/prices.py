"""What hosted models cost: a table with its date, to which the configuration adds.

Knows nothing about budgets: ``models/ledger.py`` does the counting.
"""

import importlib.util
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from models.capabilities import EFFORTS

PRICES_DATE = "2026-11-21"
"""When the table was compiled from the providers' published prices; they change, so check before relying on them."""

DATE_SUFFIX = re.compile(r"-(20\d\d-\d\d-\d\d|20\d{6}|latest)$")
EFFORT_SUFFIX = re.compile(rf"\+({'|'.join(EFFORTS)})$")
CLAUDE = re.compile(r"claude-[a-z]+-\d{1,2}(-\d{1,2})?(?!\d)")
"""A model of Anthropic's in its name on Bedrock or Vertex AI (``us.anthropic.claude-haiku-4-5-20251001-v1:0``)."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens, in and out.

    ``usd_in`` is the highest rate that an input token can be charged at: where a provider caches prompts by itself and
    charges extra for writing, the writing rate. Discounts for cached or batched tokens are not counted, so a cost is
    an upper bound. Prompts of more than ``long_from`` tokens cost ``long_in`` and ``long_out`` throughout.
    """

    usd_in: float
    usd_out: float
    long_from: int | None = None
    long_in: float = 0.0
    long_out: float = 0.0

    def cost(self, tokens_in: int, tokens_out: int) -> float:
        """US dollars for one call."""
        is_long = self.long_from is not None and tokens_in > self.long_from
        rates = (self.long_in, self.long_out) if is_long else (self.usd_in, self.usd_out)
        return (tokens_in * rates[0] + tokens_out * rates[1]) / 1e6

    def times(self, factor: float) -> "Price":
        """The price at another rate."""
        return Price(
            self.usd_in * factor,
            self.usd_out * factor,
            self.long_from,
            self.long_in * factor,
            self.long_out * factor,
        )


FREE = Price(0.0, 0.0)
"""Models that run on the user's own machines."""


def _openai(usd_in: float, usd_out: float, write: float | None = None) -> Price:
    """A price of OpenAI's from GPT-5.4 on: above 272,000 input tokens, twice the rate in and 1.5 times the rate out."""
    rate = write or usd_in
    return Price(rate, usd_out, long_from=272_000, long_in=2 * rate, long_out=1.5 * usd_out)


PRICES: Mapping[str, Price] = {
    "openai:gpt-6-astra": _openai(10.00, 50.00, write=12.50),
    "openai:gpt-6.1-sol": _openai(2.00, 10.00, write=2.50),
    "openai:gpt-6-sol": _openai(2.00, 10.00, write=2.50),
    "openai:gpt-6-luna": _openai(0.10, 0.50, write=0.125),
    "openai:gpt-5.6-sol": _openai(4.00, 20.00, write=5.00),
    "openai:gpt-5.6-terra": _openai(2.00, 12.00, write=2.50),
    "openai:gpt-5.6-luna": _openai(0.20, 1.20, write=0.25),
    "openai:gpt-5.5": _openai(5.00, 30.00),
    "openai:gpt-5.4": _openai(2.50, 15.00),
    "openai:gpt-5.4-mini": Price(0.75, 4.50),
    "openai:gpt-5.4-nano": Price(0.20, 1.25),
    "openai:gpt-5.2": Price(1.75, 14.00),
    "openai:gpt-5.1": Price(1.25, 10.00),
    "openai:gpt-5": Price(1.25, 10.00),
    "openai:gpt-5-mini": Price(0.25, 2.00),
    "openai:gpt-5-nano": Price(0.05, 0.40),
    "openai:gpt-4.1": Price(2.00, 8.00),
    "openai:gpt-4.1-mini": Price(0.40, 1.60),
    "openai:gpt-4.1-nano": Price(0.10, 0.40),
    "openai:gpt-4o": Price(2.50, 10.00),
    "openai:gpt-4o-mini": Price(0.15, 0.60),
    "openai:o3": Price(2.00, 8.00),
    "openai:o4-mini": Price(1.10, 4.40),
    "anthropic:claude-fable-5-1": Price(10.00, 50.00),
    "anthropic:claude-fable-5": Price(10.00, 50.00),
    "anthropic:claude-opus-5-5": Price(4.00, 20.00),
    "anthropic:claude-opus-5": Price(5.00, 25.00),
    "anthropic:claude-opus-4-8": Price(5.00, 25.00),
    "anthropic:claude-opus-4-7": Price(5.00, 25.00),
    "anthropic:claude-opus-4-6": Price(5.00, 25.00),
    "anthropic:claude-opus-4-5": Price(5.00, 25.00),
    "anthropic:claude-opus-4-1": Price(15.00, 75.00),
    "anthropic:claude-sonnet-5-5": Price(2.00, 10.00),
    "anthropic:claude-sonnet-5": Price(2.00, 10.00),
    "anthropic:claude-sonnet-4-6": Price(3.00, 15.00),
    "anthropic:claude-sonnet-4-5": Price(3.00, 15.00),
    "anthropic:claude-haiku-5-5": Price(0.10, 0.50, long_from=100_000, long_in=0.50, long_out=2.50),
    "anthropic:claude-haiku-4-5": Price(1.00, 5.00),
}


REGIONAL = 1.1
"""What a regional endpoint of Bedrock or Vertex AI costs beside Anthropic's own; the global ones cost the same."""

LITELLM_NAMES = {"openai": "", "anthropic": "", "bedrock": "", "vertex": "vertex_ai/", "litellm": ""}
"""What litellm's table puts before the names of these kinds of model."""

LONG_RATE = re.compile(r"^input_cost_per_token_above_(\d+)k_tokens$")


def find_price(name: str, declared: Mapping[str, Price]) -> Price | None:
    """The price of the model recorded as ``name`` (``openai:gpt-5-nano``), or ``None`` if it is not known.

    What the user declared counts before the table, and the table before litellm's, if litellm is installed; a dated
    snapshot costs what its family costs, and a model with an effort (``+high``) what it costs without.
    """
    plain = EFFORT_SUFFIX.sub("", name)
    for key in (name, plain, DATE_SUFFIX.sub("", plain)):
        for table in (declared, PRICES):
            if key in table:
                return table[key]
    kind, _, model = plain.partition(":")
    if kind in ("bedrock", "vertex") and (claude := CLAUDE.search(model)):
        own = PRICES.get(f"anthropic:{claude[0]}")
        if own is not None:
            return own.times(REGIONAL)
    provider, slash, rest = model.partition("/")
    if kind == "litellm" and slash and provider in ("openai", "anthropic"):
        return find_price(f"{provider}:{rest}", declared)
    return _of_litellm(LITELLM_NAMES[kind] + model) if kind in LITELLM_NAMES else None


def _of_litellm(model: str) -> Price | None:
    """What the table says that comes with litellm, whose date is the release of the package."""
    entry = _litellm_table().get(model)
    if not isinstance(entry, Mapping):
        return None
    rates = {key: float(value) * 1e6 for key, value in entry.items() if "cost" in key and _is_number(value)}
    if "input_cost_per_token" not in rates or "output_cost_per_token" not in rates:
        return None
    usd_in = max(rates["input_cost_per_token"], rates.get("cache_creation_input_token_cost", 0.0))
    usd_out = max(rates["output_cost_per_token"], rates.get("output_cost_per_reasoning_token", 0.0))
    bounds = sorted((int(found[1]), key) for key in rates if (found := LONG_RATE.match(key)))
    if not bounds:
        return Price(usd_in, usd_out)
    # Of several steps the first bound and the last rates: an upper limit, as every price here.
    last = bounds[-1][1]
    long_out = rates.get(last.replace("input", "output"), usd_out)
    return Price(usd_in, usd_out, bounds[0][0] * 1000, max(rates[last], usd_in), max(long_out, usd_out))


@lru_cache(maxsize=1)
def _litellm_table() -> Mapping[str, Any]:
    """Read from the file: importing litellm takes seconds, and fetches a newer table from the network."""
    found = importlib.util.find_spec("litellm")
    if found is None or found.origin is None:
        return {}
    file = Path(found.origin).with_name("model_prices_and_context_window_backup.json")
    try:
        table: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return table


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
