"""A consumer in a process of its own, to be killed: holds what it gets, a line for each."""

import asyncio
import sys

import msgspec

from pasar.kit.broker.choose import BrokerSettings, connect
from pasar.kit.broker.port import Message
from tests.fakes.broker import MemoryDeadLetters
from tests.kit.broker.targets import CHANNEL


async def hold(settings: BrokerSettings, topic: str) -> None:
    broker = connect(settings, MemoryDeadLetters())
    forever = asyncio.Event()

    async def handle(_: Message) -> None:
        print("held", flush=True)  # noqa: T201  what the test waits for
        await forever.wait()

    await broker.subscribe(topic, CHANNEL, handle, concurrency=5)
    await forever.wait()


if __name__ == "__main__":
    asyncio.run(hold(msgspec.json.decode(sys.argv[1], type=BrokerSettings), sys.argv[2]))
