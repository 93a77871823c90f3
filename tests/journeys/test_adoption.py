"""H34: people of the earlier service go on shopping where they left, after one `pasar migrate`."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from pasar.engines.valkey_login import ValkeyLogin
from pasar.kit.postgres import PostgresSettings
from tests.fixtures.database import administer, migrated
from tests.fixtures.engines import run
from tests.journeys.conftest import redis_variables
from tests.journeys.people import Person
from tests.journeys.shop import Shop, running_shop
from tests.store_service.migrations.earlier import restore

OOLONG = "d0000000-0000-0000-0000-000000000001"


@pytest.fixture
def adopted(owner_settings: PostgresSettings) -> Generator[PostgresSettings]:
    settings = replace(owner_settings, database=f"adopted_{uuid4().hex}")

    async def make() -> None:
        await administer(settings, f"CREATE DATABASE {settings.database}")
        await restore(settings)
        await migrated(settings)

    run(make())
    yield settings
    run(administer(settings, f"DROP DATABASE {settings.database}"))


@pytest.fixture
def adopted_shop(tmp_path: Path, adopted: PostgresSettings, valkey: ValkeyLogin) -> Generator[Shop]:
    variables = {"BROKER": "streams", **redis_variables(valkey)}
    with running_shop(tmp_path, adopted, variables) as running:
        yield running


async def test_h34_an_adopted_shop_goes_on(adopted_shop: Shop) -> None:
    async with adopted_shop.http() as http:
        buyer = await Person(http, "buyer@example.com").logged_in("admin123")
        for spelling in ("twin@example.com", "TWIN@example.com"):
            await Person(http, spelling).logged_in("admin123")
        third = {"email": "Twin@example.com", "password": "a third one", "name": "Third"}
        assert (await http.post("/api/v1/auth/register", json=third)).status_code == 409

        offered = await buyer.must("GET", "/products?sort=name&order=asc")
        assert {each["name"] for each in offered} == {"   ", "Negative stock", "Oolong"}
        cart = await buyer.must("GET", "/cart")
        assert [(each["quantity"], each["price"]) for each in cart["items"]] == [(6, "12.5")]

        old = await buyer.must("GET", "/orders")
        assert len(old) == 5
        # Those still pending got a payment, so that it can be called off.
        never_paid = [each["id"] for each in old if "payment" in each]
        assert len(never_paid) == 2
        (review,) = await buyer.must("GET", f"/products/{OOLONG}/reviews")
        assert review["comment"] == ""

        bought = await buyer.must("POST", "/orders", {"shipping_address": "Jl. Merdeka No. 1"})
        await buyer.sees(bought["id"], "paid")
        for order_id in never_paid:
            await buyer.sees(order_id, "cancelled")
        assert (await buyer.must("GET", f"/products/{OOLONG}"))["stock"] == 3
    assert await adopted_shop.broken() == {}
