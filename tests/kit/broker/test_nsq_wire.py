import struct

import pytest

from pasar.kit.broker import nsq_wire as wire


def frame(kind: int, payload: bytes) -> bytes:
    return struct.pack(">II", len(payload) + 4, kind) + payload


def test_frames_come_out_whole_however_the_bytes_arrive() -> None:
    stream = frame(wire.RESPONSE, b"OK") + frame(wire.MESSAGE, b"x" * 300) + frame(wire.ERROR, b"")
    expected = [(wire.RESPONSE, b"OK"), (wire.MESSAGE, b"x" * 300), (wire.ERROR, b"")]

    for step in (1, 2, 3, 7, 8, 9, len(stream)):
        frames = wire.Frames()
        got = [
            each
            for start in range(0, len(stream), step)
            for each in frames.feed(stream[start : start + step])
        ]
        assert expected == got


@pytest.mark.parametrize("size", [0, 3, 2 * 1024 * 1024, 2**31, 2**32 - 1])
def test_an_impossible_length_is_refused_before_its_bytes_come(size: int) -> None:
    with pytest.raises(wire.BadFrame):
        wire.Frames().feed(struct.pack(">II", size, wire.MESSAGE))


def test_the_largest_body_fits_into_a_frame() -> None:
    payload = bytes(26) + b"x" * 1024 * 1024

    assert [(wire.MESSAGE, payload)] == wire.Frames().feed(frame(wire.MESSAGE, payload))


def test_a_message_is_read_field_by_field() -> None:
    payload = struct.pack(">qH", 1_763_900_000_123_456_789, 3) + b"0123456789abcdef" + b"\0body"

    assert wire.message(payload) == (1_763_900_000_123_456_789, 3, b"0123456789abcdef", b"\0body")


def test_a_message_too_short_for_its_head_is_refused() -> None:
    with pytest.raises(wire.BadFrame):
        wire.message(bytes(26))


def test_commands_are_spelled_as_the_protocol_says() -> None:
    assert wire.pub("t", [b"hi"]) == b"PUB t\n\0\0\0\x02hi"
    assert wire.pub("t", [b"a", b"bc"]) == b"MPUB t\n\0\0\0\x0f\0\0\0\x02\0\0\0\x01a\0\0\0\x02bc"
    assert wire.sub("t", "c") == b"SUB t c\n"
    assert wire.rdy(7) == b"RDY 7\n"
    assert wire.fin(b"0123456789abcdef") == b"FIN 0123456789abcdef\n"
    assert wire.req(b"0123456789abcdef", 1500) == b"REQ 0123456789abcdef 1500\n"
    assert wire.touch(b"0123456789abcdef") == b"TOUCH 0123456789abcdef\n"
    assert wire.identify({"a": True}) == b'IDENTIFY\n\0\0\0\x0b{"a": true}'
