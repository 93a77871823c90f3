"""The audit at the end of a run tells what is still on its way from what is broken."""

import asyncio

from chaos.verdict import audited
from pasar.audit.check import Verdict
from pasar.kit.postgres import PostgresDatabase
from tests.audit.shop import SHOP, plant

SPOKEN_OF_AGAIN = "UPDATE payment.outbox SET sent_at = NULL"
SENT = "UPDATE payment.outbox SET sent_at = now()"


async def test_an_answer_that_is_sent_once_more_is_waited_for(owner: PostgresDatabase) -> None:
    await plant(owner, SHOP)
    await owner.execute(SPOKEN_OF_AGAIN)

    async with asyncio.TaskGroup() as together:
        report = together.create_task(audited(owner))
        await asyncio.sleep(0)
        assert not report.done()
        await owner.execute(SENT)

    assert report.result().verdict is Verdict.HOLDS
