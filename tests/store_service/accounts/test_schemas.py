"""Field rules of register and login, and what an account looks like outside."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from pasar.kit.errors import InvalidFields
from pasar.store_service.accounts.model import User
from pasar.store_service.accounts.schemas import LoginBody, RegisterBody, UserJson
from pasar.store_service.identity import Role, UserId
from pasar.store_service.web.fields import Body, check

LONGEST_EMAIL = "a" * 243 + "@example.com"


def faults(body: Body) -> list[tuple[str | None, str]]:
    try:
        check(body)
    except InvalidFields as refusal:
        return [(fault.field, fault.message) for fault in refusal.faults]
    return []


def register(email: str = "a@b.co", password: str = "secret", name: str = "Ana") -> RegisterBody:
    return RegisterBody(email, password, name)


def test_all_faults_of_a_registration_come_at_once_and_in_order() -> None:
    required = "is required"

    assert faults(RegisterBody()) == [
        ("email", required),
        ("password", required),
        ("name", required),
    ]


@pytest.mark.parametrize(
    "email", ["a@b.co", "a@b..co", "A.b_c%d+e-f@x-y.example", "1@1.aaaa", LONGEST_EMAIL]
)
def test_an_address_of_the_contract_passes(email: str) -> None:
    assert faults(register(email=email)) == []


@pytest.mark.parametrize(
    "email",
    ["a", "a@b", "a@b.c", " a@b.co", "a@b.co ", "a@b.co\n", "ä@b.co", "a@ü.co", "a@b@c.co",
     "@b.co", "a@.c", "a@b.c1", "a@b.çç", "a b@c.co"],
)  # fmt: skip
def test_another_shape_is_no_address(email: str) -> None:
    assert faults(register(email=email)) == [("email", "invalid email format")]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (register(email="a" + LONGEST_EMAIL), ("email", "maximum 255 characters")),
        (register(password="fünf"), ("password", "minimum 6 characters")),
        (register(password="x" * 73), ("password", "maximum 72 bytes")),
        (register(password="é" * 36 + "x"), ("password", "maximum 72 bytes")),
        (register(password="secret\0"), ("password", "contains invalid characters")),
        (register(name=" \t"), ("name", "is required")),
        (register(name="n" * 256), ("name", "maximum 255 characters")),
        (register(name="A\0na"), ("name", "contains invalid characters")),
        (LoginBody(email="a@b.co"), ("password", "is required")),
        (LoginBody(password="x"), ("email", "is required")),
    ],
)
def test_a_bad_field_is_named(body: Body, fault: tuple[str, str]) -> None:
    assert faults(body) == [fault]


@pytest.mark.parametrize(
    "body",
    [register(password="ünü€"), register(password="é" * 36), register(name="n" * 255)],
)
def test_the_bounds_themselves_pass(body: Body) -> None:
    assert faults(body) == []


def test_a_login_is_not_asked_for_shape_or_length() -> None:
    assert faults(LoginBody("no address", "x" * 100)) == []


def test_a_body_takes_no_member_that_is_not_its_own() -> None:
    body = msgspec.json.decode(b'{"name": "Ana", "role": "admin", "id": 1}', type=RegisterBody)

    assert body == RegisterBody(name="Ana")


def test_an_account_shows_no_password() -> None:
    user_id = UserId(UUID("0190C7A2-0000-7000-8000-000000000001"))
    at = datetime(2026, 1, 2, 3, 4, 5, 60, UTC)
    shown = msgspec.json.encode(UserJson.of(User(user_id, "A@b.co", "Ana", Role.BUYER, at, at)))

    assert msgspec.json.decode(shown) == {
        "id": "0190c7a2-0000-7000-8000-000000000001",
        "email": "A@b.co",
        "name": "Ana",
        "role": "buyer",
        "created_at": "2026-01-02T03:04:05.000060Z",
        "updated_at": "2026-01-02T03:04:05.000060Z",
    }
