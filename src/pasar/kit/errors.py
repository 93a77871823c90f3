"""
Every error the program answers with, as one tree; each class carries the code that clients see.

    PasarError            INTERNAL_ERROR
    ├── Invalid           VALIDATION_ERROR        one input is wrong
    │   └── InvalidFields VALIDATION_ERROR        several fields at once, in their documented order
    ├── WrongState        INVALID_STATUS          the state machine refuses
    ├── Unauthorized      UNAUTHORIZED            who are you
    ├── Forbidden         FORBIDDEN               not yours to do
    ├── NotFound          NOT_FOUND
    ├── Conflict          CONFLICT                a duplicate, or still in use
    ├── KeyReused         IDEMPOTENCY_KEY_REUSED  the key of another request
    ├── RateLimited       RATE_LIMITED            later
    ├── Unavailable       SERVICE_UNAVAILABLE     a needed part is away, or we are full
    └── TimedOut          REQUEST_TIMEOUT         the request's budget is spent

Features subclass these in their `model.py`. One table per transport turns the code into a status:
`store_service/web/envelope.py` for HTTP, `payment_service/grpc_server.py` for gRPC. Nothing
decides by the text of a message.
"""

from collections.abc import Sequence
from typing import ClassVar


class PasarError(Exception):
    """An error with a code, a sentence for the client and, if one input is at fault, its name."""

    code: ClassVar[str] = "INTERNAL_ERROR"

    def __init__(self, message: str = "internal server error", *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class Invalid(PasarError):
    code = "VALIDATION_ERROR"


class InvalidFields(Invalid):
    """All failed field rules of one body."""

    def __init__(self, faults: Sequence[Invalid]) -> None:
        super().__init__("; ".join(f"{fault.field} {fault.message}" for fault in faults))
        self.faults = tuple(faults)


class WrongState(PasarError):
    code = "INVALID_STATUS"


class Unauthorized(PasarError):
    code = "UNAUTHORIZED"


class Forbidden(PasarError):
    code = "FORBIDDEN"


class NotFound(PasarError):
    code = "NOT_FOUND"


class Conflict(PasarError):
    code = "CONFLICT"


class KeyReused(PasarError):
    code = "IDEMPOTENCY_KEY_REUSED"

    def __init__(self) -> None:
        super().__init__("this key was used with another request")


class RateLimited(PasarError):
    """Refused by a limiter; `retry_after_s` whole seconds until a slot frees, at least 1."""

    code = "RATE_LIMITED"

    def __init__(self, retry_after_s: int, message: str = "rate limit exceeded") -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unavailable(PasarError):
    """
    A part the request cannot do without is away or full; worth trying again soon.

    `reason` is for whoever runs the shop: the message, for clients, tells them as little as it may.
    """

    code = "SERVICE_UNAVAILABLE"

    def __init__(
        self, message: str = "service unavailable", *, retry_after_s: int = 1, reason: str = ""
    ) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.reason = reason or message


class TimedOut(PasarError):
    code = "REQUEST_TIMEOUT"

    def __init__(self, message: str = "request timed out") -> None:
        super().__init__(message)
