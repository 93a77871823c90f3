"""
What the launcher says to a Redis or Valkey server: AUTH, PING, INFO, and nothing else.

The commands of the shop live in `kit/redis.py`.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pasar.engines.errors import Refused, StartingUp

GREET_LIMIT_S: Final = 2.0
OLDEST_VERSION: Final = (7, 0)
_INFO_LIMIT_BYTES: Final = 1 << 20  # INFO has some 7 KB; a stranger may send anything


@dataclass(frozen=True, slots=True, kw_only=True)
class ValkeyLogin:
    """Where, and with which password; an empty one means that no AUTH is sent."""

    host: str
    port: int
    password: str


async def greet(login: ValkeyLogin) -> str:
    """
    Log in and PING; return the version of Valkey, or of Redis if it is one.

    Raises:
        StartingUp: it loads its data.
        Refused: it does not let us in, or is older than Redis 7.0.
        OSError: nobody answers as Redis within 2 s.
    """
    facts = await info(login)
    version = facts["redis_version"]
    major, minor = version.split(".")[:2]
    if "valkey_version" not in facts and (int(major), int(minor)) < OLDEST_VERSION:
        raise Refused(f"is Redis {version}, too old: 7.0 or later, or Valkey, is needed")
    return facts.get("valkey_version", version)


async def info(login: ValkeyLogin) -> Mapping[str, str]:
    """Return what INFO says, by name. Raises as `greet` does."""
    async with asyncio.timeout(GREET_LIMIT_S):
        reader, writer = await asyncio.open_connection(login.host, login.port)
        try:
            if login.password:
                await _ask(reader, writer, "AUTH", login.password)
            await _ask(reader, writer, "PING")
            text = await _ask(reader, writer, "INFO")
        finally:
            writer.close()
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    facts = {name: value for name, _, value in pairs}
    if "redis_version" not in facts:
        raise ConnectionError("does not describe itself as Redis")
    return facts


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *words: str) -> str:
    parts = [word.encode() for word in words]
    frames = [b"*%d\r\n" % len(parts), *(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)]
    writer.write(b"".join(frames))
    try:
        line = (await reader.readuntil(b"\r\n")).decode(errors="replace").strip()
        if line.startswith("+"):
            return line
        if line.startswith("$") and line[1:].isdigit() and int(line[1:]) <= _INFO_LIMIT_BYTES:
            return (await reader.readexactly(int(line[1:]) + 2)).decode(errors="replace")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as fault:
        raise ConnectionError(str(fault)) from None
    if line.startswith("-LOADING"):
        raise StartingUp(line)
    if line.startswith("-"):
        raise Refused(f"refuses the login: {line[1:]}")
    raise ConnectionError("does not answer as Redis")
