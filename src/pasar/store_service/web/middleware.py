"""
The one ASGI middleware: what happens to every request, whatever its path.

From outside to inside, and why in this order:

    identity    request id, time, client address: everything below, a 504 too, tells them (D33)
    access log  one line and one count per request, with the status that was really sent
    recovery    every error becomes an envelope, and the process goes on (D35)
    admission   beyond the places of `admission.py`: 503 at once instead of a slow 504 for all
    deadline    the request's budget; its work is cancelled, the answer still arrives (D36)
    cors        a preflight is answered here, whatever its path
    headers     request id, security and rate-limit headers, put on whatever is sent

A class with `__call__`: Starlette's BaseHTTPMiddleware costs a task and a stream per request.
"""

import asyncio
import re
from dataclasses import dataclass
from typing import Final

import uuid_utils
from starlette.types import ASGIApp, Receive, Scope, Send

from pasar.kit import log
from pasar.kit.clock import Clock
from pasar.kit.deadlines import Deadlines
from pasar.kit.errors import PasarError, Unavailable
from pasar.kit.metrics import Requests
from pasar.store_service.web.address import Clients
from pasar.store_service.web.admission import Admission
from pasar.store_service.web.cors import Cors
from pasar.store_service.web.envelope import (
    Exchange,
    Header,
    begin_answer,
    failure,
    headers_of,
    respond,
    status_of,
)
from pasar.store_service.web.parse import ClientGone

SECURITY_HEADERS: Final[tuple[Header, ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
PROBES: Final = frozenset({"/health", "/ready"})
"""Admitted beyond the cap: a busy process must not be taken for a dead one."""

CLIENT_GONE: Final = 499
"""What the access log says, as nginx does, when the client left before its request was whole."""

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9\-_.:/+=@]{1,128}")

_log: Final = log.get("http")


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeSettings:
    request_timeout_s: float
    max_in_flight: int
    db_connections: int


class Edge:
    """The application's outermost layer; `admission` does its best once somebody watches it."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        clients: Clients,
        cors: Cors,
        clock: Clock,
        settings: EdgeSettings,
    ) -> None:
        self._app = app
        self._cors = cors
        self._clients = clients
        self._clock = clock
        self._deadlines = Deadlines(settings.request_timeout_s)
        self.admission = Admission(
            clock, most=settings.max_in_flight, connections=settings.db_connections
        )
        self._requests = Requests()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = self._clock.monotonic()
        exchange = begin(self._clock, self._clients.address(scope), _header_id(scope))
        exchange.headers += self._cors.headers(scope)
        scope["exchange"] = exchange
        log.request_id.set(exchange.request_id)
        log.user_id.set("")  # asyncio may hand down the context of the connection's last request

        try:
            await self._recovered(scope, receive, send)
        finally:
            status, took_s = exchange.status or CLIENT_GONE, self._clock.monotonic() - began
            self._requests.answered(exchange.route, status, took_s)
            _log.info(
                "request completed",
                method=scope["method"],
                path=scope["raw_path"].decode("ascii"),
                status=status,
                latency=f"{took_s * 1000:.3f}ms",
                ip=exchange.address,
            )

    async def _recovered(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange: Exchange = scope["exchange"]
        if granted := self._cors.permission(scope):
            await begin_answer(send, exchange, 204, granted)
            await send({"type": "http.response.body"})
            return
        try:
            await self._admitted(scope, receive, send)
        except ClientGone:
            return
        except asyncio.CancelledError:  # the process ends, and its patience with it
            await _refuse(send, exchange, Unavailable())
            raise
        except Exception as fault:  # noqa: BLE001  this request fails, the process lives
            error = fault if isinstance(fault, PasarError) else PasarError()
            if error.code == PasarError.code:
                _log.exception("request failed")
            await _refuse(send, exchange, error)

    async def _admitted(self, scope: Scope, receive: Receive, send: Send) -> None:
        counted = scope["path"] not in PROBES
        if counted:
            self.admission.enter()
        try:
            with self._deadlines.budget():
                await self._app(scope, receive, send)
        finally:
            if counted:
                self.admission.leave()


def begin(clock: Clock, address: str, request_id: str | None) -> Exchange:
    """Return a new exchange with the headers that no answer goes without."""
    known = request_id or str(uuid_utils.uuid4())
    headers = [*SECURITY_HEADERS, (b"x-request-id", known.encode())]
    return Exchange(known, clock.now(), address, headers)


async def _refuse(send: Send, exchange: Exchange, error: PasarError) -> None:
    """Answer with the error; one that has begun to answer cannot, and its connection is cut."""
    if exchange.status:
        raise error
    exchange.headers += headers_of(error)
    await respond(send, exchange, status_of(error), failure(exchange, error))


def _header_id(scope: Scope) -> str | None:
    """Return the request id that the client chose, if it is usable (contract D32)."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            return value.decode() if _REQUEST_ID.fullmatch(value) else None
    return None
