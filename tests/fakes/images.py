"""Uploaded files of every kind, good and hostile, made at run time (H49)."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, PngImagePlugin

MARK = b"<?php system('rm -rf /') ?>"
"""What no stored picture may still hold."""

NOT_A_PICTURE = "file content is not a supported image"


@dataclass(frozen=True, slots=True)
class Sample:
    """An upload and its answer: the sentence of a 400, or None for 200."""

    name: str
    filename: str
    content: bytes
    refusal: str | None = NOT_A_PICTURE

    def __str__(self) -> str:
        return self.name


def picture(kind: str = "PNG", size: tuple[int, int] = (8, 6), **how: object) -> bytes:
    """Return a small picture without any metadata."""
    encoded = io.BytesIO()
    Image.new("RGB", size, (200, 30, 90)).save(encoded, kind, **how)
    return encoded.getvalue()


def samples(max_size: int) -> Iterator[Sample]:
    """All thirty; `max_size` is the upload limit in force."""
    yield from _other_kinds()
    yield from _wrong_extensions()
    yield from _broken()
    yield from _bombs()
    yield from _polyglots()
    yield from _metadata()
    yield from _sizes(max_size)
    yield from _names()


def bomb(width: int, height: int) -> bytes:
    """Return a PNG of this size in one bit per pixel: 9000 × 9000 fit into some 10 kB."""
    row = b"\0" + bytes(-(-width // 8))
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = zlib.compress(row * height, 9)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND")


def _other_kinds() -> Iterator[Sample]:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    others = {"svg": svg, "html": b"<!doctype html><script>alert(1)</script>"}
    others |= {kind.lower(): picture(kind) for kind in ("GIF", "BMP", "TIFF", "PDF")}
    for kind, content in others.items():
        yield Sample(f"{kind} named png", "logo.png", content)


def _wrong_extensions() -> Iterator[Sample]:
    yield Sample("png named jpg", "logo.jpg", picture("PNG"))
    yield Sample("jpeg named webp", "logo.webp", picture("JPEG"))
    yield Sample("webp named png", "logo.png", picture("WEBP"))


def _broken() -> Iterator[Sample]:
    yield Sample("empty", "logo.png", b"")
    yield Sample("one byte", "logo.png", b"\x89")
    for kind in ("PNG", "JPEG", "WEBP"):
        whole = picture(kind, (64, 64))
        yield Sample(f"truncated {kind}", f"logo.{kind.lower()}", whole[: len(whole) * 3 // 5])


def _bombs() -> Iterator[Sample]:
    for width, height in ((9000, 9000), (8193, 1), (1, 8193)):
        yield Sample(f"{width} × {height}", "logo.png", bomb(width, height))
    yield Sample("10,000 frames", "logo.webp", _frames(10_000))
    stills = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in range(5)]
    encoded = io.BytesIO()
    stills[0].save(encoded, "PNG", save_all=True, append_images=stills[1:])
    yield Sample("animated png", "logo.png", encoded.getvalue())


def _polyglots() -> Iterator[Sample]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("META-INF/MANIFEST.MF", "Main-Class: Evil")
        file.writestr("payload.php", MARK)
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", MARK.decode())
    yield Sample("php in a comment", "logo.png", picture("PNG", pnginfo=info), None)
    yield Sample("zip behind", "logo.png", picture("PNG") + archive.getvalue(), None)
    yield Sample("html in a comment", "logo.jpg", picture("JPEG", comment=b"<html>" + MARK), None)
    yield Sample("jar behind", "logo.jpeg", picture("JPEG") + archive.getvalue(), None)


def _metadata() -> Iterator[Sample]:
    exif = Image.Exif()
    exif[0x010E] = MARK.decode()  # ImageDescription
    exif.get_ifd(0x8825).update({1: "S", 2: (6.0, 10.0, 30.0)})  # GPS
    yield Sample("gps", "logo.jpg", picture("JPEG", exif=exif), None)
    profile = MARK * (1_000_000 // len(MARK))
    yield Sample("profile of 1 MB", "logo.jpg", picture("JPEG", icc_profile=profile), None)


def _sizes(max_size: int) -> Iterator[Sample]:
    """Ballast behind the picture's end, which a decoder never looks at."""
    small = picture("PNG")
    ballast = bytes(max_size - len(small))
    too_large = f"file size exceeds maximum allowed size of {max_size} bytes"
    yield Sample("of the limit", "logo.png", small + ballast, None)
    yield Sample("above the limit", "logo.png", small + ballast + b"\0", too_large)


def _names() -> Iterator[Sample]:
    yield Sample("climbing name", "../../x.PNG", picture("PNG"), None)
    yield Sample(
        "nul in the name", "x.png\0", picture("PNG"), "file extension .png\0 is not allowed"
    )
    yield Sample("name of 4 kB", "x" * 4096 + ".png", picture("PNG"), None)


def _frames(count: int) -> bytes:
    """Return an animated WebP of one still, repeated; an encoder would take minutes."""
    still = picture("WEBP", (1, 1))[12:]
    header = _u24(0) + _u24(0) + _u24(0) + _u24(0) + _u24(1) + b"\0"
    frame = _riff(b"ANMF", header + still)
    extended = _riff(b"VP8X", b"\x02\0\0\0" + _u24(0) + _u24(0))
    body = b"WEBP" + extended + _riff(b"ANIM", bytes(6)) + frame * count
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _u24(number: int) -> bytes:
    return number.to_bytes(3, "little")


def _riff(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def _chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
