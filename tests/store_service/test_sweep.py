"""The hourly sweep on a shop's tables: what is of no more use goes, and nothing else."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from pasar.kit.postgres import PostgresDatabase
from pasar.kit.sweep import Sweeper
from pasar.store_service.accounts.postgres import PostgresUsers
from pasar.store_service.accounts.postgres_sessions import PostgresSessions
from pasar.store_service.cart.postgres import PostgresCarts
from pasar.store_service.config import StoreConfig
from pasar.store_service.sweep import SWEPT_AT_ONCE
from pasar.store_service.sweep import sweeper as connected
from tests.fakes.storage import MemoryFile, MemoryStorage
from tests.store_service.accounts.logins import Login, presented
from tests.store_service.shop import Shop

SENT = """
INSERT INTO outbox (message_id, topic, aggregate_id, payload, created_at, sent_at)
SELECT gen_random_uuid(), 'order.created', $1, '{}', now() - $2::interval,
    CASE WHEN $3 THEN now() - $2::interval END
FROM generate_series(1, $4)
"""
TAKEN_IN = "INSERT INTO inbox (consumer, message_id, at) VALUES ('us', $1, now() - $2::interval)"
FAILED = "INSERT INTO login_failures (account_key, address_key, at) VALUES ('', $1, $2)"
EXPIRE = "UPDATE refresh_tokens SET expires_at = now() - $2::interval WHERE id = $1"
AGE = "UPDATE refresh_families SET created_at = now() - $1::interval"
HIDE = """
UPDATE products SET deleted_at = now() - interval '2 h', category_id = NULL WHERE id = $1
"""


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def sweeper(database: PostgresDatabase, storage: MemoryStorage) -> Sweeper:
    return connected(StoreConfig(), database, storage)


async def left(owner: PostgresDatabase, sql: str) -> Sequence[object]:
    return [row["what"] for row in await owner.fetch(sql)]


async def test_events_go_a_week_after_they_were_sent_however_many(
    owner: PostgresDatabase, sweeper: Sweeper
) -> None:
    await owner.execute(SENT, "old", timedelta(days=8), True, 2 * SWEPT_AT_ONCE + 1)
    await owner.execute(SENT, "never sent", timedelta(days=8), False, 1)
    await owner.execute(SENT, "young", timedelta(days=6), True, 1)
    await sweeper.sweep()

    kept = "SELECT aggregate_id AS what FROM outbox ORDER BY 1"
    assert await left(owner, kept) == ["never sent", "young"]


async def test_notes_of_received_events_go_after_a_week(
    owner: PostgresDatabase, sweeper: Sweeper
) -> None:
    young = uuid4()
    await owner.execute(TAKEN_IN, uuid4(), timedelta(days=8))
    await owner.execute(TAKEN_IN, young, timedelta(days=6))
    await sweeper.sweep()

    assert await left(owner, "SELECT message_id AS what FROM inbox") == [young]


async def test_failed_logins_go_after_an_hour(owner: PostgresDatabase, sweeper: Sweeper) -> None:
    now = datetime.now(UTC)
    await owner.execute(FAILED, "old", now - timedelta(minutes=61))
    await owner.execute(FAILED, "young", now - timedelta(minutes=30))
    await sweeper.sweep()

    assert await left(owner, "SELECT address_key AS what FROM login_failures") == ["young"]


async def test_changes_of_products_go_when_nobody_counts_by_them(
    owner: PostgresDatabase, sweeper: Sweeper
) -> None:
    for _ in range(2):
        await Shop(owner).product()
    await owner.execute("UPDATE product_changes SET at = now() - interval '2 h' WHERE id = 1")
    await owner.execute("UPDATE product_changes SET at = now() - interval '1.9 h' WHERE id = 2")
    await sweeper.sweep()

    assert await left(owner, "SELECT id AS what FROM product_changes") == [2]


async def test_d55_reuse_is_still_detected_when_the_first_token_of_a_session_is_swept(
    database: PostgresDatabase, owner: PostgresDatabase, sweeper: Sweeper
) -> None:
    sessions = PostgresSessions(database)
    login = await Login.of(PostgresUsers(database), sessions)
    child = await login.must_renew(login.first)
    grandchild = await login.must_renew(child)
    await owner.execute(EXPIRE, login.first.refresh_jti, timedelta(hours=2))
    await sweeper.sweep()

    assert await left(owner, "SELECT id AS what FROM refresh_tokens ORDER BY issued_at, id") == [
        child.refresh_jti,
        grandchild.refresh_jti,
    ]
    assert await sessions.repeat(presented(child), grace_s=0) is None
    assert await login.renew(grandchild) is None


async def test_sessions_go_with_their_last_token_when_their_place_is_known_no_more(
    database: PostgresDatabase, owner: PostgresDatabase, sweeper: Sweeper
) -> None:
    login = await Login.of(PostgresUsers(database), PostgresSessions(database))
    families = "SELECT id AS what FROM refresh_families"
    await owner.execute(AGE, timedelta(days=31))
    await sweeper.sweep()
    assert len(await left(owner, families)) == 1  # its token works

    await owner.execute(EXPIRE, login.first.refresh_jti, timedelta(hours=2))
    await owner.execute(AGE, timedelta(days=29))
    await sweeper.sweep()
    assert len(await left(owner, families)) == 1  # its place is known

    await owner.execute(AGE, timedelta(days=31))
    await sweeper.sweep()
    assert await left(owner, families) == []


async def test_lines_of_deleted_products_leave_the_carts_which_get_a_new_version(
    database: PostgresDatabase, owner: PostgresDatabase, sweeper: Sweeper
) -> None:
    """A deletion was cut short between its two transactions."""
    shop, carts = Shop(owner), PostgresCarts(database, max_lines=10)
    gone, lamp = await shop.product(), await shop.product()
    buyers = [await shop.buyer() for _ in range(3)]
    before = [await carts.add(buyer, lamp, 1) for buyer in buyers]
    before[:2] = [await carts.add(buyer, gone, 1) for buyer in buyers[:2]]
    await owner.execute(HIDE, gone)
    await sweeper.sweep()

    assert await left(owner, "SELECT DISTINCT product_id AS what FROM cart_items") == [lamp]
    after = [await carts.get(buyer) for buyer in buyers]
    assert [new.version - old.version for old, new in zip(before, after, strict=True)] == [1, 1, 0]


async def test_pictures_that_no_row_names_go_after_an_hour(
    owner: PostgresDatabase, sweeper: Sweeper, storage: MemoryStorage
) -> None:
    shop = Shop(owner)
    product, hidden = await shop.product(), await shop.product()
    old = datetime.now(UTC) - timedelta(minutes=61)
    named = {f"products/{uuid4()}.png": product, f"products/{uuid4()}.jpg": hidden}
    for name, row in named.items():
        await owner.execute("UPDATE products SET image_url = $2 WHERE id = $1", row, name)
    logo, young = f"stores/{uuid4()}.png", f"stores/{uuid4()}.png"
    await owner.execute("UPDATE stores SET logo_url = $1", logo)
    await owner.execute(HIDE, hidden)
    strays = (f"stores/{uuid4()}.png", f"products/{uuid4()}.png")
    storage.files = {name: MemoryFile(b"", old) for name in (*named, logo, *strays)}
    storage.files[young] = MemoryFile(b"", datetime.now(UTC))
    await sweeper.sweep()

    assert set(storage.files) == {*named, logo, young}
