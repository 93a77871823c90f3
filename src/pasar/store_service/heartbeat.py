"""
The worker's heartbeat: a row that web processes read, so that they know when it is dead or stuck.

In PostgreSQL, which `/ready` asks anyway: without Redis the shop still works, and is ready.
"""

from typing import Final

from pasar.kit.database import Database
from pasar.kit.errors import Unavailable

BEAT: Final = """
INSERT INTO heartbeats (process, at) VALUES ('worker', now())
ON CONFLICT (process) DO UPDATE SET at = now()
"""

ALIVE: Final = """
SELECT FROM heartbeats WHERE process = 'worker' AND at > now() - make_interval(secs => $1)
"""

BEATS_WITHIN_LIMIT: Final = 6  # so many must be missed in a row


async def beat(database: Database) -> None:
    """Say that a worker lives; one row for all of them, since any of them does all the work."""
    await database.execute(BEAT)


async def check(database: Database, limit_s: float) -> None:
    """Raise Unavailable if no worker has been heard of for `limit_s` seconds, or ever."""
    if await database.fetch_one(ALIVE, limit_s) is None:
        raise Unavailable(f"no heartbeat of a worker for {limit_s:g} s")
