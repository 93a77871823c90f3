"""The shop of these tests, whose books must agree after each."""

from collections.abc import AsyncIterator, Iterator

import pytest

from pasar.kit import failpoints
from pasar.kit.postgres import PostgresDatabase
from tests.fakes.charges import MemoryCharges
from tests.store_service.payments.world import World, world_of


@pytest.fixture
async def world(owner: PostgresDatabase, database: PostgresDatabase) -> AsyncIterator[World]:
    world = world_of(owner, database, MemoryCharges())
    yield world

    assert await world.shop.broken_books() == []


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    failpoints.arm("", app_env="test")
