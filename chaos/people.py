"""
Who stands in the market, and how they ask the shop: once, writing down what they know of the end.

What they do there is `load.py`'s affair.
"""

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from uuid import uuid4

import httpx

from chaos.oplog import CHECKOUTS, Operation, OperationLog, outcome

HOT: Final = 5
_ANSWER_LIMIT_S: Final = 12.0  # above every wait that ends in a 503
_REMEMBERED: Final = 40  # orders that are still worth an operation
_PASSWORD: Final = "secret-pass-1"  # noqa: S105  of accounts that live for minutes
_API: Final = "/api/v1"


@dataclass(slots=True)
class Bought:
    """An acknowledged order as the crowd knows it: per seller, the steps still to be made."""

    order_id: str
    steps: dict[str, deque[str]]


@dataclass(frozen=True, slots=True)
class Ware:
    id: str
    seller: "Person"


@dataclass(slots=True)
class Market:
    """What everybody knows: who sells what, the latest orders, and whether it is closing."""

    urls: Mapping[str, str]
    log: OperationLog
    sellers: list["Person"] = field(default_factory=list)
    wares: list[Ware] = field(default_factory=list)
    closing: bool = False
    bought: deque[Bought] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def pick(self, rng: Random) -> Ware:
        """Half of all choices fall on the hot products."""
        return rng.choice(self.wares[:HOT] if rng.random() < 0.5 else self.wares)  # noqa: PLR2004

    def sold_by(self, product_id: str) -> "Person":
        return next(ware.seller for ware in self.wares if ware.id == product_id)


class Person:
    """Somebody with an account, an own address on loopback and a token."""

    def __init__(self, market: Market, name: str, address: str, rng: Random) -> None:
        self.market = market
        self.name = name
        self.rng = rng
        self.email = ""
        self.store_id = ""
        self._http = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(local_address=address),
            timeout=_ANSWER_LIMIT_S,
            trust_env=False,
        )

    async def sign_in(self, email: str = "", password: str = _PASSWORD) -> None:
        """Log in, as a newcomer unless an address is given, before the faults begin."""
        self.email = email or f"{self.name}-{uuid4().hex}@example.com"
        login = {"email": self.email, "password": password}
        if not email:
            await self.must("POST", "/auth/register", {**login, "name": self.name})
        self._bear(await self.must("POST", "/auth/login", login))

    async def renew(self) -> None:
        """Log in again and renew the tokens at once, maybe at a store with another clock."""
        login = {"email": self.email, "password": _PASSWORD}
        signed_in, pair = await self.do("sign in", ("POST", "/auth/login"), login)
        if signed_in.outcome == "ok":
            told = {"refresh_token": pair["refresh_token"]}
            renewed, pair = await self.do("refresh", ("POST", "/auth/refresh"), told)
            if renewed.outcome == "ok":
                self._bear(pair)

    def _bear(self, pair: Mapping[str, str]) -> None:
        self._http.headers["Authorization"] = f"Bearer {pair['access_token']}"

    async def must(self, method: str, path: str, body: Mapping[str, object]) -> Any:
        """Ask while nothing is broken yet, and return `data`."""
        url = next(iter(self.market.urls.values()))
        answer = await self._http.request(method, f"{url}{_API}{path}", json=body)
        answer.raise_for_status()
        return answer.json()["data"]

    async def do(
        self,
        op: str,
        request: tuple[str, str],
        body: Mapping[str, str | int] | None = None,
        *,
        key: str = "",
        order_id: str = "",
        picture: bytes = b"",
    ) -> tuple[Operation, Any]:
        """Try once, through a store of chance; note how it ended, and return that and `data`."""
        method, path = request
        via, url = self.rng.choice(sorted(self.market.urls.items()))
        headers = {"Idempotency-Key": key} if key else {}
        began, status, request_id = time.time(), 0, ""
        data: Any = None
        try:
            answer = await self._http.request(
                method,
                f"{url}{_API}{path}",
                json=body,
                files={"image": ("kopi.png", picture)} if picture else None,
                headers=headers,
            )
        except httpx.TransportError:
            pass  # cut, refused or silent
        else:
            status, request_id = answer.status_code, answer.headers.get("X-Request-ID", "")
            data = answer.json().get("data")
        if op in CHECKOUTS and outcome(status) == "ok":
            order_id = data["id"]
        operation = Operation(
            t=began,
            took_s=time.time() - began,
            client=self.name,
            op=op,
            key=key,
            args={"path": path, **(body or {})},
            via=via,
            outcome=outcome(status),
            status=status,
            order_id=order_id,
            request_id=request_id,
        )
        self.market.log.add(operation)
        return operation, data

    async def close(self) -> None:
        await self._http.aclose()
