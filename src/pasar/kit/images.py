"""
Strangers' pictures made harmless: decoded and encoded again, in a process of their own.

Each picture gets a new process (`kit/image_worker.py`, 0.16 s of start): one that kills its
process, or takes it over, meets no other picture, no secret and no connection. Nothing runs between
uploads.
"""

import asyncio
import math
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from pasar.kit.errors import Invalid, Unavailable

CONTENT_TYPES: Final[Mapping[str, str]] = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
}
"""By extension: the kinds of picture there are; the same four as in `image_worker.OPENERS`."""

WAITING: Final = 16
"""Pictures that may wait per process, each some MiB of memory; more are told to come again."""

_WORKER: Final = Path(__file__).with_name("image_worker.py")
_BYTES_PER_PIXEL: Final = 4  # an encoded picture larger than its raw pixels is no honest one
_HEADROOM: Final = 65_536  # headers and tables, which outweigh the pixels of a tiny picture
_CHUNK: Final = 65_536  # the size of a Linux pipe


class NotAnImage(Invalid):
    """No picture of its extension's kind, or one that nobody should have to decode."""

    def __init__(self) -> None:
        super().__init__("file content is not a supported image")


class Images:
    """
    Cleans pictures, `workers` at a time.

    A picture beyond `max_pixels` or `max_side` is refused by its header, before it is decoded;
    `timeout_s` and `memory_bytes` bound the process that decodes it.
    """

    def __init__(
        self, *, max_pixels: int, max_side: int, timeout_s: float, memory_bytes: int, workers: int
    ) -> None:
        self._limits = (max_pixels, max_side, memory_bytes, math.ceil(timeout_s))
        self._most = max_pixels * _BYTES_PER_PIXEL + _HEADROOM
        self._timeout_s = timeout_s
        self._turns = asyncio.Semaphore(workers)
        self._room = workers + WAITING

    async def clean(self, sent: bytes, extension: str) -> bytes:
        """
        Return the picture encoded anew: one frame, upright, without metadata or anything appended.

        Raises:
            NotAnImage: the bytes are not what `extension` says, are cut off, animated or beyond a
                limit, or the process died over them.
            Unavailable: too many pictures wait already.
        """
        if self._room == 0:
            raise Unavailable
        self._room -= 1
        try:
            async with self._turns:
                return await self._cleaned(sent, extension)
        finally:
            self._room += 1

    async def _cleaned(self, sent: bytes, extension: str) -> bytes:
        arguments = (extension, *map(str, self._limits))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", str(_WORKER), *arguments),
            env={},  # ours holds the secrets
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(self._timeout_s):
                clean = await self._exchanged(process, sent)
                code = await process.wait()
        except TimeoutError:
            raise NotAnImage from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if code != 0:
            raise NotAnImage
        return clean

    async def _exchanged(self, process: asyncio.subprocess.Process, sent: bytes) -> bytes:
        """Feed the process and return all it says; no more than a picture may have is kept."""
        stdin, stdout = process.stdin, process.stdout
        if stdin is None or stdout is None:
            raise LookupError("started without pipes")
        # It died: its exit code says so. uvloop tells a write to the dead by RuntimeError.
        with suppress(ConnectionError, RuntimeError):
            stdin.write(sent)
            await stdin.drain()
        stdin.close()
        clean = bytearray()
        while chunk := await stdout.read(_CHUNK):
            clean += chunk
            if len(clean) > self._most:
                raise NotAnImage
        return bytes(clean)
