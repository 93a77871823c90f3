"""Pictures in a directory of this machine, or of one that all machines mount."""

import asyncio
import errno
import os
import stat
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

from pasar.kit.storage.port import LISTED, NAME, NotStored, Storage, StorageFailed, Stored, checked

_CHUNK: Final = 65_536  # what a slow reader holds in memory; uvicorn's own high-water mark
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe or a link that somebody put into the folder is neither waited for nor followed.
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_ABSENT: Final = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO}  # or no plain file
_MODE: Final = 0o644  # a web server in front may read them


class LocalStorage:
    """
    One file per picture, in one folder per kind below `root`; both are made when needed.

    Files are written under a temporary name, synced and renamed, then their folder is synced: after
    a crash a name holds its whole content or nothing. Reading and writing run in threads.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, name: str, content: bytes) -> None:
        folder, file = checked(name)
        try:
            await asyncio.to_thread(self._put, folder, file, content)
        except OSError as fault:
            raise StorageFailed from fault

    async def delete(self, name: str) -> None:
        folder, file = checked(name)
        try:
            await asyncio.to_thread(self._delete, folder, file)
        except FileNotFoundError:
            return
        except OSError as fault:
            raise StorageFailed from fault

    @asynccontextmanager
    async def open(self, name: str) -> AsyncGenerator[Stored]:
        folder, file = checked(name)
        try:
            # Not in a thread: a request cancelled meanwhile would leave its descriptor open.
            descriptor = self._open(folder, file)
        except OSError as fault:
            raise (NotStored if fault.errno in _ABSENT else StorageFailed) from fault
        try:
            yield _file(descriptor)
        finally:
            os.close(descriptor)

    async def older(self, folder: str, before: datetime) -> AsyncIterator[Sequence[str]]:
        names = self._older(folder, before.timestamp())
        try:
            while some := await asyncio.to_thread(list, islice(names, LISTED)):
                yield some
        except OSError as fault:
            raise StorageFailed from fault

    def _older(self, folder: str, before_s: float) -> Iterator[str]:
        try:
            files = os.scandir(self._root / folder)
        except FileNotFoundError:
            return
        with files:
            for file in files:
                name = f"{folder}/{file.name}"
                if NAME.fullmatch(name) and file.stat(follow_symlinks=False).st_mtime < before_s:
                    yield name

    def _put(self, folder: str, file: str, content: bytes) -> None:
        (self._root / folder).mkdir(parents=True, exist_ok=True)
        temporary = f".{file}.tmp"
        with self._folder(folder) as place:
            try:
                _write(os.open(temporary, _NEW, _MODE, dir_fd=place), content)
                os.rename(temporary, file, src_dir_fd=place, dst_dir_fd=place)
            except OSError:
                with suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=place)
                raise
            os.fsync(place)

    def _delete(self, folder: str, file: str) -> None:
        with self._folder(folder) as place:
            os.unlink(file, dir_fd=place)

    def _open(self, folder: str, file: str) -> int:
        with self._folder(folder) as place:
            return os.open(file, _READ, dir_fd=place)

    @contextmanager
    def _folder(self, folder: str) -> Generator[int]:
        place = os.open(self._root / folder, _FOLDER)
        try:
            yield place
        finally:
            os.close(place)


@dataclass(frozen=True, slots=True)
class _File:
    descriptor: int
    size: int
    modified: datetime

    async def chunks(self, start: int, stop: int) -> AsyncIterator[bytes]:
        while start < stop:
            wanted = min(_CHUNK, stop - start)
            try:
                chunk = await asyncio.to_thread(os.pread, self.descriptor, wanted, start)
            except OSError as fault:
                raise StorageFailed from fault
            if not chunk:
                raise StorageFailed  # the file became shorter: nobody of ours does that
            start += len(chunk)
            yield chunk


def _file(descriptor: int) -> _File:
    state = os.fstat(descriptor)
    if not stat.S_ISREG(state.st_mode):
        raise NotStored
    return _File(descriptor, state.st_size, datetime.fromtimestamp(int(state.st_mtime), UTC))


def _write(descriptor: int, content: bytes) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


_: type[Storage] = LocalStorage
