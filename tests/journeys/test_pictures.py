"""Pictures over HTTP: thirty files, good and hostile, a full disk, and a killed decoder."""

import asyncio
import io
import os
import re
import signal
import subprocess
from collections.abc import Generator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from pasar.engines.valkey_login import ValkeyLogin
from tests.fakes.images import MARK, NOT_A_PICTURE, Sample, bomb, picture, samples
from tests.fixtures.counts import Count
from tests.journeys.conftest import redis_variables
from tests.journeys.people import Person, Stall, newcomer, stall
from tests.journeys.processes import children, highest_memory, web_process
from tests.journeys.shop import Shop
from tests.waiting import eventually

LIMIT = 1_100_000  # of a file; small, but above the sample with a profile of 1 MB
MIB = 2**20


@pytest.fixture(scope="module")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """A directory with room for 8 MiB, where this machine lets us make one."""
    folder = tmp_path_factory.mktemp("uploads")
    small = os.geteuid() == 0 and mounted("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder)
    yield folder
    if small:
        assert mounted("umount", "--lazy", folder)


def mounted(*command: str | Path) -> bool:
    return subprocess.run(command, check=False, capture_output=True, timeout=10).returncode == 0


@pytest.fixture(scope="module")
def broker_variables(valkey: ValkeyLogin, uploads: Path) -> Mapping[str, str]:
    """One broker is enough: no picture ever meets it."""
    return {
        "BROKER": "streams",
        "UPLOAD_DIR": str(uploads),
        "UPLOAD_MAX_SIZE": str(LIMIT),
        **redis_variables(valkey),
    }


async def sent(person: Person, path: str, name: str, *file: Any) -> httpx.Response:
    bearer = {"Authorization": f"Bearer {person.token}"}
    return await person.http.post(f"/api/v1{path}", files={name: file}, headers=bearer)


def message(response: httpx.Response) -> str:
    return str(response.json()["errors"][0]["message"])


def kept(uploads: Path) -> set[str]:
    """Return the names of all files there are."""
    return {str(path.relative_to(uploads)) for path in uploads.rglob("*") if path.is_file()}


async def named(shop: Shop) -> set[str]:
    """Return the names in rows, as `pasar verify` will look for them."""
    async with shop.database() as database:
        rows = await database.fetch(
            "SELECT logo_url AS name FROM stores UNION SELECT image_url FROM products"
        )
    return {row["name"] for row in rows} - {""}


async def my_store(seller: Stall, shop: Shop) -> str:
    async with shop.database() as database:
        row = await database.fetch_one(
            "SELECT s.id FROM stores s JOIN users u ON u.id = s.user_id WHERE u.email = $1",
            seller.seller.email,
        )
    assert row is not None
    return str(row["id"])


async def test_a_logo_and_a_picture_are_shown(http: httpx.AsyncClient, shop: Shop) -> None:
    mine = await stall(http)
    store_id, lamp = await my_store(mine, shop), await mine.offers("Lamp", "10", stock=1)
    logo = await sent(mine.seller, f"/stores/{store_id}/logo", "logo", "l.PNG", picture())
    image = await sent(
        mine.seller, f"/products/{lamp}/image", "image", "i.webp", picture("WEBP", (64, 48))
    )
    page = (await http.get(f"/api/v1/products/{lamp}")).json()["data"]
    shown = await http.get(f"/uploads/{page['image_url']}")

    assert re.fullmatch(r"stores/[0-9a-f-]{36}\.png", logo.json()["data"]["logo_url"])
    assert image.json()["data"] == page
    assert re.fullmatch(r"products/[0-9a-f-]{36}\.webp", page["image_url"])
    assert shown.headers["Content-Type"] == "image/webp"
    assert Image.open(io.BytesIO(shown.content)).size == (64, 48)


async def test_d17_only_the_owner_is_asked_for_the_file(
    http: httpx.AsyncClient, shop: Shop, uploads: Path
) -> None:
    mine, other = await stall(http), await stall(http)
    store_id, lamp = await my_store(mine, shop), await mine.offers("Lamp", "10", stock=1)
    unknown = "0190c7a2-0000-7000-8000-000000000001"
    expected = {
        (f"/stores/{store_id}/logo", "logo"): (403, "forbidden: not store owner"),
        (f"/stores/{unknown}/logo", "logo"): (404, "store not found"),
        ("/stores/x/logo", "logo"): (400, "invalid store id"),
        (f"/products/{lamp}/image", "image"): (403, "forbidden: not product owner"),
        (f"/products/{unknown}/image", "image"): (404, "product not found"),
        ("/products/x/image", "image"): (400, "invalid product id"),
    }
    before = kept(uploads)
    for (path, name), answer in expected.items():
        response = await sent(other.seller, path, "nonsense" + name, "x.gif", bytes(MIB))
        assert (response.status_code, message(response)) == answer, path
    buyer = await newcomer(http)
    assert (await sent(buyer, f"/stores/{store_id}/logo", "logo", "l.png", b"")).status_code == 403
    assert kept(uploads) == before


async def test_the_file_is_asked_for_then_its_size_its_name_and_its_content(
    http: httpx.AsyncClient, shop: Shop
) -> None:
    mine = await stall(http)
    path = f"/stores/{await my_store(mine, shop)}/logo"
    expected = {
        ("image", "l.png", picture()): "logo file is required",
        ("logo", "l.gif", bytes(LIMIT + 1)): (
            f"file size exceeds maximum allowed size of {LIMIT} bytes"
        ),
        ("logo", "l.GIF", b""): "file extension .gif is not allowed",
        ("logo", "logo", b""): "file extension  is not allowed",
        ("logo", "l.png", b""): NOT_A_PICTURE,
    }
    for (name, *file), sentence in expected.items():
        response = await sent(mine.seller, path, str(name), *file)
        assert (response.status_code, message(response)) == (400, sentence)


async def test_h49_thirty_files_meet_their_answers_and_leave_only_what_rows_name(
    http: httpx.AsyncClient, shop: Shop, uploads: Path, count: Count
) -> None:
    mine = await stall(http)
    path = f"/stores/{await my_store(mine, shop)}/logo"
    for sample in samples(LIMIT):
        response = await sent(mine.seller, path, "logo", sample.filename, sample.content)
        assert answer_to(sample) == (
            response.status_code,
            None if response.is_success else message(response),
        ), sample.name
        if response.is_success:
            stored = (await http.get(f"/uploads/{response.json()['data']['logo_url']}")).content
            assert MARK not in stored, sample.name
        count("files uploaded", 1)

    assert kept(uploads) == await named(shop)


def answer_to(sample: Sample) -> tuple[int, str | None]:
    """Return status and sentence; a client of ours cannot write NUL into a file name."""
    if sample.name == "nul in the name":
        return 400, "file extension .png%00 is not allowed"
    return (200 if sample.refusal is None else 400), sample.refusal


async def test_h49_a_bomb_costs_the_service_no_memory(http: httpx.AsyncClient, shop: Shop) -> None:
    mine = await stall(http)
    path = f"/stores/{await my_store(mine, shop)}/logo"
    before = highest_memory(web_process(shop))
    for _ in range(3):
        response = await sent(mine.seller, path, "logo", "l.png", bomb(9000, 9000))
        assert (response.status_code, message(response)) == (400, NOT_A_PICTURE)

    assert highest_memory(web_process(shop)) - before < 30 * MIB


async def test_h49_after_killed_decoders_the_next_upload_works(
    http: httpx.AsyncClient, shop: Shop
) -> None:
    """Several, as the moment of the kill decides over which of its pipes the service notices."""
    mine = await stall(http)
    path = f"/stores/{await my_store(mine, shop)}/logo"
    large = picture("JPEG", (4000, 4000))
    for _ in range(5):
        uploading = asyncio.ensure_future(sent(mine.seller, path, "logo", "l.jpg", large))
        await decoder_killed(web_process(shop))
        killed = await uploading
        assert (killed.status_code, message(killed)) == (400, NOT_A_PICTURE)

    assert (await sent(mine.seller, path, "logo", "l.jpg", large)).status_code == 200


async def decoder_killed(web: int) -> None:
    async def done() -> bool:
        for decoder in children(web):
            os.kill(decoder, signal.SIGKILL)
            return True
        return False

    await eventually(done, what="a decoder")


async def test_h32_on_a_full_disk_pictures_fail_and_orders_go_on(
    http: httpx.AsyncClient, shop: Shop, uploads: Path
) -> None:
    if uploads not in small_disks():
        pytest.skip("only root can mount a small disk")
    mine = await stall(http)
    store_id, lamp = await my_store(mine, shop), await mine.offers("Lamp", "10", stock=1)
    assert (await upload(mine, store_id)).status_code == 200
    before = kept(uploads)
    ballast = uploads / "ballast"
    fill(ballast)
    full = await upload(mine, store_id)
    buyer = await newcomer(http)
    order_id = await buyer.buys(lamp)
    image = await sent(mine.seller, f"/products/{lamp}/image", "image", "i.png", picture())
    ballast.unlink()

    assert (full.status_code, message(full)) == (500, "failed to update store logo")
    assert (image.status_code, message(image)) == (500, "failed to update product image")
    assert kept(uploads) == before
    assert before == await named(shop)
    await buyer.sees(order_id, "paid")
    assert (await upload(mine, store_id)).status_code == 200


def small_disks() -> set[Path]:
    return {Path(line.split()[1]) for line in Path("/proc/mounts").read_text().splitlines()}


def fill(ballast: Path) -> None:
    """Write until the disk is full, to its last page."""
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


async def upload(mine: Stall, store_id: str) -> httpx.Response:
    return await sent(mine.seller, f"/stores/{store_id}/logo", "logo", "l.png", picture())
