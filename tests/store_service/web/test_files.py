"""Fetching pictures: type, age, ranges, and that nothing else can be had by that road."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from pasar.kit.storage.local import LocalStorage
from pasar.store_service.web.files import PATH, Files
from tests.fakes.storage import MemoryStorage
from tests.store_service.web.toy import ToyShop, error_of

FILE = f"{UUID(int=1)}.png"
OTHER = UUID(int=2)
NAME = f"stores/{FILE}"
CONTENT = bytes(range(256)) * 20
NOT_FOUND = (404, "NOT_FOUND", "not found")


@pytest.fixture
async def storage() -> MemoryStorage:
    storage = MemoryStorage()
    await storage.put(NAME, CONTENT)
    return storage


@pytest.fixture
async def http(storage: MemoryStorage) -> AsyncIterator[httpx.AsyncClient]:
    async with ToyShop(files={PATH: Files(storage)}).client() as client:
        yield client


async def fetched(http: httpx.AsyncClient, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await http.get(f"/uploads/{NAME}", headers=named)


async def test_a_picture_comes_whole_with_its_type(http: httpx.AsyncClient) -> None:
    response = await fetched(http)

    assert response.status_code == 200
    assert response.content == CONTENT
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["Content-Length"] == str(len(CONTENT))


async def test_d53_h50_a_browser_can_make_nothing_of_it_but_a_picture(
    http: httpx.AsyncClient,
) -> None:
    headers = (await fetched(http)).headers

    assert headers.get_list("X-Content-Type-Options") == ["nosniff"]
    assert headers.get_list("Content-Security-Policy") == ["default-src 'none'; sandbox"]
    assert "X-Request-ID" in headers
    assert "X-RateLimit-Limit" not in headers


@pytest.mark.parametrize(
    ("extension", "content_type"),
    [("jpg", "image/jpeg"), ("jpeg", "image/jpeg"), ("webp", "image/webp")],
)
async def test_the_extension_tells_the_type(
    http: httpx.AsyncClient, storage: MemoryStorage, extension: str, content_type: str
) -> None:
    name = f"products/{OTHER}.{extension}"
    await storage.put(name, b"<html>")

    assert (await http.get(f"/uploads/{name}")).headers["Content-Type"] == content_type


async def test_head_tells_the_same_without_the_picture(http: httpx.AsyncClient) -> None:
    got, told = await fetched(http), await http.head(f"/uploads/{NAME}")
    names = ("Content-Type", "Content-Length", "Last-Modified")

    assert (told.status_code, told.content) == (200, b"")
    assert [told.headers[name] for name in names] == [got.headers[name] for name in names]


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=5000-", 5000, 5120),
        ("bytes=5000-99999999", 5000, 5120),
        ("bytes=-20", 5100, 5120),
        ("bytes=-99999999", 0, 5120),
    ],
)
async def test_one_range_comes_alone(
    http: httpx.AsyncClient, asked: str, start: int, stop: int
) -> None:
    response = await fetched(http, Range=asked)

    assert response.status_code == 206
    assert response.content == CONTENT[start:stop]
    assert response.headers["Content-Range"] == f"bytes {start}-{stop - 1}/5120"
    assert response.headers["Content-Length"] == str(stop - start)


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=0-1,3-4",
        "bytes=" + ",".join(f"{at}-{at}" for at in range(10_000)),
        "bytes=-",
        "bytes=x-y",
        "bytes=" + "9" * 5000 + "-",
        "items=0-1",
        "",
    ],
)
async def test_h38_anything_else_than_one_range_brings_the_whole(
    http: httpx.AsyncClient, asked: str
) -> None:
    response = await fetched(http, Range=asked)

    assert (response.status_code, response.content) == (200, CONTENT)


@pytest.mark.parametrize("asked", ["bytes=5120-", "bytes=9999-10000", "bytes=-0", "bytes=5-4"])
async def test_a_range_that_holds_nothing_is_refused(http: httpx.AsyncClient, asked: str) -> None:
    response = await fetched(http, Range=asked)

    assert error_of(response) == (416, "VALIDATION_ERROR", "range not satisfiable")
    assert response.headers["Content-Range"] == "bytes */5120"


async def test_an_unchanged_picture_is_not_sent_again(http: httpx.AsyncClient) -> None:
    known = (await fetched(http)).headers["Last-Modified"]
    response = await fetched(http, If_Modified_Since=known)

    assert (response.status_code, response.content) == (304, b"")
    assert "Content-Type" not in response.headers


async def test_who_knows_an_older_one_or_none_gets_it(
    http: httpx.AsyncClient, storage: MemoryStorage
) -> None:
    older = format_datetime(storage.files[NAME].modified - timedelta(seconds=1), usegmt=True)
    for since in (older, "yesterday", "", "Thu, 01 Jan 1970 00:00:00"):
        assert (await fetched(http, If_Modified_Since=since)).status_code == 200


async def test_a_range_of_another_version_brings_the_whole(
    http: httpx.AsyncClient, storage: MemoryStorage
) -> None:
    modified = storage.files[NAME].modified
    other, same = (
        format_datetime(modified - timedelta(seconds=age), usegmt=True) for age in (1, 0)
    )

    assert (await fetched(http, Range="bytes=0-0", If_Range=other)).status_code == 200
    assert (await fetched(http, Range="bytes=0-0", If_Range='"tag"')).status_code == 200
    assert (await fetched(http, Range="bytes=0-0", If_Range=same)).status_code == 206


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_pictures_are_only_read(http: httpx.AsyncClient, method: str) -> None:
    response = await http.request(method, f"/uploads/{NAME}")

    assert error_of(response) == (405, "VALIDATION_ERROR", "method not allowed")
    assert response.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/uploads", "/uploads/", "/uploads/stores", "/uploads/stores/"])
async def test_d17_there_are_no_listings(http: httpx.AsyncClient, path: str) -> None:
    assert error_of(await http.get(path)) == NOT_FOUND


def climbing() -> Mapping[str, str]:
    """Twelve ways to write `/uploads/../.env`."""
    dots = ["..", "%2e%2e", "%2E.", ".%2e", "%252e%252e", "..%00", "....", "%c0%ae%c0%ae"]
    ways = {dot: f"/uploads/{dot}/.env" for dot in dots}
    ways |= {
        "slash": "/uploads/..%2f.env",
        "backslash": "/uploads/..%5c.env",
        "folder": "/uploads/stores/..%2f..%2f.env",
        "named": f"/uploads/stores/../../.env/{FILE}",
    }
    assert len(ways) == 12
    return ways


@pytest.mark.parametrize("way", climbing().values(), ids=climbing())
async def test_h50_nobody_climbs_out_of_the_folder(tmp_path: Path, way: str) -> None:
    (tmp_path / ".env").write_text("JWT_SECRET=secret")
    (tmp_path / "uploads" / "stores").mkdir(parents=True)
    files = Files(LocalStorage(tmp_path / "uploads"))
    async with ToyShop(files={PATH: files}).client() as client:
        response = await client.get(way)

    assert error_of(response) == NOT_FOUND


@pytest.mark.parametrize(
    "name", [f"stores/{OTHER}.png", f"stores/{OTHER}.html", "stores/.env", f"Stores/{FILE}"]
)
async def test_unknown_files_are_not_found(http: httpx.AsyncClient, name: str) -> None:
    assert error_of(await http.get(f"/uploads/{name}")) == NOT_FOUND
