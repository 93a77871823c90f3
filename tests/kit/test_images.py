"""Pictures are cleaned in a process that may die over them, and nothing else does."""

import asyncio
import io
import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from pasar.kit import images as images_module
from pasar.kit.errors import Unavailable
from pasar.kit.images import CONTENT_TYPES, WAITING, Images, NotAnImage
from pasar.kit.pictures import extension_of
from tests.fakes.images import MARK, Sample, bomb, picture, samples

LIMIT = 1_100_000  # of a file; small, but above the sample with a profile of 1 MB
SAMPLES = list(samples(LIMIT))
PICTURES = [sample for sample in SAMPLES if extension_of(sample.filename) in CONTENT_TYPES]


def cleaner(
    *, memory_bytes: int = 536_870_912, timeout_s: float = 5, max_pixels: int = 16_000_000
) -> Images:
    return Images(
        max_pixels=max_pixels,
        max_side=8192,
        timeout_s=timeout_s,
        memory_bytes=memory_bytes,
        workers=1,
    )


def children() -> set[int]:
    """Return the processes that this one has started and not yet seen off."""
    path = Path(f"/proc/self/task/{os.getpid()}/children")
    return {int(pid) for pid in path.read_text().split()}


def environment_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


async def until(found: Callable[[], set[int]]) -> set[int]:
    async with asyncio.timeout(5):
        while not (what := found()):
            await asyncio.sleep(0.002)
        return what


def test_there_are_thirty_samples() -> None:
    assert len(SAMPLES) == 30


@pytest.mark.parametrize("sample", PICTURES, ids=str)
async def test_h49_a_file_is_cleaned_or_refused(sample: Sample) -> None:
    """Size and names are judged elsewhere, so their samples are ordinary pictures here."""
    refused = sample.refusal is not None and not sample.refusal.startswith("file size")
    if refused:
        with pytest.raises(NotAnImage, match=sample.refusal):
            await cleaner().clean(sample.content, extension_of(sample.filename))
        return
    clean = await cleaner().clean(sample.content, extension_of(sample.filename))
    image = Image.open(io.BytesIO(clean))

    assert MARK not in clean
    assert image.size == (8, 6)
    assert not image.getexif()
    assert image.info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


@pytest.mark.parametrize("extension", CONTENT_TYPES)
async def test_each_kind_stays_what_it_is(extension: str) -> None:
    kind = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP"}[extension]
    clean = await cleaner().clean(picture(kind, (40, 30)), extension)

    assert Image.open(io.BytesIO(clean)).format == kind


async def test_a_photo_is_turned_as_its_metadata_says() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    clean = await cleaner().clean(picture("JPEG", (40, 30), exif=exif), ".jpg")

    assert Image.open(io.BytesIO(clean)).size == (30, 40)


async def test_transparency_stays() -> None:
    encoded = io.BytesIO()
    Image.new("P", (4, 4)).save(encoded, "PNG", transparency=0)
    clean = await cleaner().clean(encoded.getvalue(), ".png")

    assert Image.open(io.BytesIO(clean)).convert("RGBA").getpixel((0, 0)) == (0, 0, 0, 0)


async def test_h49_a_bomb_is_refused_by_its_header_in_little_memory() -> None:
    """Also by the process that looks at it: it stays below a tenth of what 81 megapixels take."""
    sent = bomb(9000, 9000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    images = cleaner(memory_bytes=150_000_000)
    with pytest.raises(NotAnImage):
        await images.clean(sent, ".png")
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

    assert len(sent) < 12_000
    assert grown_kib < 30 * 1024


async def test_a_picture_beyond_the_memory_limit_dies_alone() -> None:
    large = picture("JPEG", (4000, 4000))
    with pytest.raises(NotAnImage):
        await cleaner(memory_bytes=134_217_728).clean(large, ".jpg")

    assert await cleaner().clean(large, ".jpg")


async def test_a_process_that_takes_too_long_is_ended() -> None:
    idle = children()
    with pytest.raises(NotAnImage):
        await cleaner(timeout_s=0.01).clean(picture(), ".png")

    assert children() == idle


async def test_h49_after_a_killed_process_the_next_picture_is_cleaned() -> None:
    images = cleaner()
    idle = children()
    cleaning = asyncio.ensure_future(images.clean(picture("PNG", (3000, 3000)), ".png"))
    (pid,) = await until(lambda: children() - idle)
    os.kill(pid, 9)
    with pytest.raises(NotAnImage):
        await cleaning

    assert await images.clean(picture(), ".png")


async def test_a_request_that_gives_up_takes_its_process_with_it() -> None:
    idle = children()
    cleaning = asyncio.ensure_future(cleaner().clean(picture("PNG", (3000, 3000)), ".png"))
    await until(lambda: children() - idle)
    cleaning.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cleaning

    assert children() == idle


async def test_the_process_inherits_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", "a secret that no decoder needs")
    idle = children()
    cleaning = asyncio.ensure_future(cleaner().clean(picture("PNG", (3000, 3000)), ".png"))
    (pid,) = await until(lambda: children() - idle)
    environment = environment_of(pid)
    await cleaning

    assert b"JWT_SECRET" not in environment


async def test_more_pictures_than_may_wait_are_told_to_come_again() -> None:
    images = cleaner(timeout_s=0.01)
    crowd = (images.clean(picture(), ".png") for _ in range(WAITING + 5))
    answers = await asyncio.gather(*crowd, return_exceptions=True)

    assert sum(isinstance(answer, Unavailable) for answer in answers) == 4


def test_the_process_and_its_parent_know_the_same_kinds() -> None:
    worker = Path(images_module.__file__).with_name("image_worker.py").read_text()

    assert all(f'"{extension}": ' in worker for extension in CONTENT_TYPES)
