"""A directory of pictures: what a full disk, a link or a stranger in it can do."""

import os
import resource
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from pasar.kit.storage.local import LocalStorage
from pasar.kit.storage.port import NotStored, StorageFailed

NAME = f"stores/{uuid4()}.png"


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path)


@contextmanager
def no_room_beyond(size: int) -> Generator[None]:
    """Let the kernel refuse to write further into any file, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def descriptors() -> int:
    """Return how many are open in this process."""
    return len([*Path("/proc/self/fd").iterdir()])


def cut(path: Path) -> None:
    path.write_bytes(b"")


async def read_whole(storage: LocalStorage, *, cut_before: Path) -> None:
    async with storage.open(NAME) as stored:
        cut(cut_before)
        assert [chunk async for chunk in stored.chunks(0, stored.size)]


async def opened(storage: LocalStorage, name: str = NAME) -> None:
    async with storage.open(name):
        pass


async def test_h32_a_write_that_fails_half_way_leaves_no_file(
    storage: LocalStorage, tmp_path: Path
) -> None:
    with no_room_beyond(4096), pytest.raises(StorageFailed):
        await storage.put(NAME, bytes(10_000))

    assert files_in(tmp_path) == []
    await storage.put(NAME, b"now there is room")


async def test_what_is_no_picture_of_ours_is_never_named(
    storage: LocalStorage, tmp_path: Path
) -> None:
    await storage.put(NAME, b"content")
    for stranger in ("notes.txt", "logo.png", f".{NAME.rpartition('/')[2]}.tmp"):
        (tmp_path / "stores" / stranger).write_bytes(b"theirs")
    later = datetime.now(UTC) + timedelta(hours=1)

    assert [names async for names in storage.older("stores", later)] == [[NAME]]


async def test_a_picture_may_be_read_by_a_web_server_in_front(
    storage: LocalStorage, tmp_path: Path
) -> None:
    await storage.put(NAME, b"content")

    assert (tmp_path / NAME).stat().st_mode & 0o444 == 0o444


async def test_what_is_being_read_is_read_to_its_end(storage: LocalStorage) -> None:
    await storage.put(NAME, b"content")
    async with storage.open(NAME) as stored:
        await storage.delete(NAME)
        chunks = [chunk async for chunk in stored.chunks(0, stored.size)]

    assert chunks == [b"content"]


async def test_a_file_that_became_shorter_is_a_fault(storage: LocalStorage, tmp_path: Path) -> None:
    await storage.put(NAME, b"content")
    with pytest.raises(StorageFailed):
        await read_whole(storage, cut_before=tmp_path / NAME)


async def test_h50_a_link_is_not_followed(storage: LocalStorage, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "stores").mkdir()
    (tmp_path / NAME).symlink_to(tmp_path / "secret")

    with pytest.raises(NotStored):
        await opened(storage)


async def test_h50_a_linked_folder_is_not_followed(storage: LocalStorage, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / NAME.partition("/")[2]).write_text("secret")
    (tmp_path / "stores").symlink_to(elsewhere)

    with pytest.raises(NotStored):
        await opened(storage)
    with pytest.raises(StorageFailed):
        await storage.delete(NAME)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "directory"])
async def test_only_plain_files_are_read(
    storage: LocalStorage, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    (tmp_path / "stores").mkdir()
    make(tmp_path / NAME)

    with pytest.raises(NotStored):
        await opened(storage)


async def test_a_directory_that_is_none_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    storage = LocalStorage(tmp_path / "file")

    with pytest.raises(StorageFailed):
        await storage.put(NAME, b"content")


async def test_no_descriptor_stays_open(storage: LocalStorage) -> None:
    before = descriptors()
    await storage.put(NAME, b"content")
    await opened(storage)
    await storage.delete(NAME)
    with pytest.raises(NotStored):
        await opened(storage)

    assert descriptors() == before
