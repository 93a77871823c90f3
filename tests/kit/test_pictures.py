"""From an upload to a kept picture: which question is asked first, and what a refusal leaves."""

import re

import pytest

from pasar.kit.errors import Invalid
from pasar.kit.images import NotAnImage
from pasar.kit.pictures import Pictures, Upload
from pasar.kit.storage.port import NAME, StorageFailed
from tests.fakes.images import MARK, Sample, picture, samples
from tests.fakes.storage import MemoryStorage, pictures_in

MAX_SIZE = 1_100_000
SAMPLES = [sample for sample in samples(MAX_SIZE) if sample.name != "above the limit"]


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def pictures(storage: MemoryStorage) -> Pictures:
    return pictures_in(storage)


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
async def test_d17_an_upload_is_kept_clean_or_leaves_nothing(
    pictures: Pictures, storage: MemoryStorage, sample: Sample
) -> None:
    upload = Upload(sample.filename, sample.content)
    if sample.refusal is not None:
        with pytest.raises(Invalid, match=re.escape(sample.refusal)):
            await pictures.add("stores", upload)
        assert storage.files == {}
        return
    name = await pictures.add("stores", upload)

    assert NAME.fullmatch(name)
    assert name.startswith("stores/")
    assert MARK not in storage.files[name].content


async def test_the_extension_is_judged_before_the_content(pictures: Pictures) -> None:
    with pytest.raises(Invalid, match=r"file extension \.gif is not allowed"):
        await pictures.add("stores", Upload("logo.GIF", b""))
    with pytest.raises(NotAnImage):
        await pictures.add("stores", Upload("logo.PNG", b""))


async def test_a_file_without_extension_leaves_two_blanks(pictures: Pictures) -> None:
    with pytest.raises(Invalid, match=r"^file extension  is not allowed$"):
        await pictures.add("stores", Upload("archive.d/logo", picture()))


async def test_every_picture_has_a_name_of_its_own(pictures: Pictures) -> None:
    names = {await pictures.add("stores", Upload("logo.png", picture())) for _ in range(2)}

    assert len(names) == 2


async def test_a_full_disk_is_told(pictures: Pictures, storage: MemoryStorage) -> None:
    storage.full = True

    with pytest.raises(StorageFailed):
        await pictures.add("stores", Upload("logo.png", picture()))


@pytest.mark.parametrize("name", ["", "/etc/passwd", "http://example.com/logo.png"])
async def test_what_is_no_picture_of_ours_is_not_dropped(pictures: Pictures, name: str) -> None:
    await pictures.drop(name)


async def test_a_picture_that_cannot_be_dropped_stays_and_nobody_suffers(
    pictures: Pictures, storage: MemoryStorage
) -> None:
    name = await pictures.add("stores", Upload("logo.png", picture()))
    storage.stuck = True
    await pictures.drop(name)

    assert name in storage.files
