"""The worker's side of the budget: it spends what the program lent it, and asks for more before it runs short.

The program's own ledger stays the only one that knows the limits. What is lent counts there as spent until the worker
says what was really used, so the limits hold whatever becomes of a worker. Knows nothing about Ray.
"""

import asyncio
import math

from cornerman.scale.tickets import Ask, Grant
from models.chat import ChatModel, ChatRequest, Completion
from models.errors import BudgetExhausted, ModelError
from models.ledger import NANO, Allowance, Ledger, Reservation
from models.patience import unhurried
from models.prices import Price
from models.wrapping import Wrapper

AHEAD = 2
"""A worker asks for this many times what its waiting calls may use: most use less, and every question takes time."""


class Short(ModelError):
    """A call does not fit into what was lent; it has not been made."""

    def __init__(self, model: str, need: Allowance) -> None:
        super().__init__(f"{model} waits for a part of the budget")
        self.model = model
        self.need = need


class Lease(Ledger):
    """A ledger whose limits are what was lent so far."""

    def reserve(self, model: str, tokens_in: int, tokens_out: int, price: Price | None) -> Reservation:
        """As ``Ledger.reserve``, but raises ``Short``."""
        try:
            return super().reserve(model, tokens_in, tokens_out, price)
        except BudgetExhausted:
            usd = 0.0 if price is None else price.most(tokens_in, tokens_out)
            raise Short(model, Allowance(math.ceil(usd * NANO), tokens_in + tokens_out)) from None


class Purse:
    """A worker's ledger and the calls that wait until it holds more. Used on one event loop."""

    def __init__(self, *, limited_usd: bool, limited_tokens: bool) -> None:
        self.ledger = Lease(0.0 if limited_usd else None, 0 if limited_tokens else None)
        self._waiting: list[tuple[Short, asyncio.Future[None]]] = []
        self._asked: list[asyncio.Future[None]] = []
        self._short = asyncio.Event()

    async def more(self, short: Short) -> None:
        """Wait until more was lent; raises ``BudgetExhausted`` if it was refused."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((short, future))
        self._short.set()
        await unhurried(future)

    async def wants(self) -> Ask:
        """Wait until a call is short, and say what to ask for. ``granted`` is called before this is called again."""
        await self._short.wait()
        self._short.clear()
        shorts = [short for short, _ in self._waiting]
        self._asked = [future for _, future in self._waiting]
        self._waiting = []
        needs = [short.need for short in shorts]
        least = Allowance(max(need.nano for need in needs), max(need.tokens for need in needs))
        most = sum((need for _ in range(AHEAD) for need in needs), Allowance())
        return Ask(shorts[0].model, least, most, self.ledger.totals())

    def granted(self, grant: Grant) -> None:
        """Let the calls go on that the last ``wants`` asked for, or end them."""
        self.ledger.extend(grant.lent)
        for future in self._asked:
            if future.done():
                continue
            if grant.refusal:
                future.set_exception(BudgetExhausted(grant.refusal))
            else:
                future.set_result(None)


class Leased(Wrapper):
    """A model whose calls wait for the purse where it is short; a time limit around the call stands still meanwhile."""

    def __init__(self, model: ChatModel, purse: Purse) -> None:
        super().__init__(model)
        self._purse = purse

    async def complete(self, request: ChatRequest) -> Completion:
        """As the model's own. A call that was retried and then ran short begins anew."""
        while True:
            try:
                return await self._model.complete(request)
            except Short as short:
                need = short
            await self._purse.more(need)
