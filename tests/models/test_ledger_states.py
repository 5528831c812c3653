"""The ledger of money, and everything that may happen to it in any order: calls, loans to other processes, restarts."""

from dataclasses import dataclass

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from models.chat import Usage
from models.errors import BudgetExhausted
from models.ledger import NANO, Allowance, Ledger, Reservation, Total
from models.prices import FREE, Price

PRICES = (FREE, Price(1.0, 10.0), Price(0.05, 0.4), Price(3.0, 7.0, long_from=50, long_in=6.0, long_out=21.0), None)
HAIR = Price(0.001, 0.001)
"""One billionth of a dollar a token."""

MODELS = st.sampled_from(["one", "other"])
TOKENS = st.integers(0, 200)
AMOUNTS = st.builds(Allowance, st.integers(0, 10**6) | st.integers(0, 10**12), st.integers(0, 300))
ALL = Allowance(10**18, 10**18)
"""More than there ever is; what is not limited counts as this."""


@dataclass(frozen=True)
class Call:
    """One that is under way; ``life`` numbers the process that made it."""

    reservation: Reservation
    price: Price | None
    life: int


@dataclass(frozen=True)
class Loan:
    amount: Allowance
    life: int


@dataclass
class Spent:
    """As ``Total``, in whole billionths of a dollar."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    nano: int = 0
    assumed: int = 0
    priced: bool = True


def nano(usd: float) -> int:
    return round(usd * NANO)


class Money(RuleBasedStateMachine):
    """What is spent, open and lent is kept beside the ledger, by what it answered; the two must agree throughout."""

    calls: Bundle[Call] = Bundle("calls")
    loans: Bundle[Loan] = Bundle("loans")

    @initialize(
        usd=st.none() | (st.integers(0, 5000) | st.integers(0, 10**9)).map(lambda millionths: millionths / 1e6),
        tokens=st.none() | st.integers(0, 2000),
    )
    def begin(self, usd: float | None, tokens: int | None) -> None:
        self.ledger = Ledger(usd, tokens)
        self.limit = Allowance(ALL.nano if usd is None else nano(usd), ALL.tokens if tokens is None else tokens)
        self.open = self.lent = Allowance()
        self.spent: dict[str, Spent] = {}
        self.life = 0

    @property
    def left(self) -> Allowance:
        used = self.spent.values()
        tokens = sum(one.tokens_in + one.tokens_out for one in used)
        return self.limit - Allowance(sum(one.nano for one in used), tokens) - self.open - self.lent

    def book(self, model: str, tokens_in: int, tokens_out: int, *, cost: int, assumed: int = 0, priced: bool) -> None:
        account = self.spent.setdefault(model, Spent())
        account.calls += 1
        account.tokens_in += tokens_in
        account.tokens_out += tokens_out
        account.nano += cost
        account.assumed += assumed
        account.priced = account.priced and priced

    @rule(target=calls, model=MODELS, tokens_in=TOKENS, tokens_out=TOKENS, price=st.sampled_from(PRICES))
    def reserve(self, model: str, tokens_in: int, tokens_out: int, price: Price | None) -> Call:
        before, worst = self.left, 0 if price is None else nano(price.cost(tokens_in, tokens_out))
        try:
            reservation = self.ledger.reserve(model, tokens_in, tokens_out, price)
            assert reservation == Reservation(model, tokens_in, tokens_out, worst, price is not None)
        except BudgetExhausted:
            assert worst > before.nano or tokens_in + tokens_out > before.tokens, "it would have fitted"
            price, reservation = FREE, self.ledger.reserve(model, 0, 0, FREE)  # nothing at all always fits
        self.open += Allowance(reservation.nano, reservation.tokens)
        return Call(reservation, price, self.life)

    def ends(self, call: Call) -> bool:
        """Take a call out of what is open; false for one whose process is gone."""
        if call.life != self.life:
            return False
        self.open -= Allowance(call.reservation.nano, call.reservation.tokens)
        return True

    @rule(call=consumes(calls), part=st.floats(0, 1))
    def settle(self, call: Call, part: float) -> None:
        if not self.ends(call):
            return
        reserved = call.reservation
        usage = Usage(int(reserved.tokens_in * part), int(reserved.tokens_out * part))
        usd = 0.0 if call.price is None else call.price.cost(usage.tokens_in, usage.tokens_out)
        self.ledger.settle(reserved, usage, usd)
        self.book(reserved.model, usage.tokens_in, usage.tokens_out, cost=nano(usd), priced=reserved.priced)
        for again in (self.ledger.keep, self.ledger.release):
            with pytest.raises(KeyError):
                again(reserved)

    @rule(call=consumes(calls))
    def keep(self, call: Call) -> None:
        if self.ends(call):
            self.ledger.keep(call.reservation)
            kept = call.reservation
            costs = {"cost": kept.nano, "assumed": kept.nano}
            self.book(kept.model, kept.tokens_in, kept.tokens_out, **costs, priced=kept.priced)

    @rule(call=consumes(calls))
    def release(self, call: Call) -> None:
        if self.ends(call):
            self.ledger.release(call.reservation)

    @rule(model=MODELS, left=st.integers(0, 5))
    def a_hair_too_much(self, model: str, left: int) -> None:
        """Of a few billionths of a dollar that are left all can be had, and not one more."""
        if self.ledger.limit_usd is None:
            return
        left = min(left, self.left.nano)
        lent = self.ledger.lend(Allowance(), Allowance(self.left.nano - left, 0))
        with pytest.raises(BudgetExhausted):
            self.ledger.reserve(model, left + 1, 0, HAIR)
        if left <= self.left.tokens:
            self.ledger.release(self.ledger.reserve(model, left, 0, HAIR))
        self.ledger.repay(lent, {})

    @rule(target=loans, least=AMOUNTS, more=AMOUNTS)
    def lend(self, least: Allowance, more: Allowance) -> Loan:
        before, most = self.left, least + more
        try:
            lent = self.ledger.lend(least, most)
        except BudgetExhausted:
            assert least.nano > before.nano or least.tokens > before.tokens, "it would have fitted"
            return Loan(Allowance(), self.life)
        assert lent == Allowance(min(most.nano, before.nano), min(most.tokens, before.tokens))
        self.lent += lent
        return Loan(lent, self.life)

    @rule(
        target=loans,
        loan=consumes(loans),
        model=MODELS,
        part=st.floats(0, 1),
        used=st.floats(0, 1),
        assumed=st.booleans(),
        priced=st.booleans(),
    )
    def repay(self, loan: Loan, model: str, *, part: float, used: float, assumed: bool, priced: bool) -> Loan:
        """A part of a loan comes back, and of that a part was used; the rest may come back later."""
        if loan.life != self.life:
            return loan
        back = Allowance(int(loan.amount.nano * part), int(loan.amount.tokens * part))
        cost, tokens = int(back.nano * used), int(back.tokens * used)
        usd = cost / NANO
        total = Total(1, tokens // 2, tokens - tokens // 2, usd, usd if assumed else 0.0, priced)
        self.ledger.repay(back, {model: total})
        costs = {"cost": cost, "assumed": cost if assumed else 0}
        self.book(model, total.tokens_in, total.tokens_out, **costs, priced=priced)
        self.lent -= back
        return Loan(loan.amount - back, self.life)

    @rule(model=MODELS, part=st.floats(0, 1))
    def carry(self, model: str, part: float) -> None:
        """What a run has spent before comes to this ledger; here it is no more than there is left."""
        cost, tokens = int(min(self.left.nano, NANO) * part), int(min(self.left.tokens, 300) * part)
        self.ledger.carry({model: Total(1, tokens, 0, cost / NANO)})
        self.book(model, tokens, 0, cost=cost, priced=True)

    @rule(by=AMOUNTS)
    def extend(self, by: Allowance) -> None:
        """Only what has a limit grows by it."""
        self.ledger.extend(by)
        limited = (self.ledger.limit_usd is not None, self.ledger.limit_tokens is not None)
        self.limit += Allowance(by.nano * limited[0], by.tokens * limited[1])

    @rule()
    def die_and_go_on(self) -> None:
        """The next process knows the limits and what was spent; what was open and lent is gone."""
        self.ledger = Ledger(self.ledger.limit_usd, self.ledger.limit_tokens, self.ledger.totals())
        self.open = self.lent = Allowance()
        self.life += 1

    @invariant()
    def no_limit_is_passed(self) -> None:
        assert self.left.nano >= 0
        assert self.left.tokens >= 0

    @invariant()
    def what_is_left_is_what_is_not_spent_or_open_or_lent(self) -> None:
        left = self.ledger.lend(Allowance(), ALL)
        self.ledger.repay(left, {})
        limited = (self.ledger.limit_usd is not None, self.ledger.limit_tokens is not None)
        assert left == Allowance(
            self.left.nano if limited[0] else ALL.nano, self.left.tokens if limited[1] else ALL.tokens
        )

    @invariant()
    def totals_are_the_sum_of_what_was_booked(self) -> None:
        found = {
            name: Spent(
                total.calls,
                total.tokens_in,
                total.tokens_out,
                nano(total.cost_usd),
                nano(total.assumed_usd),
                total.priced,
            )
            for name, total in self.ledger.totals().items()
        }
        assert found == self.spent
        assert all(min(one.tokens_in, one.tokens_out, one.nano, one.assumed) >= 0 for one in found.values())
        assert all(one.assumed <= one.nano for one in found.values())
        assert nano(self.ledger.spent_usd) == sum(one.nano for one in found.values())
        assert self.ledger.spent_tokens == sum(one.tokens_in + one.tokens_out for one in found.values())


TestMoney = Money.TestCase
