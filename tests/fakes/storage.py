"""Pictures in memory."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from pasar.kit.pictures import Pictures
from pasar.kit.storage.port import NotStored, Storage, StorageFailed, Stored, checked
from pasar.store_service.picture_config import PictureConfig

CHUNK = 1000


@dataclass(frozen=True, slots=True)
class MemoryFile:
    content: bytes
    modified: datetime

    @property
    def size(self) -> int:
        return len(self.content)

    async def chunks(self, start: int, stop: int) -> AsyncIterator[bytes]:
        for at in range(start, stop, CHUNK):
            yield self.content[at : min(at + CHUNK, stop)]


class MemoryStorage:
    """`full` makes every write fail as a full disk does, `stuck` every delete."""

    def __init__(self) -> None:
        self.files: dict[str, MemoryFile] = {}
        self.full = False
        self.stuck = False

    async def put(self, name: str, content: bytes) -> None:
        checked(name)
        if self.full:
            raise StorageFailed
        self.files[name] = MemoryFile(content, datetime.now(UTC).replace(microsecond=0))

    async def delete(self, name: str) -> None:
        checked(name)
        if self.stuck:
            raise StorageFailed
        self.files.pop(name, None)

    @asynccontextmanager
    async def open(self, name: str) -> AsyncGenerator[Stored]:
        checked(name)
        if name not in self.files:
            raise NotStored
        yield self.files[name]

    async def older(self, folder: str, before: datetime) -> AsyncIterator[Sequence[str]]:
        yield [
            name
            for name, file in self.files.items()
            if name.startswith(f"{folder}/") and file.modified < before
        ]


_: type[Storage] = MemoryStorage


def pictures_in(storage: Storage) -> Pictures:
    """Return the real thing over the storage, with the limits of production."""
    return Pictures(PictureConfig().images(), storage)
