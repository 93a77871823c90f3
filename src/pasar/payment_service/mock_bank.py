"""
A bank for development, tests and demonstrations, with a ledger of its own.

The ledger is append-only by grant, so that a double charge would stay visible. The first answer
of a key is stored there and given again; what is drawn afterwards does not count.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

from pasar.kit.batching import Batcher
from pasar.kit.database import Database
from pasar.kit.money import Money
from pasar.payment_service.gateway import Answer, Gateway, NoAnswer

# In one order everywhere, so that two batches never wait for each other.
RECORD: Final = """
WITH asked AS (
    SELECT *
    FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::numeric[], $5::boolean[], $6::text[]
    ) WITH ORDINALITY AS a (key, kind, order_id, amount, approved, reason, position)
)
, made AS (
    INSERT INTO provider_ledger (key, kind, order_id, amount, approved, reason)
    SELECT key, kind, order_id, amount, approved, nullif(reason, '')
    FROM asked
    ORDER BY key, position
    ON CONFLICT (key) DO NOTHING
    RETURNING key
)
SELECT min(position) AS position
FROM asked
JOIN made USING (key)
GROUP BY key
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

_APPROVAL: Final = Answer(approved=True)
_DECLINE: Final = Answer(approved=False, reason="declined")

_BATCH: Final = 200  # entries in one statement


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger."""

    key: str
    kind: Literal["charge", "refund"]
    order_id: str
    amount: Money
    answer: Answer


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
        self._record = Batcher(self._record_all, most=_BATCH)

    async def charge(self, key: str, order_id: str, amount: Money) -> Sequence[Answer]:
        draw = self._draw(key)
        script = self._script(amount)
        approved = script != _DECLINED and draw.random() < self._success_rate
        answer = _APPROVAL if approved else _DECLINE
        await asyncio.sleep(draw.uniform(*self._delay_s))
        if not await self._record(Entry(key, "charge", order_id, amount, answer)):
            return [await self._first_answer(key)]
        if script == _SILENT_ONCE:
            raise NoAnswer
        return [answer, answer] if script == _TWICE else [answer]

    async def refund(self, key: str, order_id: str, amount: Money) -> None:
        await asyncio.sleep(self._draw(key).uniform(*self._delay_s))
        first = await self._record(Entry(key, "refund", order_id, amount, _APPROVAL))
        if first and self._script(amount) == _SILENT_ONCE:
            raise NoAnswer

    def _draw(self, key: str) -> Random:
        return Random(f"{self._seed}:{key}")  # noqa: S311  a die, no secret

    def _script(self, amount: Money) -> int | None:
        return amount.minor % 100 if self._scripted else None

    async def _first_answer(self, key: str) -> Answer:
        [row] = await self._db.fetch(FIND_ENTRY, key)
        return Answer(approved=row["approved"], reason=row["reason"] or "")

    async def _record_all(self, entries: Sequence[Entry]) -> Sequence[bool]:
        """Tell of each whether it is the first of its key; only then it was written."""
        rows = [
            (
                *(entry.key, entry.kind, entry.order_id, entry.amount.decimal()),
                *(entry.answer.approved, entry.answer.reason),
            )
            for entry in entries
        ]
        made = {row["position"] for row in await self._db.fetch(RECORD, *zip(*rows, strict=True))}
        return [position in made for position, _ in enumerate(entries, start=1)]


_: type[Gateway] = MockBank
