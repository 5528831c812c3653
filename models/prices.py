"""What hosted models cost: a table with its date, to which the configuration adds.

Knows nothing about budgets: ``models/ledger.py`` does the counting.
"""

import importlib.util
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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

    ``usd_in`` is the highest rate that an input token can be charged at which the provider does not count apart: where
    it caches prompts by itself and charges extra for writing, the writing rate. ``usd_cached`` is that of tokens read
    from the cache and ``usd_written`` that of tokens which we have it write; without them both cost what others do.
    Discounts for batches are not counted, so a cost is an upper bound. Prompts of more than ``long_from`` tokens cost
    ``long_in`` and ``long_out`` throughout, and cached ones more in the same proportion.
    """

    usd_in: float
    usd_out: float
    long_from: int | None = None
    long_in: float = 0.0
    long_out: float = 0.0
    usd_cached: float | None = None
    usd_written: float | None = None

    def cost(self, tokens_in: int, tokens_out: int, cached: int = 0, written: int = 0) -> float:
        """US dollars for one call, of whose ``tokens_in`` some were read from the cache, and some written to it."""
        rate_in, rate_out, scale = self._rates(tokens_in)
        read = rate_in if self.usd_cached is None else self.usd_cached * scale
        write = rate_in if self.usd_written is None else self.usd_written * scale
        usual = tokens_in - cached - written
        return (usual * rate_in + cached * read + written * write + tokens_out * rate_out) / 1e6

    def most(self, tokens_in: int, tokens_out: int) -> float:
        """US dollars that a call of so many tokens or fewer may cost, wherever they are read from or written to."""
        rate_in, rate_out, scale = self._rates(tokens_in)
        rate_in = max(rate_in, (self.usd_cached or 0.0) * scale, (self.usd_written or 0.0) * scale)
        return (tokens_in * rate_in + tokens_out * rate_out) / 1e6

    @property
    def free(self) -> bool:
        """Whether no token costs anything."""
        rates = (self.usd_in, self.usd_out, self.long_in, self.long_out, self.usd_cached, self.usd_written)
        return not any(rates)

    def marking(self) -> "Price":
        """The price where we mark what is to be cached: writing costs more, at every provider that wants it marked."""
        if self.usd_written is not None:
            return self
        return replace(self, usd_written=WRITING * self.usd_in)

    def times(self, factor: float) -> "Price":
        """The price at another rate."""
        return replace(
            self,
            usd_in=self.usd_in * factor,
            usd_out=self.usd_out * factor,
            long_in=self.long_in * factor,
            long_out=self.long_out * factor,
            usd_cached=None if self.usd_cached is None else self.usd_cached * factor,
            usd_written=None if self.usd_written is None else self.usd_written * factor,
        )

    def _rates(self, tokens_in: int) -> tuple[float, float, float]:
        """The rates in and out, and by how much a cached token costs more than in a short prompt."""
        if self.long_from is None or tokens_in <= self.long_from:
            return self.usd_in, self.usd_out, 1.0
        return self.long_in, self.long_out, self.long_in / self.usd_in if self.usd_in else 1.0


WRITING = 1.25
"""What a token costs that is written to a cache for five minutes, beside one that is not (Anthropic, and by its name
Bedrock, Vertex AI and OpenRouter)."""


def declared(rates: Sequence[float]) -> Price:
    """What the user says: dollars per million tokens in, out and, if they cost less, in from the provider's cache."""
    usd_in, usd_out, *cached = rates
    return Price(usd_in, usd_out, usd_cached=cached[0] if cached else None)


FREE = Price(0.0, 0.0)
"""Models that run on the user's own machines."""


def _openai(usd_in: float, usd_out: float, write: float | None = None, read: float = 0.1) -> Price:
    """A price of OpenAI's from GPT-5.4 on: above 272,000 input tokens, twice the rate in and 1.5 times the rate out.

    ``read`` is what a cached token costs beside another.
    """
    rate = write or usd_in
    return Price(rate, usd_out, 272_000, 2 * rate, 1.5 * usd_out, usd_cached=read * usd_in)


def _cached(usd_in: float, usd_out: float, read: float) -> Price:
    """A price of OpenAI's with no more for long prompts; ``read`` is what a cached token costs beside another."""
    return Price(usd_in, usd_out, usd_cached=read * usd_in)


def _claude(usd_in: float, usd_out: float, read: float = 0.1, **long: Any) -> Price:
    """A price of Anthropic's; ``read`` is what a cached token costs beside another."""
    return Price(usd_in, usd_out, **long, usd_cached=read * usd_in, usd_written=WRITING * usd_in)


PRICES: Mapping[str, Price] = {
    "openai:gpt-6-astra": _openai(10.00, 50.00, write=12.50),
    "openai:gpt-6.1-sol": _openai(2.00, 10.00, write=2.50, read=0.05),
    "openai:gpt-6-sol": _openai(2.00, 10.00, write=2.50),
    "openai:gpt-6-luna": _openai(0.10, 0.50, write=0.125),
    "openai:gpt-5.6-sol": _openai(4.00, 20.00, write=5.00),
    "openai:gpt-5.6-terra": _openai(2.00, 12.00, write=2.50),
    "openai:gpt-5.6-luna": _openai(0.20, 1.20, write=0.25),
    "openai:gpt-5.5": _openai(5.00, 30.00),
    "openai:gpt-5.4": _openai(2.50, 15.00),
    "openai:gpt-5.4-mini": _cached(0.75, 4.50, 0.1),
    "openai:gpt-5.4-nano": _cached(0.20, 1.25, 0.1),
    "openai:gpt-5.2": _cached(1.75, 14.00, 0.1),
    "openai:gpt-5.1": _cached(1.25, 10.00, 0.1),
    "openai:gpt-5": _cached(1.25, 10.00, 0.1),
    "openai:gpt-5-mini": _cached(0.25, 2.00, 0.1),
    "openai:gpt-5-nano": _cached(0.05, 0.40, 0.1),
    "openai:gpt-4.1": _cached(2.00, 8.00, 0.25),
    "openai:gpt-4.1-mini": _cached(0.40, 1.60, 0.25),
    "openai:gpt-4.1-nano": _cached(0.10, 0.40, 0.25),
    "openai:gpt-4o": _cached(2.50, 10.00, 0.5),
    "openai:gpt-4o-mini": _cached(0.15, 0.60, 0.5),
    "openai:o3": _cached(2.00, 8.00, 0.25),
    "openai:o4-mini": _cached(1.10, 4.40, 0.25),
    "anthropic:claude-fable-5-1": _claude(10.00, 50.00, read=0.025),
    "anthropic:claude-fable-5": _claude(10.00, 50.00),
    "anthropic:claude-opus-5-5": _claude(4.00, 20.00, read=0.05),
    "anthropic:claude-opus-5": _claude(5.00, 25.00),
    "anthropic:claude-opus-4-8": _claude(5.00, 25.00),
    "anthropic:claude-opus-4-7": _claude(5.00, 25.00),
    "anthropic:claude-opus-4-6": _claude(5.00, 25.00),
    "anthropic:claude-opus-4-5": _claude(5.00, 25.00),
    "anthropic:claude-opus-4-1": _claude(15.00, 75.00),
    "anthropic:claude-sonnet-5-5": _claude(2.00, 10.00, read=0.05),
    "anthropic:claude-sonnet-5": _claude(2.00, 10.00),
    "anthropic:claude-sonnet-4-6": _claude(3.00, 15.00),
    "anthropic:claude-sonnet-4-5": _claude(3.00, 15.00),
    "anthropic:claude-haiku-5-5": _claude(0.10, 0.50, long_from=100_000, long_in=0.50, long_out=2.50),
    "anthropic:claude-haiku-4-5": _claude(1.00, 5.00),
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
    cached, written = rates.get("cache_read_input_token_cost"), rates.get("cache_creation_input_token_cost") or None
    bounds = sorted((int(found[1]), key) for key in rates if (found := LONG_RATE.match(key)))
    if not bounds:
        return Price(usd_in, usd_out, usd_cached=cached, usd_written=written)
    # Of several steps the first bound and the last rates: an upper limit, as every price here.
    last = bounds[-1][1]
    long_out = rates.get(last.replace("input", "output"), usd_out)
    long_in = max(rates[last], usd_in)
    return Price(usd_in, usd_out, bounds[0][0] * 1000, long_in, max(long_out, usd_out), cached, written)


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
