"""Every storage keeps the same promises: in memory, in a directory, in a bucket."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from pasar.kit.errors import Unavailable
from pasar.kit.storage.choose import StorageSettings, open_storage
from pasar.kit.storage.port import NotStored, Storage, StorageFailed
from tests.fakes.storage import MemoryStorage
from tests.fixtures.storage import RunningS3

CONTENT = bytes(range(256)) * 4096  # 1 MiB: several chunks of every adapter


@pytest.fixture(params=["memory", "local", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    match request.param:
        case "memory":
            return MemoryStorage()
        case "local":
            return open_storage(StorageSettings(directory=tmp_path / "uploads"))
        case _:
            s3: RunningS3 = request.getfixturevalue("s3")
            return open_storage(s3.bucket())


def new_name() -> str:
    return f"stores/{uuid4()}.png"


async def content_of(storage: Storage, name: str) -> bytes:
    async with storage.open(name) as stored:
        return b"".join([chunk async for chunk in stored.chunks(0, stored.size)])


async def named(storage: Storage, folder: str, before: datetime) -> set[str]:
    return {name async for names in storage.older(folder, before) for name in names}


class TestStorage:
    async def test_what_was_put_is_read(self, storage: Storage) -> None:
        name = new_name()
        await storage.put(name, CONTENT)

        assert await content_of(storage, name) == CONTENT

    async def test_a_picture_tells_its_size_and_age(self, storage: Storage) -> None:
        name = new_name()
        began = datetime.now(UTC)
        await storage.put(name, CONTENT)

        async with storage.open(name) as stored:
            assert stored.size == len(CONTENT)
            assert stored.modified.microsecond == 0
            assert timedelta(seconds=-1) < stored.modified - began < timedelta(seconds=10)

    async def test_those_written_before_a_moment_are_named_folder_by_folder(
        self, storage: Storage
    ) -> None:
        logos = {new_name() for _ in range(3)}
        for name in (*logos, f"products/{uuid4()}.png"):
            await storage.put(name, b"content")
        now = datetime.now(UTC)

        assert await named(storage, "stores", now + timedelta(minutes=1)) == logos
        assert await named(storage, "stores", now - timedelta(minutes=1)) == set()
        assert await named(storage, "nowhere", now + timedelta(minutes=1)) == set()

    async def test_a_part_is_read_exactly(self, storage: Storage) -> None:
        name = new_name()
        await storage.put(name, CONTENT)

        async with storage.open(name) as stored:
            part = b"".join([chunk async for chunk in stored.chunks(255, 600_001)])
        assert part == CONTENT[255:600_001]

    async def test_what_was_never_put_is_not_stored(self, storage: Storage) -> None:
        with pytest.raises(NotStored):
            await content_of(storage, new_name())

    async def test_what_was_deleted_is_gone_and_may_be_deleted_again(
        self, storage: Storage
    ) -> None:
        name = new_name()
        await storage.put(name, CONTENT)
        await storage.delete(name)
        await storage.delete(name)

        with pytest.raises(NotStored):
            await content_of(storage, name)

    async def test_many_are_put_at_once(self, storage: Storage) -> None:
        names = [new_name() for _ in range(20)]
        await asyncio.gather(*(storage.put(name, name.encode()) for name in names))

        assert [await content_of(storage, name) for name in names] == [n.encode() for n in names]

    @pytest.mark.parametrize(
        "name",
        ["", "x.png", "../x.png", "stores/../x.png", "stores/x.png", "/etc/passwd", "stores/"],
    )
    async def test_h50_other_names_reach_no_storage(self, storage: Storage, name: str) -> None:
        with pytest.raises(ValueError, match="no name of a picture"):
            await storage.put(name, b"")
        with pytest.raises(ValueError, match="no name of a picture"):
            await storage.delete(name)
        with pytest.raises(ValueError, match="no name of a picture"):
            await content_of(storage, name)


async def test_a_bucket_that_is_not_there_is_a_fault(s3: RunningS3) -> None:
    storage = open_storage(replace(s3.bucket(), bucket="none"))

    with pytest.raises(StorageFailed):
        await storage.put(new_name(), CONTENT)


async def test_a_store_that_is_away_is_unavailable(s3: RunningS3) -> None:
    storage = open_storage(replace(s3.bucket(), endpoint="http://127.0.0.1:1"))

    with pytest.raises(Unavailable):
        await storage.put(new_name(), CONTENT)
    with pytest.raises(Unavailable):
        await storage.delete(new_name())
    with pytest.raises(Unavailable):
        await content_of(storage, new_name())
