"""What an earlier shop left on engines that shops share: messages, carts and counts."""

from collections.abc import Mapping

import httpx

from pasar.engines.valkey_login import ValkeyLogin
from pasar.kit.redis import Redis
from tests.fixtures.redis import settings_of


async def removed(variables: Mapping[str, str]) -> None:
    """
    Empty the Redis and the nsqd that a shop with these variables would use.

    A payment service charges for whatever `order.created` it finds; one that a stopped shop did
    not finish names an order that the next shop's database has never seen.
    """
    login = ValkeyLogin(
        host=variables["REDIS_HOST"],
        port=int(variables["REDIS_PORT"]),
        password=variables["REDIS_PASSWORD"],
    )
    redis = Redis.open(settings_of(login))
    await redis.flushall()
    await redis.close()
    if "NSQD_HTTP_ADDR" in variables:
        async with httpx.AsyncClient(base_url=f"http://{variables['NSQD_HTTP_ADDR']}") as nsqd:
            stats = (await nsqd.get("/stats", params={"format": "json"})).json()
            for topic in stats["topics"]:
                told = await nsqd.post("/topic/delete", params={"topic": topic["topic_name"]})
                told.raise_for_status()
