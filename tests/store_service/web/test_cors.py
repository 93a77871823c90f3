"""Other sites' pages: none unless configured, and never with credentials (reliability H54)."""

import httpx
import pytest

from pasar.store_service.web.cors import origins
from tests.store_service.web.toy import ToyShop

SHOP = "https://shop.example"
PREFLIGHT = {"Access-Control-Request-Method": "PUT"}


def told(response: httpx.Response) -> dict[str, str]:
    return {
        name.removeprefix("access-control-"): value
        for name, value in response.headers.items()
        if name.startswith("access-control-")
    }


@pytest.mark.parametrize("path", ["/toys", "/unknown", "/crash"])
async def test_h54_by_default_no_site_is_told_anything(path: str) -> None:
    async with ToyShop().client() as client:
        asked = await client.get(path, headers={"Origin": SHOP})
        preflight = await client.options(path, headers={"Origin": SHOP} | PREFLIGHT)

    assert told(asked) == told(preflight) == {}
    assert "Vary" not in asked.headers
    assert preflight.status_code == (404 if path == "/unknown" else 405)


@pytest.mark.parametrize("path", ["/toys", "/unknown", "/toys/x", "/crash"])
async def test_an_allowed_site_may_read_answers_and_refusals(path: str) -> None:
    async with ToyShop(cors=f"{SHOP}, http://localhost:3000").client() as client:
        response = await client.get(path, headers={"Origin": SHOP})

    assert told(response)["allow-origin"] == SHOP
    assert "X-Request-ID" in told(response)["expose-headers"]
    assert "allow-credentials" not in told(response)
    assert response.headers["Vary"] == "Origin"


async def test_an_allowed_site_is_granted_what_the_routes_need() -> None:
    async with ToyShop(cors=SHOP).client() as client:
        response = await client.options("/toys", headers={"Origin": SHOP} | PREFLIGHT)

    assert response.status_code == 204
    assert response.content == b""
    assert told(response)["allow-origin"] == SHOP
    assert "PUT" in told(response)["allow-methods"]
    assert "Authorization" in told(response)["allow-headers"]
    assert "allow-credentials" not in told(response)
    assert response.headers["X-Request-ID"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", f"{SHOP}.evil.example", "https://shop.example:444", "null"]
)
async def test_h54_a_foreign_site_is_never_echoed(origin: str) -> None:
    async with ToyShop(cors=SHOP).client() as client:
        asked = await client.get("/toys", headers={"Origin": origin})
        preflight = await client.options("/toys", headers={"Origin": origin} | PREFLIGHT)

    assert told(asked) == told(preflight) == {}
    assert asked.status_code == 200
    assert preflight.status_code == 405
    assert asked.headers["Vary"] == "Origin"


async def test_h54_a_shop_open_to_all_names_no_site_and_allows_no_credentials() -> None:
    async with ToyShop(cors="*").client() as client:
        asked = await client.get("/toys", headers={"Origin": "https://any.example"})
        preflight = await client.options("/toys", headers={"Origin": "null"} | PREFLIGHT)

    assert told(asked)["allow-origin"] == told(preflight)["allow-origin"] == "*"
    assert "allow-credentials" not in told(asked) | told(preflight)


async def test_options_without_a_preflights_headers_is_a_method_like_any_other() -> None:
    async with ToyShop(cors=SHOP).client() as client:
        response = await client.options("/toys", headers={"Origin": SHOP})

    assert response.status_code == 405


@pytest.mark.parametrize("text", ["shop.example", "https://shop.example/", "ftp://a", "https://*"])
def test_what_is_no_origin_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(ValueError, match="is no origin"):
        origins(f"{SHOP}, {text}")


def test_an_empty_list_is_no_origin() -> None:
    assert origins(" , ") == ()
