"""Passwords: what fits, what is told about unknown accounts, and what a rush does."""

import asyncio
import threading
from collections.abc import Iterator

import bcrypt
import pytest

from pasar.kit.errors import Unavailable
from pasar.kit.passwords import Passwords

# The seeded account's hash: `admin123`, as the earlier service wrote it.
MIGRATED = "$2a$10$R19Bg9aiWS2DxyO3arbf3eVZwEER6/b1cIcR84yF5uvz9zlKE7LUK"


class CountingPasswords(Passwords):
    """Remembers the price of each verification."""

    verified: tuple[str, ...] = ()

    def _fits(self, password: str, password_hash: str) -> bool:
        self.verified += (password_hash[:27],)
        return super()._fits(password, password_hash)


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    cheap = Passwords(memory_kib=64, passes=1, threads=2, queue=2)
    yield cheap
    cheap.close()


async def test_a_password_fits_its_own_hash_only(passwords: Passwords) -> None:
    password_hash = await passwords.hash("correct horse")

    assert password_hash.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert await passwords.verify("correct horse", password_hash)
    assert not await passwords.verify("correct horsf", password_hash)


async def test_equal_passwords_have_different_hashes(passwords: Passwords) -> None:
    assert await passwords.hash("correct horse") != await passwords.hash("correct horse")


async def test_a_hash_of_the_earlier_service_fits_and_wants_replacement(
    passwords: Passwords,
) -> None:
    assert await passwords.verify("admin123", MIGRATED)
    assert not await passwords.verify("admin124", MIGRATED)
    assert passwords.needs_rehash(MIGRATED)


async def test_a_hash_of_todays_price_stays_and_a_cheaper_one_does_not(
    passwords: Passwords,
) -> None:
    dearer = Passwords(memory_kib=128, passes=1, threads=1, queue=1)
    password_hash = await passwords.hash("correct horse")

    assert not passwords.needs_rehash(password_hash)
    assert dearer.needs_rehash(password_hash)
    dearer.close()


@pytest.mark.parametrize("broken", ["", "admin123", "$2a$10$", "$argon2id$v=19$m=64"])
async def test_nobody_gets_in_by_a_hash_that_cannot_be_read(
    passwords: Passwords, broken: str
) -> None:
    assert not await passwords.verify("admin123", broken)


async def test_h45_72_bytes_count_to_the_last_and_a_73rd_is_refused(passwords: Passwords) -> None:
    longest = "é" * 35 + "ab"
    argon2_hash = await passwords.hash(longest)
    bcrypt_hash = bcrypt.hashpw(longest.encode(), bcrypt.gensalt(4, b"2a")).decode()

    for password_hash in (argon2_hash, bcrypt_hash):
        assert await passwords.verify(longest, password_hash)
        assert not await passwords.verify(longest[:-1] + "c", password_hash)
        assert not await passwords.verify(longest + "c", password_hash)


async def test_h44_an_unknown_account_costs_one_verification_and_never_opens() -> None:
    passwords = CountingPasswords(memory_kib=64, passes=1, threads=1, queue=1)

    assert not await passwords.verify("the password of nobody", None)
    assert passwords.verified == ("$argon2id$v=19$m=64,t=1,p=1",)
    passwords.close()


async def test_h45_a_rush_beyond_the_queue_is_refused_at_once_and_the_rest_is_served(
    passwords: Passwords,
) -> None:
    gate = threading.Event()
    running = [asyncio.create_task(passwords._run(gate.wait)) for _ in range(4)]
    await asyncio.sleep(0)  # the tasks have begun: two run, two wait

    with pytest.raises(Unavailable):
        await passwords.hash("one too many")

    gate.set()
    assert await asyncio.gather(*running) == [True] * 4
    assert await passwords.hash("room again")


async def test_a_caller_who_gives_up_leaves_room_for_the_next(passwords: Passwords) -> None:
    gate = threading.Event()
    running = [asyncio.create_task(passwords._run(gate.wait)) for _ in range(4)]
    await asyncio.sleep(0)
    running[3].cancel()
    await asyncio.wait([running[3]])
    late = asyncio.create_task(passwords.hash("in the freed place"))
    gate.set()

    assert (await late).startswith("$argon2id$")
    await asyncio.gather(*running[:3])
