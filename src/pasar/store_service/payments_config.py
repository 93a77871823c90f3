"""The settings of the talk with the payment service, a part of the store service's."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from pasar.kit.settings import BadSetting, Duration


@dataclass(frozen=True, kw_only=True)  # no slots: StoreConfig may have but one base with slots
class PaymentsConfig:
    """One field per variable, as in `StoreConfig`, which takes them over."""

    payment_grpc_addr: Annotated[
        str, Meta(pattern=r"^[^\s,]+:\d{1,5}$", description="payment service, host:port")
    ] = "localhost:50051"
    payment_grpc_ca_file: Annotated[
        str, Meta(description="PEM authority of its certificate; turns TLS on, empty = plaintext")
    ] = ""
    payment_service_token: Annotated[
        str, Meta(description="bearer token of gRPC callers, ≥ 32 bytes; demanded off loopback")
    ] = ""
    payment_rpc_timeout: Annotated[
        Duration, Meta(description="longest question to the payment service; gRPC has no limit")
    ] = Duration(1)
    payment_refund_timeout: Annotated[
        Duration, Meta(description="longest refund, and page of its books")
    ] = Duration(5)
    payment_rpc_tries: Annotated[
        int, Meta(ge=1, le=10, description="tries, 50 to 200 ms apart, while nobody is there")
    ] = 3
    grpc_keepalive: Annotated[Duration, Meta(description="gRPC keep-alive ping")] = Duration(30)
    grpc_max_message: Annotated[int, Meta(ge=1024, description="largest gRPC message in bytes")] = (
        65_536
    )
    event_signing_key_previous: Annotated[
        str, Meta(description="accepted besides, while the key is being changed")
    ] = ""
    reconcile_interval: Annotated[
        Duration, Meta(description="how often the worker looks for payments and refunds due")
    ] = Duration(2)
    resend_after: Annotated[
        Duration,
        Meta(
            description="age of a payment at its first look, and unit of the later ones: 2, 3, 6, "
            "9, 12, 24, then each 12; above the slowest normal payment"
        ),
    ] = Duration(5)
    payment_timeout: Annotated[
        Duration, Meta(description="then a pending payment is called off, never guessed")
    ] = Duration(900)
    refund_backoff_max: Annotated[
        Duration, Meta(description="longest wait between tries of a refund; from 2s, doubling")
    ] = Duration(60)
    reconcile_at: Annotated[
        str,
        Meta(
            pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
            description="time of day, UTC, of the comparison with the payment service's books",
        ),
    ] = "03:00"
    worker_heartbeat_limit: Annotated[
        Duration, Meta(description="`/ready` says 503 when the worker was silent for so long")
    ] = Duration(30)

    def payment_authority(self) -> bytes | None:
        """Return the PEM text, None for plaintext. Raises BadSetting: it cannot be read."""
        if not self.payment_grpc_ca_file:
            return None
        try:
            return Path(self.payment_grpc_ca_file).read_bytes()
        except OSError as fault:
            raise BadSetting("PAYMENT_GRPC_CA_FILE", f"cannot read it: {fault}") from fault
