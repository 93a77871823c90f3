"""H33: whether some worker lives, as a web process sees it."""

import pytest

from pasar.kit.errors import Unavailable
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service import heartbeat


async def test_h33_a_worker_never_heard_of_is_no_worker(database: PostgresDatabase) -> None:
    with pytest.raises(Unavailable):
        await heartbeat.check(database, 30)


async def test_h33_a_worker_lives_until_it_was_silent_for_the_limit(
    database: PostgresDatabase, owner: PostgresDatabase
) -> None:
    for _ in range(2):
        await heartbeat.beat(database)
    await heartbeat.check(database, 30)
    await owner.execute("UPDATE heartbeats SET at = at - interval '29 s'")
    await heartbeat.check(database, 30)
    await owner.execute("UPDATE heartbeats SET at = at - interval '1 s'")
    with pytest.raises(Unavailable, match="30 s"):
        await heartbeat.check(database, 30)
    await heartbeat.beat(database)
    await heartbeat.check(database, 30)
