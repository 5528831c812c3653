"""What hosted models cost: a table with its date, to which the configuration adds.

Knows nothing about budgets: ``models/ledger.py`` does the counting.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

PRICES_DATE = "2026-11-21"
"""When the table was compiled from the providers' published prices; they change, so check before relying on them."""

DATE_SUFFIX = re.compile(r"-(20\d\d-\d\d-\d\d|20\d{6}|latest)$")


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


def find_price(name: str, declared: Mapping[str, Price]) -> Price | None:
    """The price of the model recorded as ``name`` (``openai:gpt-5-nano``), or ``None`` if it is not known.

    What the user declared counts before the table; a dated snapshot costs what its family costs.
    """
    undated = DATE_SUFFIX.sub("", name)
    for key in (name, undated):
        for table in (declared, PRICES):
            if key in table:
                return table[key]
    return None
