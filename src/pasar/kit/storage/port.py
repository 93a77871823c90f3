"""Storage as business code sees it: named pictures, written whole or not at all."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Final, Protocol

NAME: Final = re.compile(
    r"(?P<folder>[a-z]{1,32})/(?P<file>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[a-z]{3,4})"
)
"""What a name looks like: no other ever reaches a file system or a bucket (reliability H50)."""


LISTED: Final = 1000  # names held in memory at once; what a page of S3 holds


class StorageFailed(Exception):
    """A fault of the storage itself, a full disk for instance; nothing a client could mend."""


class NotStored(Exception):
    """There is nothing of this name."""


class Stored(Protocol):
    """A picture that can be read; `modified` in UTC and whole seconds, `size` in bytes."""

    @property
    def size(self) -> int:
        """Bytes in all."""
        ...

    @property
    def modified(self) -> datetime:
        """When it was written, an aware UTC time."""
        ...

    def chunks(self, start: int, stop: int) -> AsyncIterator[bytes]:
        """
        Read the bytes from `start` up to, not including, `stop`; both within the size.

        Never more than one chunk is held in memory. Raises StorageFailed, Unavailable.
        """
        ...


class Storage(Protocol):
    """
    Pictures by name, such as `stores/2f1c….png`.

    Every method raises ValueError for a name that NAME does not match, StorageFailed for a fault
    of the storage, and kit.errors.Unavailable while it cannot be reached.
    """

    async def put(self, name: str, content: bytes) -> None:
        """Keep the content, durably, under a name never used before: wholly or not at all."""
        ...

    async def delete(self, name: str) -> None:
        """Let it go; also when it is gone already. Whoever is reading it reads it to its end."""
        ...

    def open(self, name: str) -> AbstractAsyncContextManager[Stored]:
        """Open it for reading, for the length of a block. Raises NotStored on entering."""
        ...

    def older(self, folder: str, before: datetime) -> AsyncIterator[Sequence[str]]:
        """
        Name the pictures of the folder written before then, at most LISTED at a time.

        What bears another kind of name is not mentioned. Each may be deleted before the next comes.
        """
        ...


def checked(name: str) -> tuple[str, str]:
    """
    Return folder and file of a name, or raise ValueError.

    >>> checked("stores/0190c7a2-0000-7000-8000-000000000001.png")[0]
    'stores'
    """
    match = NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is no name of a picture")
    return match["folder"], match["file"]
