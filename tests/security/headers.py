"""What every answer must bear, and what none may tell: the header sweep (contract D53)."""

import re
from dataclasses import dataclass
from typing import Final

import httpx

from pasar.store_service.routes import ROUTES
from pasar.store_service.web.middleware import SECURITY_HEADERS

PRIVATE: Final = [
    (row.method, re.compile(re.sub(r"{\w+}", "[^/]+", row.path))) for row in ROUTES if row.private
]
LEAKS: Final = re.compile(r"Traceback|File \"|asyncpg|site-packages|\$argon2|\$2a\$|postgres://")


@dataclass(slots=True)
class Sweep:
    """Checks answer by answer, and counts them."""

    answers: int = 0

    async def check(self, answer: httpx.Response) -> None:
        await answer.aread()
        request = answer.request
        assert answer.headers["X-Request-ID"], request.url
        for name, _ in SECURITY_HEADERS:
            assert answer.headers.get(name.decode()), (name, request.url)
        if (request.method, True) in {
            (method, bool(path.fullmatch(request.url.path))) for method, path in PRIVATE
        }:
            assert answer.headers["Cache-Control"] == "no-store", request.url
        assert "Server" not in answer.headers
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert not LEAKS.search(answer.text), request.url
        self.answers += 1
