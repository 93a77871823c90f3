"""
Which storage: the one place that knows the adapters.

That of a bucket is loaded where one is named: its driver takes 5 MiB of each process.
"""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

from pasar.kit.storage.local import LocalStorage
from pasar.kit.storage.port import Storage

_BUCKETS: Final = "pasar.kit.storage.s3"


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSettings:
    """A bucket, where one is named, else the directory; `endpoint` is a URL, empty for AWS."""

    directory: Path
    bucket: str = ""
    endpoint: str = ""
    region: str = "us-east-1"
    access_key: str = ""
    secret_key: str = ""


def open_storage(settings: StorageSettings) -> Storage:
    """Return at once; neither the directory nor the bucket is touched before it is needed."""
    if not settings.bucket:
        return LocalStorage(settings.directory)
    bucket: Storage = import_module(_BUCKETS).S3Storage(
        settings.bucket,
        endpoint=settings.endpoint,
        region=settings.region,
        access_key=settings.access_key,
        secret_key=settings.secret_key,
    )
    return bucket
