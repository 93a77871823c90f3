"""
All pools of one `pasar up` on its embedded PostgreSQL: together they stay within what it has.

Nobody then waits for a connection that the server refuses; a server of your own has its own limit.
"""

from typing import Final

from pasar.engines.postgres import MAX_CONNECTIONS
from pasar.kit.settings import BadSetting
from pasar.payment_service.config import PaymentConfig
from pasar.store_service.config import StoreConfig

SUPERUSERS: Final = 3  # PostgreSQL's superuser_reserved_connections
ALL_POOLS: Final = MAX_CONNECTIONS - SUPERUSERS - 1  # one for `pasar verify`: 56
_LISTENER: Final = 1  # the worker's, besides its pool
_SIGNALS: Final = 2  # each web process sends NOTIFY and listens for ended sessions


def fit(store: StoreConfig, payment: PaymentConfig) -> dict[str, str]:
    """
    Return `APP_WORKERS` and `DB_POOL_SIZE` shrunk to fit.

    >>> fit(StoreConfig(app_workers=4), PaymentConfig())
    {'APP_WORKERS': '4', 'DB_POOL_SIZE': '7'}

    Raises BadSetting when not even one connection each is left.
    """
    others = store.db_worker_pool_size + _LISTENER + payment.payment_db_pool_size
    left = ALL_POOLS - others
    web = store.web_processes()
    if not store.app_workers:  # one per core, on a machine of many
        web = max(1, min(web, left // (1 + _SIGNALS)))
    each = min(store.db_pool_size, left // web - _SIGNALS)
    if each < 1:
        raise BadSetting(
            "APP_WORKERS",
            f"{web} web processes need more than the {max(left, 0)} connections that the embedded "
            f"PostgreSQL has left; {others} of {ALL_POOLS} go to worker and payment",
        )
    return {"APP_WORKERS": str(web), "DB_POOL_SIZE": str(each)}
