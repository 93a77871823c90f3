"""Who calls: the bearer's three ways to be wrong, and a token that names nobody."""

import pytest

from pasar.kit.errors import Forbidden, Unauthorized
from pasar.kit.tokens import Claims
from pasar.store_service.identity import Role
from pasar.store_service.web.auth import identify, require
from tests.store_service.web.toy import BUYER_ID, TOY, ToyShop, as_user, error_of


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (None, "missing authorization header"),
        ("", "missing authorization header"),
        ("buyer", "invalid authorization format"),
        ("Bearer", "invalid authorization format"),
        ("bearer buyer", "invalid authorization format"),
        ("Basic buyer", "invalid authorization format"),
        ("Bearer  buyer", "invalid authorization format"),
        ("Bearer buyer admin", "invalid authorization format"),
        ("Bearer forged", "invalid or expired token"),
    ],
)
async def test_a_bearer_has_three_ways_to_be_wrong(header: str | None, message: str) -> None:
    headers = {} if header is None else {"Authorization": header}
    async with ToyShop().client() as client:
        response = await client.put(f"/toys/{TOY}", headers=headers)

    assert error_of(response) == (401, "UNAUTHORIZED", message)


async def test_authorization_on_a_public_route_is_ignored() -> None:
    async with ToyShop().client() as client:
        response = await client.get("/toys", headers=as_user("forged"))

    assert response.status_code == 200


def claims(role: str, user_id: str = BUYER_ID) -> Claims:
    return Claims(user_id=user_id, role=role, email="", token_type="access", jti="1", exp=0)


@pytest.mark.parametrize("role", ["admin", "seller", "Buyer", "", "buyer "])
def test_roles_match_exactly_and_there_is_no_hierarchy(role: str) -> None:
    require(claims("buyer"), Role.BUYER)
    with pytest.raises(Forbidden, match=r"^insufficient permissions$"):
        require(claims(role), Role.BUYER)


def test_a_token_that_names_nobody_is_no_user() -> None:
    assert str(identify(claims("buyer")).user_id) == BUYER_ID
    with pytest.raises(Unauthorized, match=r"^invalid user$"):
        identify(claims("buyer", "42"))
