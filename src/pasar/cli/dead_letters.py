"""`pasar dead-letters`: look at the messages that nobody could handle, and send them again."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Annotated, Final

import msgspec
import typer

from pasar.cli import schemas, screen, variables
from pasar.kit import settings
from pasar.kit.broker.choose import connect
from pasar.kit.broker.port import Broker, PublishFailed, PublishUnknown
from pasar.kit.dead_letters import DeadLetter, PostgresDeadLetters
from pasar.kit.errors import Invalid, NotFound, Unavailable
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.config import StoreConfig

SERVICES: Final[Mapping[str, str]] = {"store": "public", "payment": "payment"}
"""Service → its schema. A letter is named after its service, `store-12`: each counts for itself."""

_LISTED_AT_MOST: Final = 1000
_BROKER_WAIT_S: Final = 5.0  # it is dialled in the background; a local one takes milliseconds
_DIAL_EVERY_S: Final = 0.05

Boxes = Mapping[str, PostgresDeadLetters]
Topic = Annotated[str | None, typer.Option(help="Only of this topic, for instance order.created.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Letter = Annotated[str, typer.Argument(help="As `list` names it, for instance store-12.")]

app: Final = typer.Typer(
    name="dead-letters",
    help="List, show and send again the messages that nobody could handle.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command("list")
def list_(*, topic: Topic = None, json: Json = False) -> None:
    """List them, oldest first, at most 1,000 of each service. Exit code 1: the database is away."""

    async def work(boxes: Boxes) -> None:
        found = await _all(boxes, topic)
        if json:
            screen.say(msgspec.json.encode([_told(*each) for each in found]).decode())
            return
        if not found:
            screen.say(_none(topic))
        screen.table(
            [
                (name, f"{letter.at:%Y-%m-%d %H:%M:%S}", letter.topic, letter.error)
                for name, letter in found
            ]
        )

    _run(work)


@app.command()
def show(letter: Letter, *, json: Json = False) -> None:
    """Show one whole, its body included. Exit code 1: there is no such letter."""

    async def work(boxes: Boxes) -> None:
        told = _told(letter, (await _one(boxes, letter))[1])
        if json:
            screen.say(msgspec.json.encode(told).decode())
        else:
            screen.table([(name, str(value)) for name, value in told.items()])

    _run(work)


@app.command()
def replay(
    letter: Annotated[str | None, typer.Argument(help="One, as `list` names it.")] = None,
    *,
    topic: Annotated[str | None, typer.Option(help="Or all of this topic.")] = None,
) -> None:
    """
    Send a message to its topic again, once what kept it from being handled is mended.

    One that fails again comes back as a new dead letter. Exit code 1: there is no such letter, or
    database or broker is away; what was not sent is still here.
    """

    async def work(boxes: Boxes) -> None:
        if (letter is None) == (topic is None):
            raise Invalid("name one letter or a topic")
        found = [await _one(boxes, letter)] if letter else await _all(boxes, topic)
        if not found:
            screen.say(_none(topic))
            return
        async with _broker(boxes["store"]) as broker:
            for name, each in found:
                await _sent(boxes[_service(name)], each, broker)
                screen.say(f"{name} sent to {each.topic}")

    _run(work)


def _run(work: Callable[[Boxes], Coroutine[object, object, None]]) -> None:
    async def opened() -> None:
        async with _boxes() as boxes:
            await work(boxes)

    variables.run(opened())


@asynccontextmanager
async def _boxes() -> AsyncGenerator[Boxes]:
    login = schemas.owner(variables.of_the_running_shop())
    async with AsyncExitStack() as stack:
        boxes: dict[str, PostgresDeadLetters] = {}
        for service, schema in SERVICES.items():
            database = await PostgresDatabase.open(replace(login, search_path=schema))
            stack.push_async_callback(database.close)
            boxes[service] = PostgresDeadLetters(database)
        yield boxes


@asynccontextmanager
async def _broker(box: PostgresDeadLetters) -> AsyncGenerator[Broker]:
    """Connect, to publish only: nothing is consumed, so nothing comes into the box."""
    config = settings.read(StoreConfig, variables.of_the_running_shop())
    broker = connect(config.message_broker(f"dead-letters-{os.getpid()}"), box)
    try:
        yield broker
    finally:
        await broker.close()


async def _sent(box: PostgresDeadLetters, letter: DeadLetter, broker: Broker) -> None:
    patience = asyncio.get_running_loop().time() + _BROKER_WAIT_S
    while True:
        try:
            return await box.replay(letter, broker)
        except (PublishFailed, PublishUnknown) as fault:
            if asyncio.get_running_loop().time() > patience:
                raise Unavailable("the broker is away") from fault
            await asyncio.sleep(_DIAL_EVERY_S)


async def _all(boxes: Boxes, topic: str | None) -> list[tuple[str, DeadLetter]]:
    return [
        (f"{service}-{letter.id}", letter)
        for service, box in boxes.items()
        for letter in await box.oldest(topic, _LISTED_AT_MOST)
    ]


async def _one(boxes: Boxes, name: str) -> tuple[str, DeadLetter]:
    service, _, number = name.partition("-")
    known = service in boxes and number.isdecimal()
    letter = await boxes[service].find(int(number)) if known else None
    if letter is None:
        raise NotFound(f"no dead letter {name}")
    return name, letter


def _none(topic: str | None) -> str:
    return f"no dead letters of {topic}" if topic else "no dead letters"


def _service(name: str) -> str:
    return name.partition("-")[0]


def _told(name: str, letter: DeadLetter) -> dict[str, object]:
    """Return all of it in plain values; a body that is no text is written with escapes."""
    return {
        "letter": name,
        "at": letter.at,
        "topic": letter.topic,
        "attempts": letter.attempts,
        "error": letter.error,
        "body": letter.body.decode("utf-8", "backslashreplace"),
    }
