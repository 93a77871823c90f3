"""What the image process refuses by the header alone."""

import pytest

from pasar.kit.image_worker import Refused, clean
from tests.fakes.images import bomb, picture


@pytest.mark.parametrize(
    ("width", "height", "passes"),
    [(100, 100, True), (101, 100, False), (200, 1, True), (201, 1, False), (1, 201, False)],
)
def test_pixels_and_sides_are_counted(width: int, height: int, *, passes: bool) -> None:
    if passes:
        assert clean(bomb(width, height), ".png", 10_000, 200)
        return
    with pytest.raises(Refused):
        clean(bomb(width, height), ".png", 10_000, 200)


def test_h49_the_header_is_judged_before_anything_is_decoded() -> None:
    """There is nothing to decode: whoever tried would stumble over that instead."""
    header_only = bomb(9000, 9000).partition(b"IDAT")[0] + b"IDAT"

    with pytest.raises(Refused):
        clean(header_only, ".png", 16_000_000, 8192)


def test_frames_are_counted() -> None:
    encoded = picture("PNG", save_all=True, append_images=[])

    assert clean(encoded, ".png", 10_000, 200)
