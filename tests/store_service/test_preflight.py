"""What the store service refuses to start with."""

import pytest

from pasar.kit.errors import Unavailable
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.config import StoreConfig
from pasar.store_service.preflight import (
    bad_settings,
    check_schema,
    is_durable,
    reached,
    refuse,
)

SECRET = "a secret of these tests, 32 bytes and more"
SOUND = {"jwt_secret": SECRET, "event_signing_key": SECRET, "payment_service_token": SECRET}


def refused(**changes: str) -> list[str]:
    config = StoreConfig(**{**SOUND, **changes})  # type: ignore[arg-type]  # all of them are texts
    return [fault.variable for fault in bad_settings(config)]


def test_sound_settings_pass() -> None:
    assert refused() == refused(app_env="production") == []


@pytest.mark.parametrize(
    "secret", ["", "secret", "a" * 31, "a-string-secret-at-least-256-bits-long"]
)
def test_d05_h40_a_token_key_that_can_be_guessed_is_refused(secret: str) -> None:
    assert refused(jwt_secret=secret) == ["JWT_SECRET"]


def test_events_may_go_unsigned_but_not_in_production() -> None:
    assert refused(event_signing_key="") == []
    assert refused(event_signing_key="", app_env="production") == ["EVENT_SIGNING_KEY"]
    assert refused(event_signing_key="short") == ["EVENT_SIGNING_KEY"]


def test_h55_production_needs_the_service_token() -> None:
    assert refused(payment_service_token="") == []
    for token in ("", "short"):
        assert refused(payment_service_token=token, app_env="production") == [
            "PAYMENT_SERVICE_TOKEN"
        ]


@pytest.mark.parametrize("local", ["localhost", "127.0.0.1", "[::1]", "127.9.9.9"])
def test_h55_neighbours_may_be_talked_to_in_plaintext(local: str) -> None:
    assert refused(app_env="production", payment_grpc_addr=f"{local}:50051") == []
    assert refused(app_env="production", db_host=local.strip("[]")) == []


@pytest.mark.parametrize("host", ["payment.internal", "10.0.0.7", "localhost.example.com"])
def test_h55_production_speaks_no_plaintext_over_a_network(host: str) -> None:
    far = {"app_env": "production", "payment_grpc_addr": f"{host}:50051", "db_host": host}

    assert refused(**far) == ["DB_SSLMODE", "PAYMENT_GRPC_CA_FILE"]
    assert refused(**far, db_sslmode="prefer") == ["DB_SSLMODE", "PAYMENT_GRPC_CA_FILE"]
    assert refused(**far, db_sslmode="require", payment_grpc_ca_file=__file__) == []
    assert refused(**far, allow_insecure=f"elsewhere, {host}") == []
    assert refused(**{**far, "app_env": "test"}) == []


def test_an_authority_that_cannot_be_read_is_refused() -> None:
    assert refused(payment_grpc_ca_file="/nowhere.pem") == ["PAYMENT_GRPC_CA_FILE"]


def test_all_reasons_are_raised_together() -> None:
    config = StoreConfig(trusted_proxies="everybody", admin_email="boss@example.com")
    with pytest.raises(ExceptionGroup) as raised:
        refuse(bad_settings(config))

    said = [str(fault).split(":")[0] for fault in raised.value.exceptions]
    assert said == ["invalid TRUSTED_PROXIES", "invalid JWT_SECRET", "invalid ADMIN_EMAIL"]
    refuse([])


async def test_an_old_schema_asks_for_migrations(
    database: PostgresDatabase, owner: PostgresDatabase
) -> None:
    await check_schema(database)
    await owner.execute("UPDATE public.alembic_version SET version_num = '0001'")
    with pytest.raises(Unavailable, match="pasar migrate"):
        await check_schema(database)


async def test_a_server_that_may_forget_is_told_apart(owner: PostgresDatabase) -> None:
    """The tests' server runs without fsync, for speed."""
    assert not await is_durable(owner)


async def test_a_part_that_is_away_is_named_with_the_reason() -> None:
    async def away() -> None:
        raise Unavailable from ConnectionRefusedError("nobody listens")

    with pytest.raises(Unavailable, match="Redis at here:1: nobody listens"):
        await reached("Redis at here:1", away)
