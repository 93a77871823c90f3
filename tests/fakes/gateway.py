"""A bank in memory that answers when it is told to."""

import asyncio
from collections.abc import Sequence

from pasar.kit.money import Money
from pasar.payment_service.gateway import Answer, Gateway
from tests.waiting import eventually


class MemoryBank:
    """`calls` counts questions, `ledger` money moved; clearing `willing` keeps callers waiting."""

    def __init__(self, *, approves: bool = True) -> None:
        self.ledger: dict[str, Answer] = {}
        self.calls = 0
        self.willing = asyncio.Event()
        self.willing.set()
        self._answer = Answer(approved=True) if approves else Answer(False, "declined")

    async def until_called(self, times: int = 1) -> None:
        await eventually(lambda: self.calls >= times)

    async def charge(self, key: str, order_id: str, amount: Money) -> Sequence[Answer]:  # noqa: ARG002  the port's
        self.calls += 1
        await self.willing.wait()
        return [self.ledger.setdefault(key, self._answer)]

    async def refund(self, key: str, order_id: str, amount: Money) -> None:  # noqa: ARG002  the port's
        self.calls += 1
        await self.willing.wait()
        self.ledger.setdefault(key, Answer(approved=True))


class CrashingBank:
    """Takes the money; the caller dies before it learns of it."""

    def __init__(self, bank: Gateway) -> None:
        self._bank = bank

    async def charge(self, key: str, order_id: str, amount: Money) -> Sequence[Answer]:
        await self._bank.charge(key, order_id, amount)
        msg = "killed after the bank"
        raise RuntimeError(msg)

    async def refund(self, key: str, order_id: str, amount: Money) -> None:
        await self._bank.refund(key, order_id, amount)
        msg = "killed after the bank"
        raise RuntimeError(msg)


_: type[Gateway] = MemoryBank
