"""The parts put together: every route finds its handler, and nothing needs to be there yet."""

import pytest

from pasar.kit.errors import Unavailable
from pasar.store_service.config import StoreConfig
from pasar.store_service.main import build
from pasar.store_service.routes import ROUTES

NOWHERE = StoreConfig(db_host="127.0.0.1", db_port=1, redis_host="127.0.0.1", redis_port=1)


async def test_parts_are_connected_while_the_engines_are_away() -> None:
    parts = await build(NOWHERE, pool_size=1, wake=lambda: None)
    with pytest.raises(Unavailable):
        await parts.database.ping()
    with pytest.raises(Unavailable):
        await parts.redis.ping()
    await parts.close()


async def test_each_route_has_its_handler_and_each_handler_a_route() -> None:
    parts = await build(NOWHERE, pool_size=1, wake=lambda: None)
    made = {type(handler).__name__ for handler in parts.handlers}
    await parts.close()

    routed = {route.handler.__qualname__.split(".")[0] for route in ROUTES}
    assert routed == made | {"SystemHandler"}  # which the web process makes
