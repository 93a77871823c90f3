"""
The API description as a page to try the routes on: Swagger UI from its package, nothing from afar.

What the description says is `openapi.py`'s affair.
"""

from collections.abc import Mapping
from importlib.resources import files
from mmap import ACCESS_READ, mmap
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from pasar.store_service.web.envelope import Exchange, begin_answer

SWAGGER_UI: Final = files("swagger_ui_bundle") / "vendor" / "swagger-ui-5.31.0"

DESCRIPTION_PATH: Final = "/docs/swagger.json"

_PAGE: Final = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Pasar API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="page"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
"""
_START: Final = f"""SwaggerUIBundle({{
  url: "{DESCRIPTION_PATH}",
  dom_id: "#page",
  deepLinking: true,
  filter: true,
  persistAuthorization: false,
  validatorUrl: null,
}});
""".encode()
# React sets styles one by one, which a policy does not see; the pictures are in the style sheet.
_PAGE_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PACKAGED: Final = {
    "swagger-ui.css": b"text/css; charset=utf-8",
    "swagger-ui-bundle.js": b"text/javascript; charset=utf-8",
    "favicon-32x32.png": b"image/png",
}
_PIECE_BYTES: Final = 65_536
"""A large file goes out in pieces, so that a slow reader holds one of them and not all of it."""


class File:
    """One file as an ASGI application; `policy` replaces that of API answers."""

    def __init__(
        self, content: bytes | mmap, content_type: bytes, *, policy: bytes | None = None
    ) -> None:
        self._content = memoryview(content)
        self._policy = policy
        self._headers = [
            (b"content-type", content_type),
            (b"content-length", b"%d" % len(content)),
            (b"cache-control", b"public, max-age=300"),
        ]

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        exchange: Exchange = scope["exchange"]
        if self._policy:
            exchange.set_header(b"content-security-policy", self._policy)
        await begin_answer(send, exchange, 200, self._headers)
        for at in range(0, len(self._content), _PIECE_BYTES):
            piece = bytes(self._content[at : at + _PIECE_BYTES])
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})


def docs_files(description: bytes) -> Mapping[str, ASGIApp]:
    """Return the page, what it is made of, and the description, each by its path."""
    packaged = {
        f"/docs/{name}": File(_mapped(name), content_type)
        for name, content_type in _PACKAGED.items()
    }
    return {
        DESCRIPTION_PATH: File(description, b"application/json"),
        "/docs": File(_PAGE, b"text/html; charset=utf-8", policy=_PAGE_POLICY),
        "/docs/start.js": File(_START, b"text/javascript; charset=utf-8"),
        **packaged,
    }


def _mapped(name: str) -> mmap:
    """Map a file of the package: until somebody asks for the page it takes no memory."""
    with (SWAGGER_UI / name).open("rb") as file:
        return mmap(file.fileno(), 0, access=ACCESS_READ)
