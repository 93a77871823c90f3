"""The file of a form: what counts as one, and how much of it is ever read."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
from starlette.types import Message, Scope

from pasar.kit.errors import Invalid, Unavailable
from pasar.kit.pictures import ReadUpload, Upload
from pasar.store_service.web.parse import ClientGone
from pasar.store_service.web.route import PUBLIC, Call
from pasar.store_service.web.uploads import FORMS_AT_ONCE, Uploads
from tests.store_service.web.toy import MAX_FILE, Toy, ToyShop, error_of, row

BOUNDARY = b"boundary"
FORM = b"multipart/form-data; boundary=boundary"
TOO_LARGE = (
    400,
    "VALIDATION_ERROR",
    f"file size exceeds maximum allowed size of {MAX_FILE} bytes",
)
MISSING = (400, "VALIDATION_ERROR", "photo file is required")


class PhotoHandler:
    def __init__(self) -> None:
        self.read: list[Upload] = []

    async def add(self, call: Call[ReadUpload]) -> Toy:
        self.read.append(await call.body())
        return Toy(call.id, "top")

    async def refuse(self, _call: Call[ReadUpload]) -> Toy:
        raise Invalid("not yours")


ROWS = (
    row("POST", "/toys/{id}/photo", PhotoHandler.add, access=PUBLIC, path_id="toy", upload="photo"),
    row("POST", "/foreign", PhotoHandler.refuse, access=PUBLIC, upload="photo"),
)
PATH = "/toys/0190c7a2-0000-7000-8000-000000000001/photo"


async def asked(photos: PhotoHandler, path: str = PATH, **request: Any) -> httpx.Response:
    shop = ToyShop(rows=ROWS, handlers=[photos])
    async with shop.client() as client:
        return await client.post(path, **request)


def part(name: str, content: bytes, *more: str) -> bytes:
    disposition = "; ".join([f'Content-Disposition: form-data; name="{name}"', *more])
    return b"--boundary\r\n" + disposition.encode() + b"\r\n\r\n" + content + b"\r\n"


async def form(
    photos: PhotoHandler, *parts: bytes, end: bytes = b"--boundary--\r\n"
) -> httpx.Response:
    body = b"".join(parts) + end
    return await asked(photos, content=body, headers={"Content-Type": FORM.decode()})


async def test_a_handler_reads_the_file_of_the_rows_name() -> None:
    photos = PhotoHandler()
    files = {"other": ("o.png", b"other"), "photo": ("p.png", b"content", "text/html")}
    response = await asked(photos, files=files, data={"note": "text"})

    assert response.status_code == 200
    assert photos.read == [Upload("p.png", b"content")]


async def test_the_first_of_two_files_counts() -> None:
    photos = PhotoHandler()
    named = [
        part("photo", content, f'filename="{content.decode()}.png"') for content in (b"a", b"b")
    ]
    await form(photos, *named)

    assert photos.read == [Upload("a.png", b"a")]


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"json": {"photo": "x"}},
        {"data": {"photo": "text"}},
        {"files": {"other": ("o.png", b"x")}},
        {"content": b"--boundary", "headers": {"Content-Type": "multipart/form-data"}},
        {"content": b"garbage", "headers": {"Content-Type": FORM.decode()}},
        {"content": b"", "headers": {"Content-Type": FORM.decode()}},
        {"content": b"", "headers": {"Content-Type": f"{FORM.decode()}{'x' * 300}"}},
    ],
)
async def test_without_the_file_it_is_required(request_: dict[str, Any]) -> None:
    assert error_of(await asked(PhotoHandler(), **request_)) == MISSING


async def test_a_text_of_the_files_name_does_not_count() -> None:
    for more in ((), ('filename=""',)):
        assert error_of(await form(PhotoHandler(), part("photo", b"text", *more))) == MISSING


@pytest.mark.parametrize("end", [b"", b"--boundary"])
async def test_a_form_that_breaks_off_is_none(end: bytes) -> None:
    response = await form(PhotoHandler(), part("photo", b"content", 'filename="p.png"'), end=end)

    assert error_of(response) == MISSING


async def test_a_file_of_the_limit_passes_and_one_byte_more_does_not() -> None:
    photos = PhotoHandler()
    passed = await asked(photos, files={"photo": ("p.png", bytes(MAX_FILE))})
    refused = await asked(photos, files={"photo": ("p.gif", bytes(MAX_FILE + 1))})

    assert passed.status_code == 200
    assert error_of(refused) == TOO_LARGE
    assert len(photos.read) == 1


async def test_d16_all_around_the_file_is_bounded_too() -> None:
    around = part("note", bytes(MAX_FILE + 5000))

    assert error_of(await form(PhotoHandler(), around)) == TOO_LARGE


async def test_h36_too_many_parts_are_refused() -> None:
    parts = [part(f"note{number}", b"x") for number in range(10_000)]

    assert error_of(await form(PhotoHandler(), *parts))[0] == 400


async def test_a_file_name_may_be_long_and_odd() -> None:
    photos = PhotoHandler()
    for name in ("n" * 4096 + ".png", "../../x.png", "ñ.png"):
        await form(photos, part("photo", b"x", f'filename="{name}"'))

        assert photos.read.pop().filename == name


async def test_d17_a_handler_may_refuse_before_anything_is_read() -> None:
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("was read")
        yield b""

    photos = PhotoHandler()
    response = await asked(
        photos, "/foreign", content=never(), headers={"Content-Type": FORM.decode()}
    )

    assert error_of(response) == (400, "VALIDATION_ERROR", "not yours")


SCOPE: Scope = {"headers": [(b"content-type", FORM), (b"content-length", b"5")]}


class Sending:
    """A client that sends its body in pieces; `taken` counts those asked for."""

    def __init__(self, pieces: Sequence[Message]) -> None:
        self.pieces = iter(pieces)
        self.taken = 0

    async def __call__(self) -> Message:
        self.taken += 1
        return next(self.pieces)


def piece(body: bytes, *, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_h36_bytes_are_counted_as_they_come_whatever_the_client_declared() -> None:
    start = part("photo", b"", 'filename="p.png"')[:-2]
    client = Sending([piece(start), *(piece(bytes(1000)) for _ in range(1_000_000 // 1000))])
    uploads = Uploads(max_size=10_000, form_extra=1024, max_parts=10)
    with pytest.raises(Invalid, match="maximum allowed size of 10000 bytes"):
        await uploads.read(SCOPE, client, "photo")

    assert client.taken == 12


async def test_the_file_may_come_in_any_pieces() -> None:
    whole = part("photo", b"\r\n--bound content", 'filename="p.png"') + b"--boundary--\r\n"
    uploads = Uploads(max_size=10_000, form_extra=1024, max_parts=10)
    bytes_ = [piece(whole[at : at + 1]) for at in range(len(whole))]
    upload = await uploads.read(SCOPE, Sending([*bytes_, piece(b"", more=False)]), "photo")

    assert upload == Upload("p.png", b"\r\n--bound content")


async def test_a_client_that_left_is_gone() -> None:
    uploads = Uploads(max_size=10_000, form_extra=1024, max_parts=10)
    with pytest.raises(ClientGone):
        await uploads.read(SCOPE, Sending([piece(b"--"), {"type": "http.disconnect"}]), "photo")


async def test_so_many_forms_are_read_at_once_and_no_more() -> None:
    uploads = Uploads(max_size=10_000, form_extra=1024, max_parts=10)

    async def silence() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    slow = [
        asyncio.ensure_future(uploads.read(SCOPE, silence, "photo")) for _ in range(FORMS_AT_ONCE)
    ]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await uploads.read(SCOPE, silence, "photo")
    for reading in slow:
        reading.cancel()
    await asyncio.gather(*slow, return_exceptions=True)

    with pytest.raises(Invalid):
        await uploads.read(SCOPE, Sending([piece(b"", more=False)]), "photo")
