"""Simultaneous registrations of one address, decided by the table."""

import asyncio

from pasar.kit.clock import SystemClock
from pasar.kit.ids import TimeOrderedIds
from pasar.kit.passwords import Passwords
from pasar.kit.postgres import PostgresDatabase
from pasar.kit.tokens import TokenSigner
from pasar.store_service.accounts.model import EmailTaken, User
from pasar.store_service.accounts.postgres import PostgresSessions, PostgresUsers
from pasar.store_service.accounts.service import AccountService, Issuer

CROWD = 30
SPELLINGS = ("ana@example.com", "Ana@example.com", "ANA@EXAMPLE.COM")


async def test_of_thirty_simultaneous_registrations_one_gets_the_address(
    database: PostgresDatabase,
) -> None:
    ids = TimeOrderedIds()
    passwords = Passwords(memory_kib=64, passes=1, threads=2, queue=CROWD)
    signer = TokenSigner("the secret of these tests, long enough")
    issuer = Issuer(signer, ids, SystemClock(), access_s=900, refresh_s=900)
    accounts = AccountService(
        PostgresUsers(database), PostgresSessions(database), passwords, issuer, ids
    )
    outcomes = await asyncio.gather(
        *(accounts.register(SPELLINGS[n % 3], f"secret{n}", "Ana") for n in range(CROWD)),
        return_exceptions=True,
    )
    passwords.close()
    (winner,) = (outcome for outcome in outcomes if isinstance(outcome, User))
    losers = [outcome for outcome in outcomes if isinstance(outcome, EmailTaken)]

    assert len(losers) == CROWD - 1
    assert winner.email in SPELLINGS
