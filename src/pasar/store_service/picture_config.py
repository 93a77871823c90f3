"""The settings of uploaded pictures, a part of the store service's: limits, and where they go."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from pasar.kit.images import Images
from pasar.kit.settings import Duration
from pasar.kit.storage.choose import StorageSettings


@dataclass(frozen=True, kw_only=True)  # no slots: StoreConfig may have but one base with slots
class PictureConfig:
    """One field per variable, as in `StoreConfig`, which takes them over."""

    upload_dir: Annotated[
        str, Meta(description="directory of the pictures, unless there is a bucket")
    ] = "./uploads"
    upload_max_size: Annotated[
        int, Meta(ge=1, description="largest file of an upload in bytes, then 400")
    ] = 5_242_880
    upload_form_extra: Annotated[
        int, Meta(ge=1024, description="bytes of a form around its file")
    ] = 65_536
    upload_max_parts: Annotated[
        int, Meta(ge=1, description="parts of a form; above real use, then 400")
    ] = 10
    upload_s3_bucket: Annotated[
        str, Meta(description="bucket of the pictures; empty = `UPLOAD_DIR`")
    ] = ""
    upload_s3_endpoint: Annotated[
        str, Meta(description="URL of the S3-compatible store; empty = AWS")
    ] = ""
    upload_s3_region: Annotated[str, Meta(description="its region")] = "us-east-1"
    upload_s3_access_key: Annotated[str, Meta(description="its access key")] = ""
    upload_s3_secret_key: Annotated[str, Meta(description="the secret to that key")] = ""
    image_max_pixels: Annotated[
        int, Meta(ge=1, description="largest picture in pixels; 81 million took 231 MiB")
    ] = 16_000_000
    image_max_side: Annotated[int, Meta(ge=1, description="longest side in pixels")] = 8192
    image_timeout: Annotated[
        Duration, Meta(description="longest work on one picture, then it is refused")
    ] = Duration(5)
    image_memory: Annotated[
        int, Meta(ge=134_217_728, description="bytes that decoding one picture may take")
    ] = 536_870_912
    image_workers: Annotated[
        int, Meta(ge=1, description="pictures decoded at once per process, each in its own")
    ] = 1

    def images(self) -> Images:
        return Images(
            max_pixels=self.image_max_pixels,
            max_side=self.image_max_side,
            timeout_s=self.image_timeout,
            memory_bytes=self.image_memory,
            workers=self.image_workers,
        )

    def storage(self) -> StorageSettings:
        """Return where the pictures are kept."""
        return StorageSettings(
            directory=Path(self.upload_dir),
            bucket=self.upload_s3_bucket,
            endpoint=self.upload_s3_endpoint,
            region=self.upload_s3_region,
            access_key=self.upload_s3_access_key,
            secret_key=self.upload_s3_secret_key,
        )
