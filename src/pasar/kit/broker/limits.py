"""What every adapter accepts (NSQ's limits, checked before anything is sent) and how it redials."""

import re
from collections.abc import Sequence
from typing import Final

from pasar.kit.backoff import Backoff

MAX_BODY_BYTES: Final = 1024 * 1024
MAX_BATCH: Final = 1000
MAX_BATCH_BYTES: Final = 5 * 1024 * 1024
RECONNECT: Final = Backoff(first_s=0.1, cap_s=1.0)
"""With the relay's own second behind it, events flow again within 3 s of a broker's return."""

_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


def check_name(name: str) -> None:
    """Raise ValueError unless a topic or channel can bear this name."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r}: topics and channels are 1–64 of letters, digits, . _ -")


def check_bodies(bodies: Sequence[bytes]) -> None:
    """Raise ValueError unless these bodies can be published together."""
    if not 1 <= len(bodies) <= MAX_BATCH:
        raise ValueError(f"a batch has 1 to {MAX_BATCH} bodies, not {len(bodies)}")
    if not all(1 <= len(body) <= MAX_BODY_BYTES for body in bodies):
        raise ValueError(f"a body has 1 to {MAX_BODY_BYTES} bytes")
    # The batch's own framing counts: 4 bytes for the number, 4 for each length (NSQ's MPUB).
    if sum(len(body) + 4 for body in bodies) + 4 > MAX_BATCH_BYTES:
        raise ValueError(f"a batch has at most {MAX_BATCH_BYTES} bytes, framing included")
