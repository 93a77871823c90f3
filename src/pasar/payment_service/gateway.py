"""The port to the bank. The bank in use is `mock_bank.py`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pasar.kit.money import Money


@dataclass(frozen=True, slots=True)
class Answer:
    """The bank's decision; `reason` is empty when it approves."""

    approved: bool
    reason: str = ""


class NoAnswer(Exception):
    """The bank stayed silent: it may have taken the money. Ask again with the same key."""


class Gateway(Protocol):
    async def charge(self, key: str, order_id: str, amount: Money) -> Sequence[Answer]:
        """
        Take the money once per key and return the answers: one, seldom more, all to one effect.

        A key used before gets its first answer again and moves no money. Called outside any
        transaction. Raises NoAnswer, and kit.errors.Unavailable when the bank cannot be reached.
        """
        ...

    async def refund(self, key: str, order_id: str, amount: Money) -> None:
        """
        Give the money back once per key; a bank that has it never declines.

        A key used before moves no money. Called outside any transaction. Raises as `charge` does.
        """
        ...
