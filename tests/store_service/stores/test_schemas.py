"""What a store must be called, and what it looks like outside."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from pasar.kit.errors import InvalidFields
from pasar.store_service.identity import UserId
from pasar.store_service.stores.model import Store, StoreId
from pasar.store_service.stores.schemas import OpenStoreBody, StoreJson
from pasar.store_service.web.fields import check


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        (OpenStoreBody(), "name", "is required"),
        (OpenStoreBody("  \n"), "name", "is required"),
        (OpenStoreBody("n" * 256), "name", "maximum 255 characters"),
        (OpenStoreBody("Kopi", "d" * 20_001), "description", "maximum 20000 characters"),
        (OpenStoreBody("Kopi", "\0"), "description", "contains invalid characters"),
    ],
)
def test_a_bad_field_is_named(body: OpenStoreBody, field: str, message: str) -> None:
    with pytest.raises(InvalidFields) as refusal:
        check(body)
    (fault,) = refusal.value.faults

    assert (fault.field, fault.message) == (field, message)


def test_the_bounds_themselves_pass() -> None:
    check(OpenStoreBody("ñ" * 255, "d" * 20_000))


def test_a_store_shows_all_its_members() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    store = Store(StoreId(UUID(int=1)), UserId(UUID(int=2)), "Kopi", "", "", at, at)

    assert msgspec.json.decode(msgspec.json.encode(StoreJson.of(store))) == {
        "id": "00000000-0000-0000-0000-000000000001",
        "user_id": "00000000-0000-0000-0000-000000000002",
        "name": "Kopi",
        "description": "",
        "logo_url": "",
        "created_at": "2026-01-02T03:04:05Z",
        "updated_at": "2026-01-02T03:04:05Z",
    }
