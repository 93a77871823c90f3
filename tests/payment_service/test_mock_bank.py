"""The bank's promises, kept by the mock and its fake; and the mock's scripts."""

import asyncio
import time

import pytest

from pasar.kit.money import Money
from pasar.kit.postgres import PostgresDatabase
from pasar.payment_service.gateway import Answer, Gateway, NoAnswer
from tests.fakes.gateway import MemoryBank
from tests.payment_service.conftest import mock_bank

YES = Answer(approved=True)
NO = Answer(approved=False, reason="declined")


class TestEveryBank:
    @pytest.fixture(params=["mock", "memory"])
    def bank(self, request: pytest.FixtureRequest, payment_database: PostgresDatabase) -> Gateway:
        return mock_bank(payment_database) if request.param == "mock" else MemoryBank()

    async def test_approves(self, bank: Gateway) -> None:
        assert await bank.charge("charge:1", "1", Money(100)) == [YES]

    async def test_gives_one_key_one_answer_also_to_many_at_once(self, bank: Gateway) -> None:
        answers = await asyncio.gather(
            *[bank.charge("charge:1", "1", Money(100)) for _ in range(20)]
        )

        assert answers == [[YES]] * 20

    async def test_gives_money_back(self, bank: Gateway) -> None:
        """What it moves shows in its ledger; a second time and many at once are no error."""
        await asyncio.gather(*[bank.refund("refund:1", "1", Money(100)) for _ in range(20)])


async def test_the_first_answer_stands_whatever_is_drawn_later(
    payment_database: PostgresDatabase,
) -> None:
    generous, strict = (mock_bank(payment_database, success_rate=rate) for rate in (1.0, 0.0))

    assert await generous.charge("charge:1", "1", Money(100)) == [YES]
    assert await strict.charge("charge:1", "1", Money(100)) == [YES]
    assert await strict.charge("charge:2", "2", Money(100)) == [NO]
    assert await generous.charge("charge:2", "2", Money(100)) == [NO]


async def test_the_ledger_has_one_entry_per_key(payment_database: PostgresDatabase) -> None:
    bank = mock_bank(payment_database)

    await asyncio.gather(*[bank.charge("charge:1", "1", Money(1050)) for _ in range(20)])

    [entry] = await payment_database.fetch("SELECT * FROM provider_ledger")
    assert (entry["key"], entry["kind"], entry["order_id"]) == ("charge:1", "charge", "1")
    assert (Money.of(entry["amount"]), entry["approved"], entry["reason"]) == (
        Money(1050),
        True,
        None,
    )


async def test_the_ledger_has_one_refund_per_key(payment_database: PostgresDatabase) -> None:
    banks = [mock_bank(payment_database, success_rate=0.0) for _ in range(2)]

    await asyncio.gather(*[bank.refund("refund:1", "1", Money(1013)) for bank in banks * 10])

    [entry] = await payment_database.fetch("SELECT * FROM provider_ledger")
    assert (entry["key"], entry["kind"], entry["approved"]) == ("refund:1", "refund", True)


async def test_an_amount_ending_in_13_is_declined(payment_database: PostgresDatabase) -> None:
    assert await mock_bank(payment_database).charge("charge:1", "1", Money(2013)) == [NO]


async def test_of_an_amount_ending_in_14_the_first_answer_is_lost(
    payment_database: PostgresDatabase,
) -> None:
    bank = mock_bank(payment_database)

    with pytest.raises(NoAnswer):
        await bank.charge("charge:1", "1", Money(2014))

    assert await bank.charge("charge:1", "1", Money(2014)) == [YES]


async def test_an_amount_ending_in_15_is_answered_twice(payment_database: PostgresDatabase) -> None:
    assert await mock_bank(payment_database).charge("charge:1", "1", Money(2015)) == [YES, YES]


@pytest.mark.parametrize("minor", [2013, 2014, 2015])
async def test_production_knows_no_script(payment_database: PostgresDatabase, minor: int) -> None:
    bank = mock_bank(payment_database, scripted=False)

    assert await bank.charge("charge:1", "1", Money(minor)) == [YES]


async def test_d45_a_seed_draws_the_same_again_and_another_seed_something_else(
    payment_database: PostgresDatabase, owner: PostgresDatabase
) -> None:
    async def draw(seed: str) -> list[list[Answer]]:
        bank = mock_bank(payment_database, success_rate=0.5, seed=seed)
        await owner.execute("TRUNCATE payment.provider_ledger")
        return [list(await bank.charge(f"charge:{i}", "1", Money(100))) for i in range(40)]

    first = await draw("7")

    assert 5 < first.count([YES]) < 35
    assert first == await draw("7")
    assert first != await draw("8")


async def test_the_delay_lies_between_its_bounds(payment_database: PostgresDatabase) -> None:
    bank = mock_bank(payment_database, delay_s=(0.05, 0.1))

    began = time.monotonic()
    await bank.charge("charge:1", "1", Money(100))

    assert time.monotonic() - began >= 0.05
