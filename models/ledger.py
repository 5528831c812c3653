"""One ledger that every call passes: the worst case is reserved before a call, the real use is booked after it.

Knows nothing about providers. Safe to use from many tasks and many threads at once.
"""

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace

from models.chat import ChatModel, ChatRequest, Completion, Usage, given_whole
from models.counting import most_tokens
from models.errors import BadInput, BudgetExhausted, Learnt, RateLimited, Refused, Unavailable
from models.notes import Notes
from models.prices import Price
from models.wrapping import Wrapper

NANO = 1_000_000_000
"""Money is kept in whole billionths of a dollar: sums are exact, and no rounding ever passes a limit."""


@dataclass(frozen=True, slots=True)
class Total:
    """What one model has used.

    ``assumed_usd``, a part of ``cost_usd``, was reserved for calls whose real use never became known. ``priced`` is
    false for a model whose price nobody declared: its cost is then not 0 but unknown.
    """

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float = 0.0
    assumed_usd: float = 0.0
    priced: bool = True


@dataclass(frozen=True, slots=True)
class Reservation:
    """The worst case of one call that has not ended yet."""

    model: str
    tokens_in: int
    tokens_out: int
    nano: int
    priced: bool

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out


@dataclass(frozen=True, slots=True)
class Allowance:
    """A part of the limits, in billionths of a dollar and in tokens, that another process may use up by itself."""

    nano: int = 0
    tokens: int = 0

    def __add__(self, other: "Allowance") -> "Allowance":
        return Allowance(self.nano + other.nano, self.tokens + other.tokens)

    def __sub__(self, other: "Allowance") -> "Allowance":
        return Allowance(self.nano - other.nano, self.tokens - other.tokens)


@dataclass(slots=True)
class _Account:
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    nano: int = 0
    assumed_nano: int = 0
    priced: bool = True


class Ledger:
    """Limits in US dollars and in tokens (``None``: no limit) and what was used so far.

    ``spent`` is what counts against the limits from the start: a night that goes on after an interruption gives the
    totals it had then.
    """

    def __init__(
        self,
        limit_usd: float | None = None,
        limit_tokens: int | None = None,
        spent: Mapping[str, Total] | None = None,
    ) -> None:
        self.limit_usd = limit_usd
        self.limit_tokens = limit_tokens
        self._limit_nano = None if limit_usd is None else math.floor(limit_usd * NANO + 1e-3)
        self._lock = threading.Lock()
        self._open: dict[int, Reservation] = {}
        self._accounts = {name: _account(total) for name, total in (spent or {}).items()}
        self._committed_nano = sum(account.nano for account in self._accounts.values())
        self._committed_tokens = sum(account.tokens_in + account.tokens_out for account in self._accounts.values())

    def reserve(self, model: str, tokens_in: int, tokens_out: int, price: Price | None) -> Reservation:
        """Set the worst case of a call aside; raises ``BudgetExhausted`` if it does not fit the limits."""
        usd = 0.0 if price is None else price.most(tokens_in, tokens_out)
        wanted = Reservation(model, tokens_in, tokens_out, _nano(usd), price is not None)
        with self._lock:
            nano, tokens = self._committed_nano, self._committed_tokens
            if self._limit_nano is not None and nano + wanted.nano > self._limit_nano:
                left = max(self._limit_nano - nano, 0) / NANO
                raise BudgetExhausted(
                    f"budget: a call to {model} may cost ${usd:.4f} and ${left:.4f} of ${self.limit_usd:g} is left; "
                    "raise budget.usd to go on"
                )
            if self.limit_tokens is not None and tokens + wanted.tokens > self.limit_tokens:
                spare = max(self.limit_tokens - tokens, 0)
                raise BudgetExhausted(
                    f"budget: a call to {model} may use {wanted.tokens} tokens and {spare} of {self.limit_tokens} are "
                    "left; raise budget.tokens to go on"
                )
            self._open[id(wanted)] = wanted
            self._committed_nano += wanted.nano
            self._committed_tokens += wanted.tokens
        return wanted

    def settle(self, reservation: Reservation, usage: Usage, usd: float) -> None:
        """Replace the reservation by what the call really used."""
        self._close(reservation, usage.tokens_in, usage.tokens_out, _nano(usd), assumed=False)

    def keep(self, reservation: Reservation) -> None:
        """Book the whole reservation: the provider may have done the work, and what it was is not known."""
        self._close(reservation, reservation.tokens_in, reservation.tokens_out, reservation.nano, assumed=True)

    def release(self, reservation: Reservation) -> None:
        """Give the reservation back: the provider did no work."""
        with self._lock:
            self._take_back(reservation)

    def lend(self, least: Allowance, most: Allowance) -> Allowance:
        """Set aside for another process between ``least`` and ``most``, as far as it is left.

        Raises ``BudgetExhausted`` where not even ``least`` is. What has no limit is lent in full.
        """
        with self._lock:
            nano, tokens = most.nano, most.tokens
            if self._limit_nano is not None:
                nano = min(nano, self._limit_nano - self._committed_nano)
            if self.limit_tokens is not None:
                tokens = min(tokens, self.limit_tokens - self._committed_tokens)
            if nano < least.nano or tokens < least.tokens:
                raise BudgetExhausted(
                    f"budget: a call may cost ${least.nano / NANO:.4f} and use {least.tokens} tokens, and of the "
                    f"limits ${max(nano, 0) / NANO:.4f} and {max(tokens, 0)} tokens are left; raise budget.usd or "
                    "budget.tokens to go on"
                )
            self._committed_nano += nano
            self._committed_tokens += tokens
        return Allowance(nano, tokens)

    def repay(self, lent: Allowance, used: Mapping[str, Total]) -> None:
        """Take back ``lent``, the whole of a loan or a part of it, and book what was really used of it, by model."""
        with self._lock:
            self._committed_nano -= lent.nano
            self._committed_tokens -= lent.tokens
            for model, total in used.items():
                account, new = self._accounts.setdefault(model, _Account()), _account(total)
                account.calls += new.calls
                account.tokens_in += new.tokens_in
                account.tokens_out += new.tokens_out
                account.nano += new.nano
                account.assumed_nano += new.assumed_nano
                account.priced = account.priced and new.priced
                self._committed_nano += new.nano
                self._committed_tokens += new.tokens_in + new.tokens_out

    def carry(self, spent: Mapping[str, Total]) -> None:
        """Book what earlier executions of a run spent: it counts against the limits."""
        self.repay(Allowance(), spent)

    def extend(self, by: Allowance) -> None:
        """Raise the limits that there are: this is the ledger of the other process, and a loan has come."""
        with self._lock:
            if self._limit_nano is not None:
                self._limit_nano += by.nano
                self.limit_usd = self._limit_nano / NANO
            if self.limit_tokens is not None:
                self.limit_tokens += by.tokens

    @property
    def spent_usd(self) -> float:
        with self._lock:
            return sum(account.nano for account in self._accounts.values()) / NANO

    @property
    def spent_tokens(self) -> int:
        with self._lock:
            return sum(account.tokens_in + account.tokens_out for account in self._accounts.values())

    def totals(self) -> dict[str, Total]:
        """What each model has used, by its recorded name."""
        with self._lock:
            return {
                name: Total(
                    account.calls,
                    account.tokens_in,
                    account.tokens_out,
                    account.nano / NANO,
                    account.assumed_nano / NANO,
                    account.priced,
                )
                for name, account in self._accounts.items()
            }

    def _close(self, reservation: Reservation, tokens_in: int, tokens_out: int, nano: int, assumed: bool) -> None:
        with self._lock:
            self._take_back(reservation)
            self._committed_nano += nano
            self._committed_tokens += tokens_in + tokens_out
            account = self._accounts.setdefault(reservation.model, _Account())
            account.calls += 1
            account.tokens_in += tokens_in
            account.tokens_out += tokens_out
            account.nano += nano
            account.assumed_nano += nano if assumed else 0
            account.priced = account.priced and reservation.priced

    def _take_back(self, reservation: Reservation) -> None:
        """Forget an open reservation; the lock is held. Ending a call twice is a mistake and raises ``KeyError``."""
        del self._open[id(reservation)]
        self._committed_nano -= reservation.nano
        self._committed_tokens -= reservation.tokens


class Metered(Wrapper):
    """A model whose every call passes ``ledger`` at ``price``, and whose completions carry their cost.

    A ``price`` of ``None`` is one that is not known: the call is counted, and costs 0 as far as can be told.

    A call that the provider turned down is released. One whose work it may have done all the same (it answered too
    late, or in a form that could not be read, or the connection was lost, in mid-stream too, or we stopped waiting)
    stays booked with its worst case. ``least_out`` is the smallest limit of an answer that the provider takes: it may
    answer as much, whatever it is asked. ``account`` is what is booked under, where that is not the model's name: the
    replicas of one model have one account.

    Where the provider does not count what it took, the estimate is booked, and ``notes`` are told; an answer that
    costs money by tokens that nobody counted is no answer: it stays booked with its worst case. Some servers count
    whole answers only: then all are asked whole from there on.
    """

    def __init__(
        self,
        model: ChatModel,
        ledger: Ledger,
        price: Price | None,
        least_out: int = 0,
        account: str | None = None,
        *,
        notes: Notes | None = None,
    ) -> None:
        super().__init__(model)
        self._ledger = ledger
        self._price = price
        self._least_out = least_out
        self._account = account or model.name
        self._notes = notes or Notes()
        self._counts_streams = True

    async def complete(self, request: ChatRequest) -> Completion:
        most_out = max(request.max_tokens, self._least_out)
        reservation = self._ledger.reserve(self._account, most_tokens(request.messages), most_out, self._price)
        asked = request if self._counts_streams else replace(request, on_text=None)
        try:
            completion = await self._model.complete(asked)
        except BaseException as fault:
            if _turned_down(fault):
                self._ledger.release(reservation)
            else:
                self._ledger.keep(reservation)
            raise
        usage, price = completion.usage, self._price
        if usage.estimated and price is not None and not price.free:
            self._ledger.keep(reservation)
            raise self._uncounted(asked)
        if usage.estimated:
            self._notes.tell(self._account, "counts", "the server does not count tokens: they are estimated")
        cost = 0.0 if price is None else price.cost(usage.tokens_in, usage.tokens_out, usage.cached, usage.written)
        self._ledger.settle(reservation, usage, cost)
        completion = replace(completion, cost=cost)
        return completion if asked is request else given_whole(request, completion)

    def _uncounted(self, asked: ChatRequest) -> Learnt | Unavailable:
        """The fault of an answer that costs money and was not counted."""
        if asked.on_text is not None:
            self._counts_streams = False
            return Learnt(f"{self.name}: the server does not count what it streams, and is asked for whole answers")
        return Unavailable(
            f"{self.name}: no token counts that can be came with the answer, so its cost cannot be booked; ask the "
            "server for them (usage), or declare price = [0.0, 0.0] beside the model if it costs nothing",
            retryable=False,
            may_be_billed=True,
        )


def _turned_down(fault: BaseException) -> bool:
    """Whether the provider surely did no work; ``BadInput`` is raised before anything is sent."""
    if isinstance(fault, RateLimited | Refused | Unavailable):
        return not fault.may_be_billed
    return isinstance(fault, BadInput | Learnt)


def _account(total: Total) -> _Account:
    """The account that ``total`` was made of: its money is whole billionths already, so nothing is rounded up."""
    nano, assumed = round(total.cost_usd * NANO), round(total.assumed_usd * NANO)
    return _Account(total.calls, total.tokens_in, total.tokens_out, nano, assumed, total.priced)


def _nano(usd: float) -> int:
    """Billionths of a dollar, rounded up (a price is a sum of floats: the last digit is not the price's)."""
    return math.ceil(usd * NANO - 1e-6)
