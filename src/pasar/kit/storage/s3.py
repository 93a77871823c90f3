"""Pictures in a bucket of an S3-compatible store, shared by all machines."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from pasar.kit.errors import Unavailable
from pasar.kit.storage.port import LISTED, NAME, NotStored, Storage, StorageFailed, Stored, checked

_CHUNK: Final = 262_144  # what a slow reader holds in memory; one request to the store each
_CONNECT_TIMEOUT: Final = timedelta(seconds=2)
_TIMEOUT: Final = timedelta(seconds=10)  # of one request: 5 MiB at 4 Mbit/s
_RETRIES: Final = 2  # names are unique, so writing twice is harmless
_REFUSALS: Final = (FileNotFoundError, PermissionDeniedError, UnauthenticatedError)
_RETRY_TIMEOUT: Final = timedelta(seconds=10)  # below the budget of a client's request


class S3Storage:
    """
    One object per picture, its name as the key.

    The bucket must be there. `endpoint` is a URL, empty for AWS itself; over plain HTTP only when
    it says so.
    """

    def __init__(
        self, bucket: str, *, endpoint: str, region: str, access_key: str, secret_key: str
    ) -> None:
        self._store = S3Store(
            bucket,
            endpoint=endpoint or f"https://s3.{region}.amazonaws.com",
            region=region,
            access_key_id=access_key,
            secret_access_key=secret_key,
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": _CONNECT_TIMEOUT,
                "timeout": _TIMEOUT,
            },
            retry_config={"max_retries": _RETRIES, "retry_timeout": _RETRY_TIMEOUT},
        )

    async def put(self, name: str, content: bytes) -> None:
        checked(name)
        try:
            await obstore.put_async(self._store, name, content)
        except (BaseError, FileNotFoundError) as fault:
            raise _ours(fault) from fault

    async def delete(self, name: str) -> None:
        checked(name)
        try:
            await obstore.delete_async(self._store, name)
        except FileNotFoundError:
            return
        except BaseError as fault:
            raise _ours(fault) from fault

    @asynccontextmanager
    async def open(self, name: str) -> AsyncGenerator[Stored]:
        checked(name)
        try:
            meta = await obstore.head_async(self._store, name)
        except FileNotFoundError as fault:
            raise NotStored from fault
        except BaseError as fault:
            raise _ours(fault) from fault
        modified = meta["last_modified"].astimezone(UTC).replace(microsecond=0)
        yield _Object(self._store, name, meta["size"], modified)

    async def older(self, folder: str, before: datetime) -> AsyncIterator[Sequence[str]]:
        try:
            pages = obstore.list(  # pyright: ignore[reportUnknownMemberType]  of Arrow tables
                self._store, f"{folder}/", chunk_size=LISTED
            )
            async for page in pages:
                yield [
                    meta["path"]
                    for meta in page
                    if NAME.fullmatch(meta["path"]) and meta["last_modified"] < before
                ]
        except (BaseError, FileNotFoundError) as fault:
            raise _ours(fault) from fault


@dataclass(frozen=True, slots=True)
class _Object:
    store: S3Store
    name: str
    size: int
    modified: datetime

    async def chunks(self, start: int, stop: int) -> AsyncIterator[bytes]:
        for at in range(start, stop, _CHUNK):
            end = min(at + _CHUNK, stop)
            try:
                chunk = await obstore.get_range_async(self.store, self.name, start=at, end=end)
            except (BaseError, FileNotFoundError) as fault:
                raise _ours(fault) from fault
            yield chunk.to_bytes()


def _ours(fault: Exception) -> Exception:
    """Tell a store that is away from one that refuses us, or has no such bucket or object."""
    return StorageFailed() if isinstance(fault, _REFUSALS) else Unavailable()


_: type[Storage] = S3Storage
