"""Which storage: the one place that knows the adapters."""

from dataclasses import dataclass
from pathlib import Path

from pasar.kit.storage.local import LocalStorage
from pasar.kit.storage.port import Storage
from pasar.kit.storage.s3 import S3Storage


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
    return S3Storage(
        settings.bucket,
        endpoint=settings.endpoint,
        region=settings.region,
        access_key=settings.access_key,
        secret_key=settings.secret_key,
    )
