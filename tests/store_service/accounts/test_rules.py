"""Which new passwords may guard an account."""

import pytest

from pasar.kit.errors import Invalid
from pasar.kit.ids import TimeOrderedIds
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.accounts.rules import STRONG, PasswordRule
from pasar.store_service.config import StoreConfig
from pasar.store_service.sign_in import sign_in

SECRET = "a secret of the tests, 32 bytes or more"
WEAK = PasswordRule(least_bytes=6, refuse_common=False)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("seven77", "minimum 8 characters"),
        ("x" * 73, "maximum 72 bytes"),
        ("password", "is one of the commonest"),
        ("PassWord", "is one of the commonest"),
        ("greyhoun", "is one of the commonest"),  # the last of the list
        ("admin123", "is one of the commonest"),
    ],
)
def test_d56_a_strong_password_is_neither_short_nor_common(password: str, reason: str) -> None:
    with pytest.raises(Invalid, match=reason) as refusal:
        STRONG.check(password)

    assert refusal.value.field == "password"


@pytest.mark.parametrize("password", ["a good one", "greyhound's", "sĂndale"])
def test_d56_other_passwords_are_taken(password: str) -> None:
    STRONG.check(password)


def test_d56_outside_production_a_common_password_will_do() -> None:
    WEAK.check("password")


@pytest.mark.parametrize("password", ["secret7", "password"])
async def test_d56_h45_in_production_nobody_registers_with_a_weak_password(
    database: PostgresDatabase, password: str
) -> None:
    config = StoreConfig(app_env="production", jwt_secret=SECRET)
    signing_in = sign_in(config, database, TimeOrderedIds())
    with pytest.raises(Invalid):
        await signing_in.accounts.register("ana@example.com", password, "Ana")
    signing_in.passwords.close()
