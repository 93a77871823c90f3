"""
The composition root's corner for the hourly sweep: what is no longer of use, and after which time.

The statements belong to the owners of the tables, their running to `kit/sweep.py`.
"""

from typing import Final

from pasar.kit import idempotency, inbox, outbox
from pasar.kit.clock import SystemClock
from pasar.kit.database import Database
from pasar.kit.storage.port import Storage
from pasar.kit.sweep import Remains, Sweeper
from pasar.store_service.accounts.postgres import SWEEP_FAILURES
from pasar.store_service.accounts.postgres_sessions import SWEEP_FAMILIES, SWEEP_TOKENS
from pasar.store_service.cart.postgres import SWEEP_HIDDEN
from pasar.store_service.catalog.postgres_search import (
    COUNTED_ANEW_S,
    NAMED_IMAGES,
    SWEEP_CHANGES,
)
from pasar.store_service.config import StoreConfig
from pasar.store_service.stores.postgres import NAMED_LOGOS

HOUR_S: Final = 3600.0  # also how often to sweep
MONTH_S: Final = 30 * 24 * HOUR_S  # how long a place of login is known (ENTER_WINDOW)
SWEPT_AT_ONCE: Final = 1000  # rows a statement: some 10 ms of locks


def sweeper(config: StoreConfig, database: Database, storage: Storage) -> Sweeper:
    """Connect the parts of the sweep: a further kind of remains is a further row."""
    failures_s = max(HOUR_S, config.login_account_window)
    return Sweeper(
        database,
        [
            Remains(what="sent events", sql=outbox.SWEEP, keep_s=config.outbox_retention),
            Remains(what="received events", sql=inbox.SWEEP, keep_s=config.outbox_retention),
            Remains(what="idempotency keys", sql=idempotency.SWEEP, keep_s=config.idempotency_ttl),
            Remains(what="expired refresh tokens", sql=SWEEP_TOKENS, keep_s=HOUR_S),
            Remains(what="sessions without tokens", sql=SWEEP_FAMILIES, keep_s=MONTH_S),
            Remains(what="failed logins", sql=SWEEP_FAILURES, keep_s=failures_s),
            Remains(what="cart lines of deleted products", sql=SWEEP_HIDDEN, keep_s=HOUR_S),
            Remains(what="counted changes", sql=SWEEP_CHANGES, keep_s=HOUR_S + COUNTED_ANEW_S),
        ],
        storage,
        {"stores": NAMED_LOGOS, "products": NAMED_IMAGES},
        SystemClock(),
        batch=SWEPT_AT_ONCE,
    )
