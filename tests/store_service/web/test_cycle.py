"""When an answer leaves, and in whose company; how it looks on the wire is `test_server`'s."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.flow_control import FlowControl

from pasar.store_service.web.cycle import Cycle

Story = list[str]


class Wire(asyncio.Transport):
    """A connection that tells when something is put into it, and when it ends."""

    def __init__(self, story: Story, name: str) -> None:
        super().__init__()
        self._story = story
        self._name = name

    def write(self, data: bytes | bytearray | memoryview) -> None:
        body = bytes(data).rpartition(b"\n")[2].decode()
        self._story.append(f"{self._name} leaves: {body}")

    def close(self) -> None:
        self._story.append(f"{self._name} ends")


def cycle(story: Story, name: str, *, keep_alive: bool = True) -> Cycle:
    wire = Wire(story, name)
    logger = logging.getLogger(__name__)
    made = Cycle(
        scope=cast("Any", {"method": "GET", "headers": []}),
        transport=wire,
        flow=FlowControl(wire),
        logger=logger,
        access_logger=logger,
        access_log=False,
        default_headers=[],
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=keep_alive,
        on_response=lambda: story.append(f"{name} is done"),
    )
    made.more_body = False  # its request is whole
    return made


def answering(story: Story, *parts: bytes) -> ASGI3Application:
    async def app(_scope: object, _receive: object, send: Callable[[Any], Awaitable[None]]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number, part in enumerate(parts, 1):
            story.append(f"made {part.decode()}")
            more = number < len(parts)
            await send({"type": "http.response.body", "body": part, "more_body": more})

    return cast("ASGI3Application", app)


@pytest.fixture
def story() -> Story:
    return []


async def a_turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_the_answers_of_one_turn_leave_together_at_its_end(story: Story) -> None:
    """A client that wakes for the first would compete with the making of the second."""
    tasks = [
        asyncio.create_task(cycle(story, name).run_asgi(answering(story, body)))
        for name, body in (("first", b"a"), ("second", b"b"))
    ]
    await a_turn()

    assert story == [
        "made a",
        "made b",
        "first leaves: a",
        "first is done",
        "second leaves: b",
        "second is done",
    ]
    await asyncio.gather(*tasks)


async def test_an_answer_in_pieces_leaves_piece_by_piece_in_order(story: Story) -> None:
    await cycle(story, "file").run_asgi(answering(story, b"a", b"b"))
    await a_turn()

    assert story == ["made a", "file leaves: a", "made b", "file leaves: b", "file is done"]


async def test_a_connection_ends_after_its_last_answer_has_left(story: Story) -> None:
    last = cycle(story, "last", keep_alive=False)
    await last.run_asgi(answering(story, b"a"))
    await a_turn()

    assert story == ["made a", "last leaves: a", "last ends", "last is done"]


async def test_nothing_leaves_for_a_client_that_went_before_the_turn_ended(story: Story) -> None:
    gone = cycle(story, "gone")
    await gone.run_asgi(answering(story, b"a"))
    gone.disconnected = True
    await a_turn()

    assert story == ["made a", "gone is done"]
