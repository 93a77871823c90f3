"""
The program of an image process: one picture in, the same picture without anything else out.

Run by `kit/images.py`, one process per picture, and imported by nobody. Imports nothing of ours:
what decodes strangers' bytes should hold no secrets, no sockets, and die young.

    python -I image_worker.py EXTENSION MAX_PIXELS MAX_SIDE MEMORY_BYTES CPU_S < sent > clean
"""

import io
import resource
import sys
from typing import Final

from PIL import Image, ImageFile, ImageOps, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

REFUSED: Final = 3
"""Exit code: the picture was judged and refused; any other but 0 means the process died over it."""

QUALITY: Final = 90  # visually lossless for photos; 100 doubles the size
WEBP_EFFORT: Final = 2  # 16 megapixels of noise: 1.7 s of CPU, the default 4 takes 3.0 s

# Opened by class, not by Image.open: only these decoders ever see the bytes, and the extension
# must tell the truth.
OPENERS: Final[dict[str, type[ImageFile.ImageFile]]] = {
    ".jpg": JpegImagePlugin.JpegImageFile,
    ".jpeg": JpegImagePlugin.JpegImageFile,
    ".png": PngImagePlugin.PngImageFile,
    ".webp": WebPImagePlugin.WebPImageFile,
}


class Refused(Exception):
    """Too many pixels, too long a side, or more than one frame."""


def limit(memory_bytes: int, cpu_s: int) -> None:
    """Bound this process: beyond the memory an allocation fails, beyond the CPU time it dies."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # it has no file to write
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def clean(sent: bytes, extension: str, max_pixels: int, max_side: int) -> bytes:
    """
    Decode and encode again: metadata, profiles, and whatever else was in the file are gone.

    Raises Refused, or what a decoder raises when the bytes are no whole picture of their kind.
    """
    image = OPENERS[extension](io.BytesIO(sent))  # reads the header only
    width, height = image.size
    if max(width, height) > max_side or width * height > max_pixels:
        raise Refused
    if getattr(image, "n_frames", 1) > 1:
        raise Refused
    upright = ImageOps.exif_transpose(image)  # decodes; the turn goes from the EXIF into the pixels
    upright.info = {key: value for key, value in image.info.items() if key == "transparency"}
    encoded = io.BytesIO()
    upright.save(encoded, image.format, quality=QUALITY, method=WEBP_EFFORT)
    return encoded.getvalue()


def main(extension: str, max_pixels: int, max_side: int) -> int:
    """Return the exit code; a decoder's every way to fail means that the picture is refused."""
    Image.MAX_IMAGE_PIXELS = None  # our own limits are asked first
    try:
        encoded = clean(sys.stdin.buffer.read(), extension, max_pixels, max_side)
    except Exception:  # noqa: BLE001  decoders raise whatever they like over hostile bytes
        return REFUSED
    sys.stdout.buffer.write(encoded)
    return 0


if __name__ == "__main__":
    limit(int(sys.argv[4]), int(sys.argv[5]))
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
