"""
A bank for development, tests and demonstrations, with a ledger of its own.

The ledger is append-only by grant, so that a double charge would stay visible. The first answer
of a key is stored there and given again; what is drawn afterwards does not count.
"""

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Final

from pasar.kit.database import Database
from pasar.kit.money import Money
from pasar.payment_service.gateway import Answer, Gateway, NoAnswer

INSERT_ENTRY: Final = """
INSERT INTO provider_ledger (key, kind, order_id, amount, approved, reason)
VALUES ($1, 'charge', $2, $3, $4, nullif($5, ''))
ON CONFLICT (key) DO NOTHING
"""

FIND_ENTRY: Final = """
SELECT approved, reason
FROM provider_ledger
WHERE key = $1
"""

# Scripted by the last two digits of the amount.
_DECLINED: Final = 13
_SILENT_ONCE: Final = 14
_TWICE: Final = 15

_DECLINE: Final = Answer(approved=False, reason="declined")


class MockBank:
    """
    Approves the share `success_rate` after a delay drawn evenly from `delay_s`, (least, most).

    The same `seed` draws the same for the same key, in any order of calls. `scripted` turns the
    scripted amounts on: .13 is declined, of .14 the first answer is lost, .15 answers twice.
    """

    def __init__(
        self,
        db: Database,
        *,
        success_rate: float,
        delay_s: tuple[float, float],
        seed: str,
        scripted: bool,
    ) -> None:
        self._db = db
        self._success_rate = success_rate
        self._delay_s = delay_s
        self._seed = seed
        self._scripted = scripted

    async def charge(self, key: str, order_id: str, amount: Money) -> Sequence[Answer]:
        draw = Random(f"{self._seed}:{key}")  # noqa: S311  a dice, no secret
        script = amount.minor % 100 if self._scripted else None
        approved = script != _DECLINED and draw.random() < self._success_rate
        answer = Answer(approved=True) if approved else _DECLINE
        await asyncio.sleep(draw.uniform(*self._delay_s))
        if not await self._db.execute(
            INSERT_ENTRY, key, order_id, amount.decimal(), answer.approved, answer.reason
        ):
            return [await self._first_answer(key)]
        if script == _SILENT_ONCE:
            raise NoAnswer
        return [answer, answer] if script == _TWICE else [answer]

    async def _first_answer(self, key: str) -> Answer:
        [row] = await self._db.fetch(FIND_ENTRY, key)
        return Answer(approved=row["approved"], reason=row["reason"] or "")


_: type[Gateway] = MockBank
