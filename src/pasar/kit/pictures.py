"""
Uploaded pictures: judged, cleaned and kept under a random name that the client has no part in.

Which row names a picture is its feature's affair. The order is always: file, row, then the old
file; what a crash in between leaves behind is a file that no row names, never a row without file.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from pasar.kit import log
from pasar.kit.errors import Invalid, Unavailable
from pasar.kit.images import CONTENT_TYPES, Images
from pasar.kit.storage.port import NAME, Storage, StorageFailed

_log: Final = log.get("pictures")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as a client sent it; its name decides nothing but the extension."""

    filename: str
    content: bytes


ReadUpload = Callable[[], Awaitable[Upload]]
"""Reads the file from the client: late, so that ownership is judged before a byte is taken."""


class Pictures:
    def __init__(self, images: Images, storage: Storage) -> None:
        self._images = images
        self._storage = storage

    async def add(self, folder: str, upload: Upload) -> str:
        """
        Keep a clean copy, and return its name, `<folder>/<uuid><extension>`.

        Raises:
            Invalid: another extension than the four, or not a picture of that kind.
            StorageFailed: it could not be kept.
            Unavailable: too many uploads at once, or the storage is away.
        """
        extension = extension_of(upload.filename)
        if extension not in CONTENT_TYPES:
            raise Invalid(f"file extension {extension} is not allowed")
        clean = await self._images.clean(upload.content, extension)
        name = f"{folder}/{uuid4()}{extension}"
        await self._storage.put(name, clean)
        return name

    async def drop(self, name: str) -> None:
        """Let a picture go that no row names any more; never raises, at worst a file stays."""
        if not NAME.fullmatch(name):
            return  # no picture at all, or none of ours
        try:
            await self._storage.delete(name)
        except (StorageFailed, Unavailable):
            _log.exception("picture stays without a row", name=name)


def extension_of(filename: str) -> str:
    """
    Return what follows the last dot of the file's own name, dot included, in lower case.

    >>> extension_of("../../Logo.PNG"), extension_of("logo"), extension_of(".jpg")
    ('.png', '', '.jpg')
    """
    _, dot, extension = filename.rpartition("/")[2].rpartition(".")
    return f"{dot}{extension}".lower() if dot else ""
