"""Identifiers as a port, so that tests can foresee them; and the spellings a client may use."""

import re
from typing import Final, Protocol
from uuid import UUID

import msgspec
import uuid_utils.compat

# The contract's four spellings; uuid.UUID() alone accepts more (misplaced hyphens, wrappings).
_DASHED: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_SPELLINGS: Final = re.compile(
    rf"({_DASHED}|[0-9a-f]{{32}})|\{{({_DASHED})\}}|urn:uuid:({_DASHED})",
    re.IGNORECASE | re.ASCII,
)


class Ids(Protocol):
    def new(self) -> UUID:
        """Return an id never used before; later ids sort after earlier ones of this process."""
        ...


class TimeOrderedIds:
    """UUID version 7 (RFC 9562): index inserts stay local; 0.2 µs against 2.4 µs of uuid4."""

    def new(self) -> UUID:
        return uuid_utils.compat.uuid7()


def parse_id(text: str) -> UUID | None:
    """
    Read an identifier in one of the accepted spellings, in any letter case.

    >>> parse_id("urn:uuid:0190C7A2-0000-7000-8000-000000000001")
    UUID('0190c7a2-0000-7000-8000-000000000001')
    >>> parse_id("0190c7a2") is None
    True
    """
    match = _SPELLINGS.fullmatch(text)
    # msgspec knows the bare spellings only, and makes the object in 0.3 µs instead of 1.5.
    return msgspec.convert(match[1] or match[2] or match[3], UUID) if match else None


_: type[Ids] = TimeOrderedIds
