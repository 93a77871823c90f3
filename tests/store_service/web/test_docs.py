"""The page to try the routes on: whole, packaged, and safe to open."""

import re

import pytest

from pasar.store_service.web.docs import DESCRIPTION_PATH, docs_files
from pasar.store_service.web.openapi import describe, encode
from tests.store_service.web.toy import ROWS, ToyShop

TOLD = encode(describe(ROWS, "1"))


def shop() -> ToyShop:
    return ToyShop(files=docs_files(TOLD))


async def test_d52_the_description_is_served_to_everybody_and_is_not_limited() -> None:
    limited = shop()
    async with limited.client() as client:
        response = await client.get(DESCRIPTION_PATH)

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.content == TOLD
    assert not limited.limiter.charged


async def test_the_page_is_made_of_files_of_this_server_alone() -> None:
    async with shop().client() as client:
        page = await client.get("/docs")
        parts = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        answers = {part: await client.get(part) for part in parts}

    assert len(parts) == 4
    assert {answer.status_code for answer in answers.values()} == {200}
    assert "SwaggerUIBundle" in answers["/docs/swagger-ui-bundle.js"].text
    assert f'"{DESCRIPTION_PATH}"' in answers["/docs/start.js"].text
    assert all(
        int(each.headers["Content-Length"]) == len(each.content) for each in answers.values()
    )


async def test_h54_the_page_may_run_its_own_scripts_and_nothing_else() -> None:
    async with shop().client() as client:
        page = await client.get("/docs")
        script = await client.get("/docs/start.js")

    policy = page.headers.get_list("Content-Security-Policy")
    assert len(policy) == 1
    assert "script-src 'self';" in policy[0]
    assert "frame-ancestors 'none'" in policy[0]
    assert "unsafe" not in policy[0]
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("HEAD", "/docs", 200),
        ("POST", "/docs", 405),
        ("GET", "/docs/", 404),
        ("GET", "/docs/swagger-ui.css.map", 404),
        ("GET", "/docs/../docs.py", 404),
    ],
)
async def test_there_is_nothing_else_below_docs(method: str, path: str, status: int) -> None:
    async with shop().client() as client:
        response = await client.request(method, path)

    assert response.status_code == status
