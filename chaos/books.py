"""What the databases say at the end of a run, asked past every link."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chaos.messages import Letter
from pasar.kit.database import Database

# What is still on its way; nothing of it may be left once all parts run.
UNSETTLED: Final = """
SELECT 'order ' || id AS what FROM orders WHERE status = 'pending'
UNION ALL
SELECT 'payment of ' || order_id FROM payments WHERE status = 'pending'
UNION ALL
SELECT 'refund of ' || order_id FROM refunds WHERE status = 'pending'
UNION ALL
SELECT 'charge of ' || order_id FROM payment.charges WHERE status = 'pending'
UNION ALL
SELECT 'unsent ' || topic || ' of ' || aggregate_id FROM outbox WHERE sent_at IS NULL
UNION ALL
SELECT 'unsent ' || topic || ' of ' || aggregate_id FROM payment.outbox WHERE sent_at IS NULL
"""

DEAD: Final = """
SELECT topic, body FROM dead_letters UNION SELECT topic, body FROM payment.dead_letters
"""

ORDERS: Final = "SELECT id::text AS id, shipping_address AS key, status FROM orders"

MOVES: Final = """
SELECT h.order_id::text AS order_id, h.store_id::text AS store_id, h.to_status
FROM order_status_history h WHERE h.store_id IS NOT NULL
"""

PAID: Final = """
SELECT extract(epoch FROM at)::float8 AS at FROM order_status_history
WHERE to_status = 'paid' AND store_id IS NULL ORDER BY at
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """An order; `key` is what its buyer wrote into the address."""

    order_id: str
    key: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """`moves`: order, store and status; `paid_at`: seconds since the epoch, ascending."""

    orders: Mapping[str, Kept]
    moves: frozenset[tuple[str, str, str]]
    dead: frozenset[Letter]
    paid_at: Sequence[float]


async def unsettled(database: Database) -> Sequence[str]:
    """Name what is on its way. Raises Unavailable."""
    return [row["what"] for row in await database.fetch(UNSETTLED)]


async def dead(database: Database) -> frozenset[Letter]:
    return frozenset(Letter(row["topic"], row["body"]) for row in await database.fetch(DEAD))


async def read(database: Database) -> Books:
    """Read everything the log is compared with. Raises Unavailable."""
    orders = [Kept(row["id"], row["key"], row["status"]) for row in await database.fetch(ORDERS)]
    moves = await database.fetch(MOVES)
    return Books(
        orders={order.order_id: order for order in orders},
        moves=frozenset((row["order_id"], row["store_id"], row["to_status"]) for row in moves),
        dead=await dead(database),
        paid_at=[row["at"] for row in await database.fetch(PAID)],
    )
