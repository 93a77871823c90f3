"""
Password hashes: argon2id for all new ones, bcrypt read for those of the earlier service.

Hashing is slow on purpose, so it runs in a few threads with a bounded queue: a rush of logins makes
logins wait, then fail, and nothing else.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import argon2
import bcrypt

from pasar.kit.errors import Unavailable

MAX_PASSWORD_BYTES: Final = 72  # bcrypt reads no further, so longer ones would share a hash
_BCRYPT: Final = ("$2a$", "$2b$", "$2y$")

ResultT = TypeVar("ResultT")


class Passwords:
    """
    Hash and verify passwords away from the event loop.

    `memory_kib` and `passes` are the price of one hash; `threads` are hashed at once and `queue`
    more may wait. Every method raises Unavailable when the queue is full.
    """

    def __init__(self, *, memory_kib: int, passes: int, threads: int, queue: int) -> None:
        self._argon2 = argon2.PasswordHasher(
            time_cost=passes, memory_cost=memory_kib, parallelism=1
        )
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="password")
        self._room = threads + queue
        self._nobody = self._argon2.hash("the password of nobody")

    async def hash(self, password: str) -> str:
        """Return an argon2id hash in its usual text form, with a salt of its own."""
        return await self._run(lambda: self._argon2.hash(password))

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """
        Tell whether the password fits the hash; for None, an unknown account, do the same work.

        A migrated bcrypt hash takes longer than an argon2id one (62 ms, 23 ms), so an account of
        the earlier service can be told by time until its first login here replaces the hash.
        """
        if len(password.encode()) > MAX_PASSWORD_BYTES:
            return False
        if password_hash is None:
            await self._run(lambda: self._fits(password, self._nobody))
            return False
        return await self._run(lambda: self._fits(password, password_hash))

    def needs_rehash(self, password_hash: str) -> bool:
        """Tell whether the hash is bcrypt, or argon2id of another price than today's."""
        return password_hash.startswith(_BCRYPT) or self._argon2.check_needs_rehash(password_hash)

    def close(self) -> None:
        """Let the running hashes end and give up the waiting ones."""
        self._threads.shutdown(cancel_futures=True)

    def _fits(self, password: str, password_hash: str) -> bool:
        try:
            if password_hash.startswith(_BCRYPT):
                return bcrypt.checkpw(password.encode(), password_hash.encode())
            return self._argon2.verify(password_hash, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHash, ValueError):
            return False  # also a hash that cannot be read: nobody gets in by it

    async def _run(self, work: Callable[[], ResultT]) -> ResultT:
        if self._room == 0:
            raise Unavailable
        self._room -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._room += 1
