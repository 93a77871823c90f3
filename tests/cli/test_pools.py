"""All pools of `pasar up` stay within the embedded PostgreSQL, on every machine."""

import pytest

from pasar.cli.pools import fit
from pasar.kit.settings import BadSetting
from pasar.payment_service.config import PaymentConfig
from pasar.store_service.config import StoreConfig


@pytest.mark.parametrize("workers", range(1, 14))
def test_together_they_take_at_most_56(workers: int) -> None:
    store, payment = StoreConfig(app_workers=workers), PaymentConfig()
    fitted = fit(store, payment)
    each = int(fitted["DB_POOL_SIZE"])

    assert fitted["APP_WORKERS"] == str(workers)
    assert 1 <= each <= store.db_pool_size
    worker = store.db_worker_pool_size + 1  # LISTEN; a web process also sends NOTIFY, so two
    assert workers * (each + 2) + worker + payment.payment_db_pool_size <= 56


def test_few_web_processes_keep_their_pools() -> None:
    assert fit(StoreConfig(app_workers=2), PaymentConfig())["DB_POOL_SIZE"] == "10"


def test_more_web_processes_than_fit_are_refused_when_asked_for() -> None:
    with pytest.raises(BadSetting, match="APP_WORKERS: 20 web processes"):
        fit(StoreConfig(app_workers=20), PaymentConfig())


def test_pools_that_leave_nothing_are_refused() -> None:
    with pytest.raises(BadSetting, match="110 of 56"):
        fit(StoreConfig(app_workers=1), PaymentConfig(payment_db_pool_size=103))
