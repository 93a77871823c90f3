"""A shop of one toy: rows, a handler and stand-ins for tokens and limiter, to try the edge with."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, ClassVar, Final
from uuid import UUID

import httpx
import msgspec
from starlette.types import ASGIApp

from pasar.kit.clock import SystemClock
from pasar.kit.errors import Conflict, Unavailable
from pasar.kit.ratelimit import Verdict
from pasar.kit.ratelimit_local import LocalLimiter
from pasar.kit.tokens import BadToken, Claims
from pasar.store_service.app import build
from pasar.store_service.identity import Role
from pasar.store_service.web.address import Clients, networks
from pasar.store_service.web.cors import Cors, origins
from pasar.store_service.web.envelope import Paged
from pasar.store_service.web.fields import Body, Parameter, at_most, positive, required
from pasar.store_service.web.limits import Limits
from pasar.store_service.web.middleware import EdgeSettings
from pasar.store_service.web.parse import page_of
from pasar.store_service.web.pipeline import Guard
from pasar.store_service.web.route import ADMIN, BUYER, PUBLIC, Call, Limit, Route
from pasar.store_service.web.uploads import Uploads
from tests.fakes.clock import HeldClock
from tests.fakes.once import MemoryOnce
from tests.store_service.web.documented import documented

TOY: Final = UUID("0190c7a2-0000-7000-8000-000000000001")
BUYER_ID: Final = "0190c7a2-0000-7000-8000-00000000b0b0"
MAX_BODY: Final = 1000
MAX_FILE: Final = 200_000


class ToyBody(Body, frozen=True):
    name: str = ""
    pieces: int = 0
    comment: str | None = None
    rules: ClassVar = {"name": (required, at_most(10)), "pieces": (positive,)}


class Toy(msgspec.Struct, frozen=True):
    id: UUID
    name: str


class ToyIsTaken(Conflict):
    def __init__(self) -> None:
        super().__init__("toy is taken", field="name")


class ToyHandler:
    """Remembers its calls; `gate` holds up `slow` until somebody opens it."""

    def __init__(self) -> None:
        self.calls: list[Call[Any]] = []
        self.gate = asyncio.Event()
        self.waiting = 0
        self.cancelled = 0

    async def show(self, call: Call[None]) -> Toy:
        self.calls.append(call)
        return Toy(call.id, "top")

    async def page(self, call: Call[None]) -> Paged[Toy]:
        self.calls.append(call)
        return Paged([Toy(TOY, "top")], page_of(call.query), 41)

    async def add(self, call: Call[ToyBody]) -> Toy:
        self.calls.append(call)
        return Toy(TOY, call.body.name)

    async def cached(self, call: Call[None]) -> msgspec.Raw:
        self.calls.append(call)
        return msgspec.Raw(b'{"id":"%s","name":"cached"}' % str(TOY).encode())

    async def refuse(self, call: Call[None]) -> Toy:
        self.calls.append(call)
        raise ToyIsTaken

    async def crash(self, _call: Call[None]) -> Toy:
        raise RuntimeError("password=hunter2")

    async def slow(self, _call: Call[None]) -> Toy:
        self.waiting += 1
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return Toy(TOY, "slow")


def row(method: str, path: str, handler: Any, **more: Any) -> Route:
    return Route(**{"method": method, "path": path, "handler": handler, "answer": Toy} | more)


ROWS: Final = (
    row("GET", "/health", ToyHandler.cached, access=PUBLIC),
    row(
        "GET",
        "/toys",
        ToyHandler.page,
        access=PUBLIC,
        limits=(Limit.PUBLIC,),
        query=(Parameter("search", str, "part of the name"),),
        answer=Paged[Toy],
    ),
    row(
        "POST",
        "/toys",
        ToyHandler.add,
        access=PUBLIC,
        limits=(Limit.LOGIN, Limit.PUBLIC),
        body=ToyBody,
        status=HTTPStatus.CREATED,
    ),
    row("GET", "/toys/{id}", ToyHandler.show, access=PUBLIC, path_id="toy"),
    row(
        "PUT",
        "/toys/{id}",
        ToyHandler.add,
        access=BUYER,
        limits=(Limit.AUTH,),
        path_id="toy",
        body=ToyBody,
        private=True,
    ),
    row(
        "DELETE",
        "/toys/{id}",
        ToyHandler.refuse,
        access=ADMIN,
        path_id="toy",
        refusals=(ToyIsTaken,),
    ),
    row("POST", "/renewals", ToyHandler.cached, access=PUBLIC, limits=(Limit.AUTH,)),
    row(
        "GET",
        "/crash",
        ToyHandler.crash,
        access=PUBLIC,
        limits=(Limit.PUBLIC,),
        fault="failed to fetch toys",
    ),
    row("GET", "/slow", ToyHandler.slow, access=PUBLIC),
)


class ToyVerifier:
    """Knows a token for each role, and `nobody`, a buyer whose id is none."""

    def verify(self, token: str) -> Claims:
        if token not in {*Role, "nobody"}:
            raise BadToken
        return Claims(
            user_id="nobody" if token == "nobody" else BUYER_ID,
            email="a@example.com",
            role="buyer" if token == "nobody" else token,
            token_type="access",
            jti="1",
            exp=0,
        )


class ToyLimiter:
    """Windows on a clock that stands still; what was charged can be seen, and it can be away."""

    def __init__(self) -> None:
        self.away = False
        self.charged: Counter[str] = Counter()
        self._windows = LocalLimiter(HeldClock())

    async def admit(self, bucket: str, limit: int) -> Verdict:
        if self.away:
            raise Unavailable
        verdict = await self._windows.admit(bucket, limit)
        self.charged[bucket] += verdict.allowed
        return verdict


class ToyShop:
    """The edge around the toy rows; every part can be looked at."""

    def __init__(
        self,
        *,
        rows: Sequence[Route] = ROWS,
        handlers: Iterable[object] = (),
        login: int = 10,
        public: int = 60,
        auth: int = 120,
        files: Mapping[str, ASGIApp] | None = None,
        max_body: int = MAX_BODY,
        trusted: str = "",
        cors: str = "",
        request_timeout_s: float = 5.0,
        max_in_flight: int = 10,
    ) -> None:
        self.toys = ToyHandler()
        self.documented = documented(tuple(rows))
        self.limiter = ToyLimiter()
        self.fallback = ToyLimiter()
        per_minute = {Limit.LOGIN: login, Limit.PUBLIC: public, Limit.AUTH: auth}
        self.app: ASGIApp = build(
            rows,
            [self.toys, *handlers],
            guard=Guard(
                verifier=ToyVerifier(),
                limits=Limits(self.limiter, self.fallback, per_minute, processes=4),
                max_body_bytes=max_body,
                max_json_depth=20,
                uploads=Uploads(max_size=MAX_FILE, form_extra=4096, max_parts=3),
                once=MemoryOnce(),
            ),
            files=files or {},
            clients=Clients(networks(trusted)),
            cors=Cors(origins(cors)),
            clock=SystemClock(),
            settings=EdgeSettings(
                request_timeout_s=request_timeout_s, max_in_flight=max_in_flight, db_connections=10
            ),
        )

    @asynccontextmanager
    async def client(self, peer: str = "192.0.2.1") -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(app=self.app, client=(peer, 50_000))
        async with httpx.AsyncClient(
            transport=transport,
            base_url="http://shop",
            event_hooks={"response": [self.documented.check]},
        ) as client:
            yield client


def error_of(response: httpx.Response) -> tuple[int, str, str]:
    """Return status, code and message of an answer with exactly one error that names no field."""
    (error,) = response.json()["errors"]
    assert error.keys() == {"code", "message"}
    return response.status_code, error["code"], error["message"]


def as_user(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
